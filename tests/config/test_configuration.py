"""The configuration: what the file and the environment give, and one sentence for everything that is wrong."""

import asyncio
import hashlib
import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cityauth import (
    Account,
    ConfigurationError,
    DatedPhase,
    HashProfile,
    MemoryMailer,
    MemoryStore,
    NewAccount,
    Phase,
    Policy,
    RealmPolicy,
    Refused,
    SecretError,
)
from cityauth.config.configuration import VARIABLES, Configuration, load
from cityauth.core.audit import AuditEventType
from cityauth.core.signing import KeyRing
from cityauth.policy import SessionPolicy
from cityauth.policy.throttling import Limit
from tests.support.command import TOML, Deployment
from tests.support.fakes import FixedClock, ListAudit


def test_a_whole_file(empty: Deployment) -> None:
    """Every section, sort of value and realm is read into the policy."""
    empty.write(
        """
        database = "sqlite:///service.db"
        secrets_file = "keys/service.keys"
        deployment = "service-production"

        [passwords]
        min_length = 16
        context_words = ["Esimerkkilä", "Exempelstad"]

        [identifiers]
        mailer_supports_smtputf8 = true

        [hashing]
        profile = "small"
        time_cost = 3

        [sessions]
        profile = "aal2"
        idle = "20 minutes"

        [throttle]
        mail_per_account = ["1 per minute", "10 per 2 hours"]

        [realms.citizen]
        initial = "both"
        schedule = [{ since = 2027-01-01T00:00:00+02:00, phase = "email_only" }]
        paused_at = 2026-12-01T00:00:00Z
        """
    )
    configuration = load()
    policy = configuration.policy
    assert policy.deployment == "service-production"
    assert (policy.passwords.min_length, policy.passwords.context_words) == (16, ("Esimerkkilä", "Exempelstad"))
    assert policy.identifiers.mailer_supports_smtputf8
    assert policy.hashing == HashProfile(19456, 3, 1)
    assert (policy.sessions.idle, policy.sessions.absolute) == (timedelta(minutes=20), timedelta(hours=24))
    assert policy.throttle.mail_per_account == (Limit(1, timedelta(minutes=1)), Limit(10, timedelta(hours=2)))
    new_year = datetime(2026, 12, 31, 22, tzinfo=UTC)
    assert policy.realms["citizen"] == RealmPolicy(
        Phase.BOTH, (DatedPhase(new_year, Phase.EMAIL_ONLY),), datetime(2026, 12, 1, tzinfo=UTC)
    )
    assert policy.realms["official"] == Policy().realms["official"], "officials stay exempt unless the file says so"
    assert configuration.secrets_file == empty.folder / "keys/service.keys"
    assert configuration.database is not None
    assert configuration.database.get_secret_value() == f"sqlite:///{empty.folder}/service.db"


def test_nothing_configured_is_the_default_policy(empty: Deployment) -> None:
    """Without a file and variables the policy's defaults hold, and there is neither a database nor a secret."""
    assert load() == Configuration(Policy())


@pytest.mark.parametrize(
    "section",
    [
        "login",
        "identifiers",
        "passwords",
        "hashing",
        "hash_limits",
        "hash_queue",
        "sessions",
        "links",
        "throttle",
        "mail",
    ],
)
def test_every_tunable_can_be_configured(section: str) -> None:
    """No field of a section of the policy is of a type that the file cannot give."""
    from dataclasses import fields

    from cityauth.config.sections import readers_of

    part: Any = getattr(Policy(), section)
    assert set(readers_of(part)) == {field.name for field in fields(part)}


def test_a_recipe_of_the_file_verifies_hashes(configured: Deployment) -> None:
    """A home-made format of the file is one of the formats of the service."""
    recipe = "hex(sha1(salt + password))"
    configured.write(TOML + f'[hashes.oldportal]\nrecipe = "{recipe}"\n')
    configuration = load()
    assert configuration.policy.hashes == {"oldportal": recipe}
    auth = configuration.auth(MemoryStore())
    assert auth.passwords.find_defect("$recipe$oldportal$suola$" + "0f" * 20) is None
    assert auth.passwords.find_defect("$recipe$other$suola$" + "0f" * 20) == "unknown_scheme"


