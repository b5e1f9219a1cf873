"""What may be registered as an identifier."""

from dataclasses import dataclass

from cityauth.policy.validation import require_types


@dataclass(frozen=True, slots=True)
class IdentifierPolicy:
    """What may be registered as an identifier.

    Attributes:
        mailer_supports_smtputf8: Whether an address with a non-ASCII local part may be registered.
            Off by default: a reset mail that cannot be delivered locks its owner out.
    """

    mailer_supports_smtputf8: bool = False

    def __post_init__(self) -> None:
        """Refuse what is neither true nor false."""
        require_types(self, "identifiers")
