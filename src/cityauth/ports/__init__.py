"""What the host supplies: Protocols only."""