def test_the_environment_wins(configured: Deployment) -> None:
    """Each variable wins over the file, and the file's relative paths are not those of the environment."""
    one, two = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    found = load(
        environment={
            "CITYAUTH_DATABASE": "sqlite:///other.db",
            "CITYAUTH_SECRETS": f"{one}, {two}\n",
            "CITYAUTH_DEPLOYMENT": "test",
            "CITYAUTH_HASHING_PROFILE": "small",
        }
    )
    assert found.database is not None
    assert found.database.get_secret_value() == "sqlite:///other.db"
    assert found.secrets() == [one, two]
    assert (found.policy.deployment, found.policy.hashing) == ("test", HashProfile.SMALL)
    assert load(environment={"CITYAUTH_SECRETS_FILE": "mine.keys"}).secrets_file == Path("mine.keys")
    assert load(environment={"CITYAUTH_DATABASE": " "}).database is not None, "an empty variable is none"


def test_the_file_is_looked_up(configured: Deployment, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A path given wins over the variable, and that over the working folder; paths start at the file's folder."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "a.toml").write_text('deployment = "a"\nsecrets_file = "x.keys"', encoding="utf-8")
    (folder / "b.toml").write_text('deployment = "b"', encoding="utf-8")
    named = {"CITYAUTH_CONFIG": str(folder / "b.toml")}
    found = load(folder / "a.toml", named)
    assert (found.policy.deployment, found.secrets_file) == ("a", folder / "x.keys")
    assert load(environment=named).policy.deployment == "b"
    assert load(environment={}).policy.deployment == "cityauth"


@pytest.mark.parametrize("url", ["postgresql+psycopg://u:p@db/x", "sqlite:////var/lib/service.db", "sqlite://", "x"])
def test_other_urls_stay_as_they_are(empty: Deployment, url: str) -> None:
    """Only the relative path of an SQLite file is completed."""
    empty.write(f'database = "{url}"')
    database = load().database
    assert database is not None
    assert database.get_secret_value() == url


WRONG = {
    "databse = 1": "unknown key 'databse'; the nearest known one is 'database'",
    'secrets = ["x"]': "unknown key 'secrets'; the nearest known one is 'secrets_file'",
    "[password]": "unknown key 'password'; the nearest known one is 'passwords'",
    "[passwords]\nminlength = 9": "unknown key 'minlength' in [passwords]; the nearest known one is 'min_length'",
    "[login]\nprofile = 'x'": "unknown key 'profile' in [login]; the nearest known one is 'pending_max_age'",
    "[hashes.old]\nrecipe = 'hex(sha1(salt))'": "hashes.old: the recipe does not use the password (at character 15)",
    "[hashes.old]\nrecipe = 3": "hashes.old.recipe must be text in quotes, and not empty",
    "[hashes.old]\nreceipt = 'x'": "unknown key 'receipt' in [hashes.old]; the nearest known one is 'recipe'",
    "[hashes.old]": "[hashes.old] needs the key 'recipe'",
    "[hashes]\nold = 'hex(sha1(password))'": "hashes.old must be a table: put its keys under [hashes.old]",
    "[realms.citizen]\ninital = 'both'": "unknown key 'inital' in [realms.citizen]; the nearest known one is 'initial'",
    "[realms.citizen]": """[realms.citizen] needs the key 'initial', one of "legacy_only", "both", "email_preferred", "email_only\"""",
    "realms = 1": "realms must be a table: put its keys under [realms]",
    "sessions = 'aal2'": "sessions must be a table: put its keys under [sessions]",
    "breaches = 1": "breaches must be a table: put its keys under [breaches]",
    "[breaches]": "[breaches] needs exactly one of the keys 'url' and 'file'",
    "[breaches]\nurl = 'https://example.org'\nfile = 'x'": "[breaches] needs exactly one of the keys 'url' and 'file'",
    "[breaches]\nfiles = 'x'": "unknown key 'files' in [breaches]; the nearest known one is 'file'",
    "[breaches]\nfile = 1": "breaches.file must be text in quotes, and not empty",
    "[breaches]\nurl = ''": "breaches.url must be text in quotes, and not empty",
    "[breaches]\nurl = 'https://example.org'\ntimeout = 1": 'breaches.timeout must be a time such as "90 seconds", "30 minutes" or "14 days"',
    "postgresql = 1": "postgresql must be a table: put its keys under [postgresql]",
    "[postgresql]\npool = 1": "unknown key 'pool' in [postgresql]; the nearest known one is 'pool_size'",
    "[postgresql]\npool_size = 0": "postgresql.pool_size must be 1 or more",
    "[postgresql]\npool_size = '5'": "postgresql.pool_size must be a whole number",
    "[postgresql]\npool_timeout = 5": 'postgresql.pool_timeout must be a time such as "90 seconds", "30 minutes" or "14 days"',
    "[postgresql]\npool_timeout = '0 seconds'": "postgresql.pool_timeout must be longer than none",
    "[postgresql]\nstatement_timeout = '0 minutes'": "postgresql.statement_timeout must be longer than none",
    "[postgresql]\nprepare_statements = 0": "postgresql.prepare_statements must be true or false",
    "database = 7": "database must be text in quotes, and not empty",
    "secrets_file = ''": "secrets_file must be text in quotes, and not empty",
    "deployment = '  '": "deployment must be text in quotes, and not empty",
    "[passwords]\nmin_length = '15'": "passwords.min_length must be a whole number",
    "[passwords]\nmin_length = true": "passwords.min_length must be a whole number",
    "[passwords]\nmin_length = 7": "passwords.min_length must be at least 8",
    "[passwords]\ncontext_words = 'x'": 'passwords.context_words must be a list of texts, such as ["Esimerkkilä", "Exempelstad"]',
    "[passwords]\ncontext_words = [1]": "passwords.context_words must be text in quotes, and not empty",
    "[identifiers]\nmailer_supports_smtputf8 = 1": "identifiers.mailer_supports_smtputf8 must be true or false",
    "[hashing]\nprofile = 'big'": 'hashing.profile must be one of "rfc_9106", "small"',
    "[hashing]\nprofile = ['small']": 'hashing.profile must be one of "rfc_9106", "small"',
    "[hashing]\nparallelism = 0": "hashing: parallelism must be 1 to 16, time_cost 1 to 10, memory_cost at least 8 times parallelism",
    "[sessions]\nidle = 30": 'sessions.idle must be a time such as "90 seconds", "30 minutes" or "14 days"',
    "[sessions]\nidle = '1 year'": 'sessions.idle must be a time such as "90 seconds", "30 minutes" or "14 days"',
    "[sessions]\nidle = '13 hours'": "sessions: touch_every < idle <= absolute <= 30 days",
    "[throttle]\nmail_per_account = '5 per hour'": 'throttle.mail_per_account must be a list such as ["1 per minute", "10 per 5 minutes"]',
    "[throttle]\nmail_per_account = []": 'throttle.mail_per_account must be a list such as ["1 per minute", "10 per 5 minutes"]',
    "[throttle]\nmail_per_account = ['5 per hour', 5]": 'throttle.mail_per_account must be a list such as ["1 per minute", "10 per 5 minutes"]',
    "[throttle]\nmail_per_account = ['0 per hour']": "throttle.mail_per_account must allow at least one, in a time longer than none",
    "[realms.x]\ninitial = 'half'": 'realms.x.initial must be one of "legacy_only", "both", "email_preferred", "email_only"',
    "[realms.x]\ninitial = 'both'\nschedule = 1": 'realms.x.schedule must be a list of tables such as { since = 2027-01-01T00:00:00+02:00, phase = "email_only" }',
    "[realms.x]\ninitial = 'both'\nschedule = [{}]": 'realms.x.schedule takes tables of exactly the keys since and phase, such as { since = 2027-01-01T00:00:00+02:00, phase = "email_only" }',
    "[realms.x]\ninitial = 'both'\nschedule = [{ since = 2027-01-01, phase = 'both' }]": "realms.x.schedule.since must be a moment with its offset, without quotes, such as 2027-01-01T00:00:00+02:00",
    "[realms.x]\ninitial = 'both'\nschedule = [{ since = 2027-01-01T00:00:00, phase = 'both' }]": "realms.x.schedule.since must be a moment with its offset, without quotes, such as 2027-01-01T00:00:00+02:00",
    "[realms.x]\ninitial = 'both'\npaused_at = 'now'": "realms.x.paused_at must be a moment with its offset, without quotes, such as 2027-01-01T00:00:00+02:00",
    "[realms.x]\ninitial = 'both'\nschedule = [{ since = 2027-01-02T00:00:00Z, phase = 'both' }, { since = 2027-01-01T00:00:00Z, phase = 'both' }]": "a realm's schedule must be in order of time",
}


@pytest.mark.parametrize(("toml", "sentence"), WRONG.items())
def test_a_wrong_file_is_told_in_one_sentence(empty: Deployment, toml: str, sentence: str) -> None:
    """Every mistake in the file names the file, the key and what the key takes (ASVS 16.5.1)."""
    empty.write(toml)
    with pytest.raises(ConfigurationError) as raised:
        load()
    assert str(raised.value) == f"cityauth.toml: {sentence}"


def test_a_wrong_value_is_not_shown(empty: Deployment) -> None:
    """A secret under a wrong key or of a wrong type is in no message (B-77, ASVS 16.2.5)."""
    secret = secrets.token_urlsafe(32)
    for toml in (f'secrets = ["{secret}"]', f'database = ["{secret}"]', f'secrets_file = "{secret}'):
        empty.write(toml)
        with pytest.raises(ConfigurationError) as raised:
            load()
        assert secret not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"database", "cityauth.toml is not valid TOML: Expected '=' after a key in a key/value pair"),
        (b"# \xff", "cityauth.toml is not valid TOML: it is not UTF-8"),
    ],
)
def test_a_file_that_is_no_toml(empty: Deployment, content: bytes, sentence: str) -> None:
    """A damaged file is told with the place of the damage."""
    (empty.folder / "cityauth.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        load()
    assert str(raised.value).startswith(sentence)


def test_a_file_that_cannot_be_opened(empty: Deployment) -> None:
    """A file that was named must be there and readable."""
    with pytest.raises(ConfigurationError, match=r"^there is no configuration file nope\.toml$"):
        load(environment={"CITYAUTH_CONFIG": "nope.toml"})
    with pytest.raises(ConfigurationError, match=r"^the configuration file \. cannot be read: Is a directory$"):
        load(Path())


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"CITYAUTH_SECRET": "x"}, "unknown variable CITYAUTH_SECRET; the nearest known one is CITYAUTH_SECRETS"),
        ({"CITYAUTH_DATABSE": "x"}, "unknown variable CITYAUTH_DATABSE; the nearest known one is CITYAUTH_DATABASE"),
        (
            {"CITYAUTH_SECRETS": "x", "CITYAUTH_SECRETS_FILE": "x"},
            "CITYAUTH_SECRETS and CITYAUTH_SECRETS_FILE are both set: unset one of them",
        ),
        ({"CITYAUTH_HASHING_PROFILE": "big"}, 'CITYAUTH_HASHING_PROFILE must be one of "rfc_9106", "small"'),
    ],
)
def test_a_wrong_environment_is_told_in_one_sentence(
    empty: Deployment, environment: dict[str, str], sentence: str
) -> None:
    """A slip in a variable's name is refused instead of ignored, and a contradiction is not settled by order."""
    with pytest.raises(ConfigurationError) as raised:
        load(environment=environment)
    assert str(raised.value) == sentence


