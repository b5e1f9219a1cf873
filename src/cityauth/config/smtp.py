"""The section ``[smtp]``: which server takes the mail."""

from dataclasses import dataclass, fields
from typing import Any, Final, cast

from cityauth.config.sections import refuse_unknown
from cityauth.config.validation import read_one_of, readers_of
from cityauth.core.secret import SecretStr
from cityauth.errors import ConfigurationError
from cityauth.mailers.smtp import Security, SmtpMailer

SMTP: Final = "smtp"
_SECURITY: Final = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A mail server, in the words of `SmtpMailer`.

    Attributes:
        host: Its name or address.
        sender: The address that mails come from.
        sender_name: The name shown with it.
        port: 587 for STARTTLS, 465 for TLS.
        security: ``starttls``, ``tls``, or ``none`` for a server on this machine.
        username: For a server that asks who is sending; the password comes from the environment alone.
    """

    host: str = ""
    sender: str = ""
    sender_name: str = ""
    port: int = 587
    security: str = "starttls"
    username: str = ""

    def mailer(self, password: SecretStr | None, *, check_at_start: bool = True) -> SmtpMailer:
        """Return the mailer.

        Args:
            password: The password of *username*, from the environment.
            check_at_start: See `SmtpMailer`.

        Raises:
            ConfigurationError: no host or sender, a username without a password or the other way round, or an
                unencrypted server that is not this machine.
        """
        if self.username and password is None:
            raise ConfigurationError("[smtp] has a username: set CITYAUTH_SMTP_PASSWORD to its password")
        if password is not None and not self.username:
            raise ConfigurationError("CITYAUTH_SMTP_PASSWORD is set: [smtp] needs the key 'username' for it")
        return SmtpMailer(
            self.host,
            self.port,
            sender=self.sender,
            sender_name=self.sender_name,
            security=cast("Security", self.security),
            username=self.username or None,
            password=password.get_secret_value() if password else None,
            check_at_start=check_at_start,
        )


def read_smtp(value: object) -> SmtpSettings:
    """Read the section.

    Raises:
        ConfigurationError: a key is unknown or missing, or a value is not what its key takes.
    """
    if not isinstance(value, dict):
        raise ConfigurationError("smtp must be a table: put its keys under [smtp]")
    readers = readers_of(SmtpSettings())
    refuse_unknown(value, [one.name for one in fields(SmtpSettings)], SMTP)
    for name in ("host", "sender"):
        if name not in value:
            raise ConfigurationError(f"[smtp] needs the key {name!r}")
    given: dict[str, Any] = {key: readers[key](one, f"smtp.{key}") for key, one in value.items()}
    if "security" in given:
        read_one_of(_SECURITY, given["security"], "smtp.security")
    return SmtpSettings(**given)
