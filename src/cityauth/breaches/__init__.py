"""Ready-made lists of breached passwords: `PwnedPasswords` asks a service, `BreachFile` reads a file.

`PwnedPasswords` needs the extra ``breach``.
"""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.breaches.file import BreachFile
    from cityauth.breaches.pwned_passwords import PwnedPasswords

__all__ = ["BreachFile", "PwnedPasswords"]

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOMES = {
        "BreachFile": "cityauth.breaches.file",
        "PwnedPasswords": "cityauth.breaches.pwned_passwords",
    }
    __getattr__, __dir__ = _attach(__name__, _HOMES)