def test_variables_of_the_host_are_its_own(empty: Deployment) -> None:
    """A variable that is like none of ours is left to the host."""
    assert load(environment={"CITYAUTH_ENV": "production", "PATH": "/bin"}) == Configuration(Policy())
    assert all(name.startswith("CITYAUTH_") for name in VARIABLES)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "no signing secrets are configured: set secrets_file in cityauth.toml"),
        ({"CITYAUTH_SECRETS": "hunter2"}, "secret 1 is shorter than 32 bytes"),
        ({"CITYAUTH_SECRETS": "change-me-change-me-change-me-0123"}, "secret 1 looks like a sample"),
        ({"CITYAUTH_SECRETS_FILE": "nope.keys"}, "there is no key file nope.keys"),
    ],
)
def test_weak_and_missing_secrets(empty: Deployment, environment: dict[str, str], sentence: str) -> None:
    """A missing, short or sample secret stops the command, by its place and never by its value (B-35, B-36)."""
    with pytest.raises(SecretError, match=f"^{sentence}") as raised:
        load(environment=environment).secrets()
    assert environment.get("CITYAUTH_SECRETS", "hunter2") not in str(raised.value)


@pytest.mark.parametrize(
    "given", ["00" * 32, "0123456789abcdef" * 3, "hunter2", secrets.token_urlsafe(32)], ids=range(4)
)
def test_a_tombstone_key_that_is_none(configured: Deployment, given: str) -> None:
    """The key of the tombstones is bytes in hexadecimal, long and random enough, and is never shown (B-35, B-77)."""
    configuration = load(environment={"CITYAUTH_TOMBSTONE_SECRET": given})
    with pytest.raises(SecretError, match=r"^the tombstones' key must be at least 32 random bytes") as raised:
        configuration.tombstone_secret()
    assert given not in str(raised.value)


