"""`Configuration`: what ``cityauth.toml`` and the environment say, checked; for the command and a service alike."""

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cityauth import AsyncCityAuth, CityAuth
from cityauth.config import keyfile
from cityauth.config.acceptances import ACCEPT, read_acceptances
from cityauth.config.breaches import BREACHES, BreachSettings, read_breaches
from cityauth.config.sections import (
    POSTGRESQL,
    PROFILES,
    SMTP,
    PostgresqlSettings,
    SmtpSettings,
    read_file,
    read_one_of,
    read_policy,
    read_postgresql,
    read_smtp,
    read_text,
)
from cityauth.core.check import Acceptance
from cityauth.core.secret import SecretStr
from cityauth.core.signing import KeyRing
from cityauth.errors import ConfigurationError, SecretError
from cityauth.messages import Texts
from cityauth.policy import Policy
from cityauth.ports.services import AuditSink, Clock, Mailer
from cityauth.ports.stores import AnyStore, AnyThrottleStore, Store, ThrottleStore
from cityauth.stores.valkey_url import ValkeyServer

CONFIG: Final = "CITYAUTH_CONFIG"
DATABASE: Final = "CITYAUTH_DATABASE"
VALKEY: Final = "CITYAUTH_VALKEY"
SECRETS: Final = "CITYAUTH_SECRETS"
SECRETS_FILE: Final = "CITYAUTH_SECRETS_FILE"
TOMBSTONE_SECRET: Final = "CITYAUTH_TOMBSTONE_SECRET"  # noqa: S105 - a variable's name
DEPLOYMENT: Final = "CITYAUTH_DEPLOYMENT"
HASHING_PROFILE: Final = "CITYAUTH_HASHING_PROFILE"
GENERATION: Final = "CITYAUTH_GENERATION"
SMTP_PASSWORD: Final = "CITYAUTH_SMTP_PASSWORD"  # noqa: S105 - a variable's name
VARIABLES: Final = (
    CONFIG,
    DATABASE,
    VALKEY,
    SECRETS,
    SECRETS_FILE,
    TOMBSTONE_SECRET,
    DEPLOYMENT,
    GENERATION,
    HASHING_PROFILE,
    SMTP_PASSWORD,
)
"""Variables of the environment; each wins over the file."""

_SIMILAR: Final = 0.75
"""How similar to one of cityauth's names a variable must be to count as mistyped; others are the host's own."""


def read_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of cityauth that are set; an empty one counts as not set.

    Raises:
        ConfigurationError: a variable is nearly one of cityauth's, two of them exclude each other, or the hashing
            profile does not exist.
    """
    _refuse_slips(environment)
    given = {name: environment[name] for name in VARIABLES if environment.get(name, "").strip()}
    if SECRETS in given and SECRETS_FILE in given:
        raise SecretError(f"{SECRETS} and {SECRETS_FILE} are both set: unset one of them")
    if HASHING_PROFILE in given:
        read_one_of(PROFILES["hashing"], given[HASHING_PROFILE], HASHING_PROFILE)
    return given


def _refuse_slips(environment: Mapping[str, str]) -> None:
    """Refuse a variable that is nearly one of cityauth's: its value would be ignored without a word."""
    prefix = "CITYAUTH_"
    known = [name.removeprefix(prefix) for name in VARIABLES]
    for name in environment:
        if name.startswith(prefix) and name not in VARIABLES:
            near = difflib.get_close_matches(name.removeprefix(prefix), known, n=1, cutoff=_SIMILAR)
            if near:
                raise ConfigurationError(f"unknown variable {name}; the nearest known one is {prefix}{near[0]}")


if TYPE_CHECKING:
    from cityauth.stores.sql import AsyncSqlStore, SqlStore
    from cityauth.stores.valkey import AsyncValkeyThrottle, ValkeyThrottle

