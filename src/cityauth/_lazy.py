"""Load a package's public names on first use (PEP 562).

``import cityauth`` stays fast, and a name whose library is not installed fails only when it is asked for.
"""

import importlib
import sys
from collections.abc import Callable, Mapping


def attach(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for *package*.

    Args:
        package: The package's ``__name__``.
        homes: For each public name, the module that defines it.
    """

    def load(name: str) -> object:
        """Import the module that defines *name*, and keep the value in the package."""
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def listing() -> list[str]:
        """List the public names, loaded or not."""
        return sorted(homes)

    return load, listing