def test_the_environment_gives_the_tombstone_key(configured: Deployment) -> None:
    """A configured key is taken as it is; without one it hangs on the oldest secret."""
    given = secrets.token_hex(32)
    assert load(environment={"CITYAUTH_TOMBSTONE_SECRET": f"{given}\n"}).tombstone_secret().hex() == given
    configuration = load()
    assert configuration.tombstone_secret() == KeyRing.of(configuration.secrets()[:1]).derive("tombstones")


def test_the_key_file_keeps_the_tombstone_key_through_a_rotation(configured: Deployment) -> None:
    """Signing secrets come and go, and the tombstones' key of the file's first day stays."""
    path = configured.folder / "service.keys"
    first = load().tombstone_secrets()
    assert first == [KeyRing.of(load().secrets()).derive("tombstones")]
    oldest = load().secrets()[0]
    configured.well("keys", "generate", "--append")
    path.write_text(path.read_text(encoding="utf-8").replace(f"{oldest}\n", ""), encoding="utf-8")
    assert oldest not in load().secrets()
    assert load().tombstone_secrets() == first


def test_a_key_file_of_before_gets_its_tombstone_key(configured: Deployment) -> None:
    """A key file without the line gets the key that was in use, when a secret is appended."""
    path = configured.folder / "service.keys"
    oldest = load().secrets()[0]
    path.write_text(f"{oldest}\n", encoding="utf-8")
    used = load().tombstone_secrets()
    configured.well("keys", "generate", "--append")
    assert f"tombstone: {used[0].hex()}\n" in path.read_text(encoding="utf-8")
    assert len(load().secrets()) == 2
    assert load().tombstone_secrets() == used