FILE: Final = "cityauth.toml"
"""The file that is read from the working folder when no other is named."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of one deployment.

    Attributes:
        policy: All settings.
        database: The URL of the database, which may hold a password; ``None`` if none is configured.
        secrets_file: The key file; ``None`` if none is configured.
        given_secrets: The secrets from the environment, oldest first. If there are any, the key file is not read.
        smtp: The mail server; ``None`` if none is configured: then mails stay in the outbox.
        smtp_password: Its password, which only the environment can give.
        tombstone_file: The file of the tombstones' keys; ``None`` if none is configured.
        given_tombstone: The tombstones' key from the environment; it replaces those of the files.
        postgresql: The limits of the connections, if *database* is on a PostgreSQL server.
        valkey: The URL of the server that counts for the throttle, which may hold a password; ``None`` if the database
            counts.
        acceptances: The findings of `CityAuth.check` that are accepted for a time.
        breaches: The list of breached passwords; ``None`` if none is configured: then nothing is asked.
    """

    policy: Policy
    database: SecretStr | None = None
    secrets_file: Path | None = None
    given_secrets: tuple[SecretStr, ...] = ()
    smtp: SmtpSettings | None = None
    smtp_password: SecretStr | None = None
    tombstone_file: Path | None = None
    given_tombstone: SecretStr | None = None
    postgresql: PostgresqlSettings = field(default_factory=PostgresqlSettings)
    acceptances: tuple[Acceptance, ...] = ()
    valkey: SecretStr | None = None
    breaches: BreachSettings | None = None

    def secrets(self) -> list[str]:
        """Return the signing secrets, oldest first, from the environment or else from the key file.

        Raises:
            SecretError: there is none, one is weak, or the key file is missing or other users may read it.
        """
        if self.given_secrets:
            found = [secret.get_secret_value() for secret in self.given_secrets]
        else:
            found = keyfile.read(self.key_file())
        KeyRing.of(found)
        return found

    def tombstone_secret(self) -> bytes:
        """Return the newest of `tombstone_secrets`, which makes new tombstones."""
        return self.tombstone_secrets()[-1]

    def tombstone_secrets(self) -> list[bytes]:
        """Return the tombstones' keys, oldest first.

        They come from the environment, or else from *tombstone_file*, or else from the lines of the key file that begin
        with ``tombstone:``. If there are none, one key is made from the oldest signing secret. It must be configured
        before that secret is removed, or the identifiers of erased accounts become free.

        Raises:
            SecretError: one is not 32 bytes or more in hexadecimal, or there is no secret to make one from.
        """
        return self._configured_tombstones() or [KeyRing.of(self.secrets()).derive("tombstones")]

    def _configured_tombstones(self) -> list[bytes] | None:
        """Return the configured keys of the tombstones, or ``None`` if there are none."""
        if self.given_tombstone is not None:
            lines = [self.given_tombstone.get_secret_value()]
        elif self.tombstone_file is not None:
            lines = keyfile.read(self.tombstone_file)
        else:
            lines = [] if self.given_secrets else keyfile.read_tombstones(self.key_file())
            if not lines:
                return None
        try:
            return list(KeyRing.of([bytes.fromhex(line) for line in lines]).keys)
        except ValueError as error:
            raise SecretError(
                "the tombstones' key must be at least 32 random bytes as one line of hexadecimal digits;"
                " `cityauth keys tombstones` prints the present one"
            ) from error

    def key_file(self) -> Path:
        """Return the path of the key file. The file need not exist.

        Raises:
            SecretError: none is configured.
        """
        if self.secrets_file is None:
            raise SecretError(
                f"no signing secrets are configured: set secrets_file in {FILE}, or {SECRETS} or {SECRETS_FILE}"
                " in the environment"
            )
        return self.secrets_file

    def store(self, *, read_only: bool = False) -> "SqlStore":
        """Open the configured database.

        Args:
            read_only: Whether every write through this store is refused.

        Raises:
            ConfigurationError: none is configured, or its URL cannot be read.
            MissingExtraError: a library is not installed; the message names the extra.
            StoreUnavailableError: it cannot be opened.
        """
        from cityauth.stores.sql import SqlStore

        return SqlStore(self._database_url(), read_only=read_only, **self.postgresql.options())

    def async_store(self, *, read_only: bool = False) -> "AsyncSqlStore":
        """Return the configured database for `async_auth`. Arguments and errors are those of `store`."""
        from cityauth.stores.sql import AsyncSqlStore

        return AsyncSqlStore(self._database_url(), read_only=read_only, **self.postgresql.options())

    def throttle(self) -> "ValkeyThrottle | None":
        """Return the configured throttle, or ``None`` if the database counts. Nothing is connected yet.

        Its keys begin with a digest of the policy's *deployment*, so that several deployments may use one server.

        Raises:
            MissingExtraError: the extra ``valkey`` is not installed.
        """
        if self.valkey is None:
            return None
        from cityauth.stores.valkey import ValkeyThrottle

        return ValkeyThrottle(self.valkey.get_secret_value(), prefix=self._prefix())

    def async_throttle(self) -> "AsyncValkeyThrottle | None":
        """Return the configured throttle for `async_auth`, as `throttle` does."""
        if self.valkey is None:
            return None
        from cityauth.stores.valkey import AsyncValkeyThrottle

        return AsyncValkeyThrottle(self.valkey.get_secret_value(), prefix=self._prefix())

    def _prefix(self) -> str:
        return f"cityauth-{hashlib.sha256(self.policy.deployment.encode()).hexdigest()[:16]}"

    def _database_url(self) -> str:
        if self.database is None:
            raise ConfigurationError(
                f"no database is configured: set database in {FILE}, or {DATABASE} in the environment"
            )
        return self.database.get_secret_value()

    def auth(
        self,
        store: Store,
        *,
        mailer: Mailer | None = None,
        clock: Clock | None = None,
        audit: AuditSink | None = None,
        check_mailer: bool = True,
        throttle: ThrottleStore | None = None,
    ) -> CityAuth:
        """Return the library with this policy, these secrets and *store*.

        Args:
            store: What `store` returns, or the host's own store.
            mailer: Sends mail in the place of the configured mail server; ``None`` for that server.
            clock: Gives the time; ``None`` for the machine's clock.
            audit: Gets audit events, besides the store; ``None`` for the log.
            check_mailer: Whether to connect to the mail server now. Then the first page knows whether mail leaves.
            throttle: Counts in the place of the configured server; ``None`` for what `throttle` returns, or else for
                the *store*.

        Raises:
            SecretError: see `secrets`.
            PolicyError: the hash profile is above the limits.
            ConfigurationError: the mail server is another machine, and mail would not be encrypted or its links would
                lead to this machine; or the username or the password of the mail server is missing; or the list of
                breached passwords cannot be used.
            MissingExtraError: ``breaches.url`` is set, and the extra ``breach`` is not installed.
        """
        return CityAuth(
            store,
            self.secrets(),
            policy=self.policy,
            mailer=mailer or self._mailer(check_mailer=check_mailer),
            clock=clock,
            audit=audit,
            tombstone_secret=self._configured_tombstones(),
            throttle=throttle or self.throttle(),
            breaches=self.breaches.checker() if self.breaches else None,
        )

    def async_auth(
        self,
        store: AnyStore,
        *,
        mailer: Mailer | None = None,
        clock: Clock | None = None,
        audit: AuditSink | None = None,
        check_mailer: bool = True,
        throttle: AnyThrottleStore | None = None,
    ) -> AsyncCityAuth:
        """Return the library for asyncio. Arguments and errors are those of `auth`."""
        return AsyncCityAuth(
            store,
            self.secrets(),
            policy=self.policy,
            mailer=mailer or self._mailer(check_mailer=check_mailer),
            clock=clock,
            audit=audit,
            tombstone_secret=self._configured_tombstones(),
            throttle=throttle or self.async_throttle(),
            breaches=self.breaches.checker() if self.breaches else None,
        )

    def _mailer(self, *, check_mailer: bool) -> Mailer | None:
        return self.smtp.mailer(self.smtp_password, check_at_start=check_mailer) if self.smtp else None


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Configuration:
    """Read the configuration. Relative paths in the file start at the file's folder.

    Args:
        path: The file. If it is ``None``, the file that ``CITYAUTH_CONFIG`` names is read, or else ``cityauth.toml`` in
            the working folder. If there is no such file, only the environment is read.
        environment: The variables, which replace values of the file; ``None`` for those of the process.

    Raises:
        ConfigurationError: the file cannot be read, a key or variable is unknown, or a value is wrong. The
            message is one sentence, and never shows a value, which may be secret.
    """
    given = read_variables(os.environ if environment is None else environment)
    if path is None and CONFIG in given:
        path = Path(given[CONFIG])
    if path is None and not Path(FILE).exists():
        return _configure({}, given, Path())
    file = path or Path(FILE)
    content = read_file(file)
    try:
        return _configure(content, given, file.absolute().parent)
    except ConfigurationError as error:
        raise type(error)(f"{file}: {error}") from error


