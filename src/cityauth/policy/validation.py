"""Refuse a value that a policy's docstring rules out."""

from cityauth.errors import PolicyError


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise `PolicyError` with *message* unless *condition* holds."""
    if not condition:
        raise PolicyError(message)