@pytest.mark.parametrize(("pinned", "warned"), [(False, True), (True, False)])
def test_secrets_of_the_environment_warn_of_a_rotation(
    configured: Deployment, caplog: pytest.LogCaptureFixture, *, pinned: bool, warned: bool
) -> None:
    """A service with two secrets and no tombstone key of its own is told in the log what to do before one is removed."""
    environment = {"CITYAUTH_SECRETS": f"{secrets.token_urlsafe(32)} {secrets.token_urlsafe(32)}"}
    if pinned:
        environment["CITYAUTH_TOMBSTONE_SECRET"] = load(environment=environment).tombstone_secret().hex()
    with load().store() as store:
        load(environment=environment).auth(store)
    assert any("tombstone_secret is not given" in line for line in caplog.messages) is warned


def test_a_further_tombstone_key_makes_new_tombstones(configured: Deployment) -> None:
    """A second line is the newer key; a line that is no key is refused without being shown."""
    path = configured.folder / "service.keys"
    further = secrets.token_hex(32)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"tombstone: {further}\n")
    assert load().tombstone_secret().hex() == further
    assert len(load().tombstone_secrets()) == 2
    assert configured.well("keys", "tombstones").splitlines()[1] == further
    with path.open("a", encoding="utf-8") as file:
        file.write("tombstone: hunter2\n")
    with pytest.raises(SecretError, match=r"^the tombstones' key must be") as raised:
        load().tombstone_secrets()
    assert "hunter2" not in str(raised.value)