def _configure(file: dict[str, Any], given: Mapping[str, str], folder: Path) -> Configuration:
    """Check the file, and put the values of the environment in the place of the file's."""
    content = dict(file)
    if DEPLOYMENT in given:
        content["deployment"] = given[DEPLOYMENT]
    if GENERATION in given:
        content["generation"] = given[GENERATION]
    if HASHING_PROFILE in given:
        content["hashing"] = {"profile": given[HASHING_PROFILE]}
    files = ("secrets_file", "tombstone_secret_file", "texts")
    policy = read_policy(content, besides=("database", "valkey", *files, SMTP, POSTGRESQL, ACCEPT, BREACHES))
    if "texts" in content:
        policy = replace(policy, texts=Texts.read(folder / read_text(content["texts"], "texts")))
    return Configuration(
        policy,
        _database(content, given, folder),
        Path(given[SECRETS_FILE]) if SECRETS_FILE in given else _path(content, "secrets_file", folder),
        tuple(SecretStr(secret) for secret in given.get(SECRETS, "").replace(",", " ").split()),
        read_smtp(content[SMTP]) if SMTP in content else None,
        SecretStr(given[SMTP_PASSWORD]) if SMTP_PASSWORD in given else None,
        _path(content, "tombstone_secret_file", folder),
        SecretStr(given[TOMBSTONE_SECRET].strip()) if TOMBSTONE_SECRET in given else None,
        read_postgresql(content.get(POSTGRESQL, {})),
        read_acceptances(content.get(ACCEPT, {})),
        _valkey(content, given),
        read_breaches(content[BREACHES], folder) if BREACHES in content else None,
    )


def _database(content: Mapping[str, object], given: Mapping[str, str], folder: Path) -> SecretStr | None:
    if DATABASE in given:
        return SecretStr(given[DATABASE])
    if "database" not in content:
        return None
    url = read_text(content["database"], "database")
    dialect, slashes, name = url.partition(":///")
    if slashes and dialect.startswith("sqlite") and name and not name.startswith((":memory:", "file:")):
        url = f"{dialect}:///{folder / name}"
    return SecretStr(url)


def _valkey(content: Mapping[str, object], given: Mapping[str, str]) -> SecretStr | None:
    setting = VALKEY if VALKEY in given else "valkey"
    if VALKEY not in given and "valkey" not in content:
        return None
    url = given[VALKEY] if VALKEY in given else read_text(content["valkey"], "valkey")
    ValkeyServer.of(url, setting)
    return SecretStr(url)


def _path(content: Mapping[str, object], key: str, folder: Path) -> Path | None:
    return folder / Path(read_text(content[key], key)).expanduser() if key in content else None
