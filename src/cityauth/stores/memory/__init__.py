"""`MemoryStore`: the reference store. What it does is what every store must do."""

from cityauth.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