def test_both_apis_are_built_with_replaceable_parts(configured: Deployment) -> None:
    """A configuration makes `CityAuth` and `AsyncCityAuth`, with the host's own clock, mailer and audit logger."""
    clock, audit, mailer = FixedClock(), ListAudit(), MemoryMailer()
    with load().store() as store:
        store.create_schema()
        auth = load().auth(store, clock=clock, audit=audit, mailer=mailer)
        added = auth.accounts.add(NewAccount("Erkki", email="erkki@example.com"))
        assert isinstance(added, Account)
        auth.recovery.request("erkki@example.com")
        auth.outbox.flush()
        assert [mail.to for mail in mailer.sent()] == ["erkki@example.com"]
        assert {event.at for event in audit.events} == {clock.at}
        later = load().async_auth(store, clock=clock, audit=audit, mailer=mailer)
        record = asyncio.run(later.accounts.show(added.id))
        assert record is not None
        assert record.account == added
        assert asyncio.run(later.accounts.disable(added.id)) != added
        assert audit.events[-1].what is AuditEventType.ACCOUNT_DISABLED


def test_breached_passwords_can_be_configured(configured: Deployment) -> None:
    """Both APIs ask the file of breached passwords, whose path starts at the configuration's folder (ASVS 6.2.12)."""
    leaked = "leaked passphrase of 2013"
    digest = hashlib.sha1(leaked.encode(), usedforsecurity=False).hexdigest().upper()
    (configured.folder / "breached.txt").write_text(f"{digest}:3\n")
    configured.write(f"{TOML}[breaches]\nfile = 'breached.txt'\n")
    refused = load().auth(MemoryStore()).passwords.hash(leaked)
    assert isinstance(refused, Refused)
    assert asyncio.run(load().async_auth(MemoryStore()).passwords.hash(leaked)) == refused


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("file = 'hunter2.txt'", "breaches.file names no file that exists"),
        ("url = 'http://hunter2.example.org/'", "[breaches] the address of PwnedPasswords must be https, unless"),
        ("url = 'https://hunter2@example.org/'", "[breaches] the address of PwnedPasswords must have no user"),
        ("url = 'https://example.org/'\ntimeout = '0 seconds'", "[breaches] the timeout of PwnedPasswords must be"),
        ("url = 'https://example.org/'\ntimeout = '1 minute'", "[breaches] the timeout of PwnedPasswords must be"),
    ],
)
def test_breaches_that_cannot_be_asked_are_refused_at_start(
    configured: Deployment, section: str, sentence: str
) -> None:
    """A list that can never be asked is refused when the service starts, and the value is not shown (C-32)."""
    pytest.importorskip("httpx", reason="PwnedPasswords needs the extra 'breach'")
    configured.write(f"{TOML}[breaches]\n{section}\n")
    with pytest.raises(ConfigurationError) as raised:
        load().auth(MemoryStore())
    assert str(raised.value).startswith(sentence)
    assert "hunter2" not in str(raised.value)


