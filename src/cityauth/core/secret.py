"""Values that must never be shown. The signing secrets are in `cityauth.core.signing`."""

import hmac
from typing import NoReturn, final


@final
class SecretStr:
    """A string that is not shown by accident, such as a password hash or a session token.

    It is a class so that ``repr``, ``str``, f-strings and logs cannot show it; the value is read
    by calling `get_secret_value`, which a reviewer can search for.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep *value*."""
        self._value = value

    def get_secret_value(self) -> str:
        """Return the secret string."""
        return self._value

    def __repr__(self) -> str:
        """Show nothing of the value, not even its length."""
        return "SecretStr(***)"

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        if not isinstance(other, SecretStr):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        """Hash by value, so that equal secret values are equal keys."""
        return hash((SecretStr, self._value))

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into a report."""
        msg = "a secret value cannot be pickled"
        raise TypeError(msg)
