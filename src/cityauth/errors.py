"""The exception tree.

Exceptions are for the caller's mistakes and for broken infrastructure only. A refused login, a refused
link or a taken address is a value that the caller must look at, never an exception.

    CityAuthError
    ├── ConfigurationError (ValueError)      the host's set-up is wrong; raised at construction
    │   ├── SecretError                      a secret is missing, too short or a known sample
    │   ├── PolicyError                      a policy value is out of its allowed range
    │   └── WiringError                      a port lacks a method, or is async where sync is needed
    ├── MissingExtraError (ImportError)      an optional library is not installed; names the extra
    ├── UsageError (ValueError)              the caller passed something that can never be right
    │   ├── IllegalTransitionError           an event that the login machine's table does not hold
    │   └── PlanError                        a file is no plan of a migration, or was changed; names the line
    ├── HasherBusyError                      a password could not be hashed now; try again later
    ├── BreachCheckerUnavailableError        a list of breached passwords cannot be asked; only a checker raises it
    ├── StoreError                           a store could not answer
    │   ├── StoreUnavailableError            it cannot be reached or opened; try again later
    │   └── SchemaError                      its tables are missing or of another version
    └── MailerError                          a mail was not sent; only a `Mailer` raises these, to the outbox
        ├── MailerUnavailableError           the mail system cannot take mail now; the mail stays queued
        └── MailRefusedError                 it will never take this mail
"""


class CityAuthError(Exception):
    """The root: every exception that cityauth raises on purpose."""


class ConfigurationError(CityAuthError, ValueError):
    """The host's set-up is wrong. Raised when an object is constructed, never during a request."""


class SecretError(ConfigurationError):
    """A signing secret is missing, shorter than 32 bytes, or a known sample. Never shows the secret."""


class PolicyError(ConfigurationError):
    """A policy value is out of the range that the policy's docstring names."""


class WiringError(ConfigurationError):
    """A port lacks a method that the flows ask, or is asynchronous where a synchronous one is needed."""


class MissingExtraError(CityAuthError, ImportError):
    """An adapter or command needs an optional library; the message names the extra that brings it."""

    def __init__(self, extra: str, what: str) -> None:
        """Name the missing *extra* and *what* needs it."""
        self.extra = extra
        super().__init__(f"{what} needs the extra '{extra}': pip install 'cityauth[{extra}]'")


class UsageError(CityAuthError, ValueError):
    """The caller passed something that is wrong in every case. What is stored makes no difference."""


class IllegalTransitionError(UsageError):
    """The login machine's table holds no transition for this state and event."""


class PlanError(UsageError):
    """A file is no plan of a migration, or a line of it was changed; make the plan again.

    Attributes:
        line: The number of the line that is wrong, from 1; 0 where it is not known.
    """

    def __init__(self, reason: str, line: int) -> None:
        """Say what is wrong and in which line."""
        self.line = line
        super().__init__(reason)


class HasherBusyError(CityAuthError):
    """A password could not be hashed now. Nothing is known of the password; try again later.

    Too many hashes wait, one has waited too long, or there is not enough memory.

    Attributes:
        retry_after: After how many seconds it is worth a try, for ``Retry-After``; 1 to 60.
    """

    def __init__(self, reason: str = "", *, retry_after: int = 10) -> None:
        """Say why.

        Args:
            reason: What is lacking; never anything of the password.
            retry_after: After how many seconds it is worth a try.
        """
        self.retry_after = retry_after
        super().__init__(*([reason] if reason else []))


class BreachCheckerUnavailableError(CityAuthError):
    """A list of breached passwords cannot be asked now. Raised by a `BreachChecker`, handled where a password is set.

    Attributes:
        reason: Why, as a code for the audit trail.
    """

    def __init__(self, reason: str = "unavailable") -> None:
        """Say why.

        Args:
            reason: A code or a word for the operator; never anything of the password.
        """
        self.reason = reason
        super().__init__(reason)


class StoreError(CityAuthError):
    """A store could not answer. What was to be written was written as a whole or not at all.

    A reader has lost nothing, and may ask again. A writer does not know which of the two it was, where the connection
    broke during the commit: look before you repeat it. `StoreUnavailableError.nothing_written` says where it is known.
    """


class StoreUnavailableError(StoreError):
    """The store cannot be reached or opened, or stayed locked past its time limit; try again later."""

    def __init__(self, reason: str = "", *, nothing_written: bool = False) -> None:
        """Say why.

        Args:
            reason: What is wrong; never a stored value.
            nothing_written: Whether the store knows that it wrote nothing. If not, such as when the
                connection broke during a commit, the library repeats the commit once, to learn its outcome.
        """
        self.nothing_written = nothing_written
        super().__init__(*([reason] if reason else []))


class SchemaError(StoreError):
    """The store's tables are missing or of another version; run ``cityauth db upgrade``."""


class MailerError(CityAuthError):
    """A mail was not sent. Raised by a `Mailer`, handled by the outbox."""


class MailerUnavailableError(MailerError):
    """The mail system cannot be reached or will not take mail now; the mail stays in the outbox."""

    def __init__(self, reason: str = "", *, answered: bool = False) -> None:
        """Say why.

        Args:
            reason: A code or a word for the operator; never an address or a text of a mail.
            answered: Whether the answer was about this mail, so that the next mail is worth a try.
        """
        self.answered = answered
        super().__init__(*([reason] if reason else []))


class MailRefusedError(MailerError):
    """The mail system will never take this mail."""
