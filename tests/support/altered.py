"""An object with some of its attributes replaced or taken away."""

from typing import Any


class Altered:
    """Stands in for another object, but for what was given by name; ``None`` takes a method away."""

    def __init__(self, whole: object, **instead: Any) -> None:
        self._whole, self._instead = whole, instead

    def __getattr__(self, name: str) -> Any:
        if name in self._instead:
            return self._instead[name]
        return getattr(self._whole, name)
