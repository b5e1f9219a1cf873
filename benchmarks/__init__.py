"""The performance lab: every job timed against a hand-written floor and against peers, in one run."""
