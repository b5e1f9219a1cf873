"""What the host supplies: Protocols only. What keeps is in ``stores``, what acts in ``services``."""
