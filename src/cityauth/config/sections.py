"""Sections of the configuration file, read by the types of their fields: the policy and ``[smtp]``.

Every field of the policy is a key of the file. There is no second list of keys to maintain. The message about a
wrong value names its key and never shows the value.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast, get_type_hints

from cityauth.core.secret import SecretStr
from cityauth.errors import ConfigurationError
from cityauth.hashing.recipe_format import HashRecipe
from cityauth.mailers.smtp import Security, SmtpMailer
from cityauth.policy import HashProfile, Policy, SessionPolicy
from cityauth.policy.realms import DatedPhase, Phase, RealmPolicy
from cityauth.policy.throttling import Backoff, Limit

Reader = Callable[[object, str], object]
"""Takes a value of the file and the key it stands under, for messages."""

_SPAN: Final = re.compile(r"([0-9]{1,6}) (second|minute|hour|day)s?")
_LIMIT: Final = re.compile(r"([0-9]{1,6}) per (?:([0-9]{1,6}) )?(second|minute|hour|day)s?")
_BACKOFF: Final = re.compile(r"([0-9]{1,4}) free, then (\d{1,6} [a-z]+) to (\d{1,6} [a-z]+)", re.ASCII)
_MOMENT: Final = "2027-01-01T00:00:00+02:00"


def read_file(file: Path) -> dict[str, Any]:
    """Return the tables and keys of *file*.

    Raises:
        ConfigurationError: it cannot be read, or is not valid TOML.
    """
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no configuration file {file}") from error
    except OSError as error:
        raise ConfigurationError(f"the configuration file {file} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: it is not UTF-8") from error


def read_text(value: object, where: str) -> str:
    """Return *value*, which must be text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{where} must be text in quotes, and not empty")
    return value


def read_one_of(known: Iterable[str], value: object, where: str) -> str:
    """Return *value*, which must be one of the *known* names."""
    names = list(known)
    if not isinstance(value, str) or value not in names:
        raise ConfigurationError(f"{where} must be one of {quoted(names)}")
    return value


def read_moment(value: object, where: str) -> datetime:
    """Return *value*, which must be a date and time with its offset from UTC."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ConfigurationError(f"{where} must be a moment with its offset, without quotes, such as {_MOMENT}")
    return value


def quoted(names: Iterable[str]) -> str:
    """Return the *names* in quotes, as the file has them."""
    return ", ".join(f'"{name}"' for name in names)


def readers_of(policy: object) -> dict[str, Reader]:
    """Return how each field of *policy*, a dataclass, is read; fields of other types are no keys of the file."""
    kind: Any = type(policy)
    hints = get_type_hints(kind)
    return {one.name: _READERS[hints[one.name]] for one in fields(kind) if hints[one.name] in _READERS}


def _number(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"{where} must be a whole number")
    return value


def _switch(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} must be true or false")
    return value


def _span(value: object, where: str) -> timedelta:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ConfigurationError(f'{where} must be a time such as "90 seconds", "30 minutes" or "14 days"')
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigurationError(f'{where} must be a list of texts, such as ["Esimerkkilä", "Exempelstad"]')
    return tuple(read_text(one, where) for one in value)


def _limits(value: object, where: str) -> tuple[Limit, ...]:
    matches = [_LIMIT.fullmatch(one) for one in value if isinstance(one, str)] if isinstance(value, list) else []
    limits = tuple(
        Limit(int(match[1]), timedelta(**{f"{match[3]}s": int(match[2] or 1)})) for match in matches if match
    )
    if not isinstance(value, list) or not limits or len(limits) != len(value):
        raise ConfigurationError(f'{where} must be a list such as ["1 per minute", "10 per 5 minutes"]')
    if any(limit.count < 1 or not limit.window for limit in limits):
        raise ConfigurationError(f"{where} must allow at least one, in a time longer than none")
    return limits


def _backoff(value: object, where: str) -> Backoff:
    match = _BACKOFF.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ConfigurationError(f'{where} must be such as "5 free, then 1 second to 15 minutes"')
    return Backoff(int(match[1]), _span(match[2], where), _span(match[3], where))


_READERS: Final[dict[object, Reader]] = {
    int: _number,
    int | None: _number,
    bool: _switch,
    str: read_text,
    timedelta: _span,
    tuple[str, ...]: _texts,
    tuple[Limit, ...]: _limits,
    Backoff: _backoff,
}
"""How a value of the file becomes a value of a field of this type."""


PROFILES: Final[Mapping[str, Mapping[str, object]]] = {
    "hashing": {"rfc_9106": HashProfile.RFC_9106, "small": HashProfile.SMALL},
    "sessions": {"default": SessionPolicy(), "aal2": SessionPolicy.AAL2},
}
"""Sections whose key ``profile`` names a ready-made set of values to start from."""

_PROFILE: Final = "profile"
_DATED: Final = '{ since = 2027-01-01T00:00:00+02:00, phase = "email_only" }'


def read_policy(file: Mapping[str, object], besides: Iterable[str] = ()) -> Policy:
    """Return the policy that *file*, the whole of it, describes; what it leaves out keeps its default.

    Args:
        file: The tables and keys of the file.
        besides: Keys that the file may have and that are no part of the policy.

    Raises:
        ConfigurationError: a key is unknown, or a value is not what its key takes.
        PolicyError: a value is out of its range.
    """
    policy = Policy()
    readers = readers_of(policy)
    sections = {name: part for name in Policy.__slots__ if is_dataclass(part := getattr(policy, name))}
    refuse_unknown(file, {*readers, *sections, "realms", "hashes", *besides})
    parts: dict[str, Any] = {name: readers[name](file[name], name) for name in readers if name in file}
    for name, part in sections.items():
        if name in file:
            parts[name] = _read_section(part, file[name], name)
    if "realms" in file:
        realms = _table(file["realms"], "realms")
        parts["realms"] = {**policy.realms, **{name: read_realm(realms[name], name) for name in realms}}
    if "hashes" in file:
        parts["hashes"] = {name: _read_recipe(one, name) for name, one in _table(file["hashes"], "hashes").items()}
    return replace(policy, **parts)


def refuse_unknown(given: Iterable[str], known: Iterable[str], where: str = "") -> None:
    """Refuse the first key that is not *known*, and name the nearest one that is."""
    names = sorted(known)
    for key in given:
        if key not in names:
            (near,) = difflib.get_close_matches(key, names, n=1, cutoff=0)
            place = f" in [{where}]" if where else ""
            raise ConfigurationError(f"unknown key {key!r}{place}; the nearest known one is {near!r}")


def _read_section(part: Any, value: object, where: str) -> object:  # noqa: ANN401 - any of the policy's dataclasses
    """Return *part* with the section's values in it."""
    table = dict(_table(value, where))
    profiles = PROFILES.get(where, {})
    readers = readers_of(part)
    refuse_unknown(table, [*readers, *([_PROFILE] if profiles else [])], where)
    if profiles and _PROFILE in table:
        part = profiles[read_one_of(profiles, table.pop(_PROFILE), f"{where}.{_PROFILE}")]
    return replace(part, **{key: readers[key](given, f"{where}.{key}") for key, given in table.items()})