def test_a_missing_or_unreadable_database(empty: Deployment) -> None:
    """Without a database, or with a URL that names none, nothing is opened, and the URL is not shown (B-77)."""
    with pytest.raises(ConfigurationError, match=r"^no database is configured: set database in cityauth\.toml"):
        load().store()
    with pytest.raises(ConfigurationError) as raised:
        load(environment={"CITYAUTH_DATABASE": "no url: hunter2"}).store()
    assert "hunter2" not in str(raised.value)


def test_a_configuration_shows_no_secret(configured: Deployment) -> None:
    """The representation holds neither the database's password nor a secret (B-77)."""
    secret = secrets.token_urlsafe(32)
    given = {"CITYAUTH_DATABASE": "postgresql://u:hunter2@db/x", "CITYAUTH_SECRETS": secret}
    shown = repr(load(environment=given))
    assert "hunter2" not in shown
    assert secret not in shown


def test_a_service_reads_the_same_configuration(deployment: Deployment) -> None:
    """The library that a host builds from the file opens the same database with the same policy."""
    deployment.write(f"{TOML}[sessions]\nprofile = 'default'\n")
    configuration = load(environment=os.environ)
    with configuration.store() as store:
        auth = configuration.auth(store)
        assert auth.identifiers.resolve("nobody@example.com").outcome == "unknown"
    assert configuration.policy.sessions == SessionPolicy()


def test_a_valkey_server_counts_for_both_apis(configured: Deployment) -> None:
    """With ``valkey`` the counts go to that server, under keys of the deployment; the environment wins (B-77)."""
    configured.write(f"valkey = 'valkey://:hunter2@127.0.0.1:1/3'\n{TOML}")
    configuration = load()
    assert "hunter2" not in repr(configuration)
    with configuration.store() as store:
        store.create_schema()
        auth = configuration.auth(store, audit=(audit := ListAudit()))
        auth.recovery.request("nobody@example.com")
        later = configuration.async_auth(store, audit=audit, clock=FixedClock())
        asyncio.run(later.recovery.request("nobody@example.com"))
    assert [one.what for one in audit.events].count(AuditEventType.THROTTLE_DEGRADED) == 2
    other = load(environment={"CITYAUTH_VALKEY": "valkeys://cache.example:7000"})
    assert other.valkey is not None
    assert other.valkey.get_secret_value() == "valkeys://cache.example:7000"
    throttles = [one.throttle() for one in (other, replace(other, policy=replace(other.policy, deployment="}ä{")))]
    tags = [one._tag for one in throttles if one is not None]
    assert len(set(tags)) == 2
    assert load(environment={"CITYAUTH_VALKEY": " "}).valkey is not None


@pytest.mark.parametrize(
    "url", ["127.0.0.1", "http://:hunter2@host", "valkey://:hunter2@host:port", "valkey://h/0?a=b"]
)
def test_a_wrong_valkey_url_is_refused_at_once(empty: Deployment, url: str) -> None:
    """The sentence names the setting, and shows nothing of the URL (B-77)."""
    with pytest.raises(ConfigurationError, match=r"^CITYAUTH_VALKEY must be a URL like valkey://") as raised:
        load(environment={"CITYAUTH_VALKEY": url})
    assert "hunter2" not in str(raised.value)
    empty.write(f"valkey = '{url}'")
    with pytest.raises(ConfigurationError, match=r"cityauth\.toml: valkey must be a URL like valkey://"):
        load()