def _read_recipe(value: object, name: str) -> str:
    """Return the recipe of the hash format *name*, after reading it once, so that a wrong one is found at once."""
    where = f"hashes.{name}"
    table = _table(value, where)
    refuse_unknown(table, ("recipe",), where)
    if "recipe" not in table:
        raise ConfigurationError(f"[{where}] needs the key 'recipe'")
    recipe = read_text(table["recipe"], f"{where}.recipe")
    HashRecipe(name, recipe)
    return recipe


def read_realm(value: object, name: str) -> RealmPolicy:
    """Return the phases of the realm *name*.

    Raises:
        ConfigurationError: a key is unknown or missing, or a value is no phase or moment.
        PolicyError: the schedule is out of order.
    """
    where = f"realms.{name}"
    table = _table(value, where)
    refuse_unknown(table, ("initial", "schedule", "paused_at"), where)
    if "initial" not in table:
        raise ConfigurationError(f"[{where}] needs the key 'initial', one of {quoted(Phase)}")
    schedule = table.get("schedule", [])
    if not isinstance(schedule, list):
        raise ConfigurationError(f"{where}.schedule must be a list of tables such as {_DATED}")
    return RealmPolicy(
        Phase(read_one_of(Phase, table["initial"], f"{where}.initial")),
        tuple(_read_dated(one, f"{where}.schedule") for one in schedule),
        read_moment(table["paused_at"], f"{where}.paused_at") if "paused_at" in table else None,
    )


def _read_dated(value: object, where: str) -> DatedPhase:
    if not isinstance(value, dict) or value.keys() != {"since", "phase"}:
        raise ConfigurationError(f"{where} takes tables of exactly the keys since and phase, such as {_DATED}")
    since = read_moment(value["since"], f"{where}.since")
    return DatedPhase(since, Phase(read_one_of(Phase, value["phase"], f"{where}.phase")))


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table: put its keys under [{where}]")
    return value


SMTP: Final = "smtp"
_SECURITY: Final = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The settings of a mail server; see `SmtpMailer`.

    Attributes:
        host: Its name or address.
        sender: The address that mails come from.
        sender_name: The name that is shown with the sender.
        port: 587 for STARTTLS, 465 for TLS from the first byte.
        security: ``starttls``, ``tls``, or ``none``, which only a server on this machine may have.
        username: The login at a server that asks for one; only the environment can give its password.
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


POSTGRESQL: Final = "postgresql"


@dataclass(frozen=True, slots=True)
class PostgresqlSettings:
    """The limits of the connections to a PostgreSQL server; see `SqlStore`.

    Attributes:
        pool_size: The most connections that are open at once.
        pool_timeout: How long a call waits until one of them is free.
        statement_timeout: How long one statement may take, waiting for locks included.
        prepare_statements: Whether the server keeps statements prepared. Behind PgBouncer in transaction mode, turn it
            off.
    """

    pool_size: int = 10
    pool_timeout: timedelta = timedelta(seconds=2)
    statement_timeout: timedelta = timedelta(seconds=3)
    prepare_statements: bool = True

    def options(self) -> dict[str, Any]:
        """Return these settings as the arguments of `SqlStore`."""
        return {
            "pool_size": self.pool_size,
            "pool_timeout": self.pool_timeout.total_seconds(),
            "statement_timeout": self.statement_timeout.total_seconds(),
            **({} if self.prepare_statements else {"prepare_threshold": None}),
        }


def read_postgresql(value: object) -> PostgresqlSettings:
    """Read the section.

    Raises:
        ConfigurationError: a key is unknown, or a value is not what its key takes.
    """
    if not isinstance(value, dict):
        raise ConfigurationError("postgresql must be a table: put its keys under [postgresql]")
    readers = readers_of(PostgresqlSettings())
    refuse_unknown(value, [one.name for one in fields(PostgresqlSettings)], POSTGRESQL)
    given: dict[str, Any] = {key: readers[key](one, f"postgresql.{key}") for key, one in value.items()}
    settings = PostgresqlSettings(**given)
    if settings.pool_size < 1:
        raise ConfigurationError("postgresql.pool_size must be 1 or more")
    for name in ("pool_timeout", "statement_timeout"):
        if not getattr(settings, name):
            raise ConfigurationError(f"postgresql.{name} must be longer than none")
    return settings
