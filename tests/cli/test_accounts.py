"""``cityauth account``: what it adds, shows and changes, and what it refuses."""

import hmac
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cityauth import AccountId, ClientContext, NewAccount, PasswordRequired, SecretStr
from cityauth.cli import accounts
from cityauth.cli.identifiers import Finding, Registry, Shown
from cityauth.config.configuration import load
from cityauth.core.accounts import Account
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import AccountAdded, AccountErased, Committed
from cityauth.core.identifiers import Identifier
from cityauth.core.login import Authenticated
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.throttling import FailureCounted
from cityauth.stores.sql import SqlStore
from tests.support.command import TOML, Deployment

ERKKI = ("account", "add", "--name", "Erkki Esimerkki")
EMAIL = "erkki.esimerkki@example.com"
#: "vanha salasana vuodelta 1998", as Django stored it, at a cost that a test can pay.
STORED = "pbkdf2_sha256$1$suola$soms/xfwKkSfuOsGiPFOHHpFu9Z8qZyYPfEbttw6ku8="
BCRYPT = "$2b$04$cvOeKvnZucDBb96VQYCGPOjR4ipiHgl3k.xTVcabKhTwRM44GYu8y"


@pytest.fixture
def store(deployment: Deployment) -> Iterator[SqlStore]:
    """The deployment's database, seen past the command."""
    with load().store() as opened:
        yield opened


def put(store: SqlStore, account: Account, *held: AccountIdentifier) -> None:
    """Put an account into the database that the command would not make."""
    added = store.commit([AccountAdded(account, held, None, datetime.now(UTC))])
    assert isinstance(added, Committed)


def test_an_account_is_added_with_all_its_identifiers(deployment: Deployment) -> None:
    """The person's name, id and identifiers are shown; an account without a password is said to have none (ASVS 6.4.6)."""
    said = deployment.well(
        *ERKKI, "--email", EMAIL, "--username", "Erkki", "--username", "åsa_83", "--retired-username", "e.e"
    )
    assert said.startswith(f"Added Erkki Esimerkki ({EMAIL}), id ")
    assert "The account has no password: `cityauth account invite` makes a link that sets one." in said
    shown = deployment.json("account", "show", "ERKKI")
    (account,) = shown["accounts"]
    assert shown["resolution"] == {"entered": "ERKKI", "outcome": "resolved", "reason": "", "kind": "username"}
    assert {key: account[key] for key in ("name", "realm", "status", "phase", "own_phase", "contact", "language")} == {
        "name": "Erkki Esimerkki",
        "realm": "citizen",
        "status": "active",
        "phase": "email_preferred",
        "own_phase": None,
        "contact": EMAIL,
        "language": "fi",
    }
    assert not account["has_password"]
    held = {one["shown"]: (one["kind"], one["status"], one["outcome"]) for one in account["identifiers"]}
    assert held == {
        EMAIL: ("email", "active", "resolved"),
        "Erkki": ("username", "active", "resolved"),
        "åsa_83": ("username", "active", "resolved"),
        "e.e": ("username", "retired", "retired"),
    }


def test_every_option_reaches_the_account(deployment: Deployment) -> None:
    """Realm, language and phase are stored, and --json prints the account as show does."""
    added = deployment.json(
        "account", "add", "--name", "Virve", "--username", "virve.v", "--realm", "official", "--language", "sv",
        "--phase", "both",
    )  # fmt: skip
    assert (added["realm"], added["language"], added["own_phase"]) == ("official", "sv", "both")
    assert deployment.json("account", "show", added["id"])["accounts"] == [added]


def test_a_hash_that_nothing_here_verifies_is_not_imported(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra for bcrypt its hashes would be stored and never sign in: the command says what to install."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    arguments = (*ERKKI, "--username", "erkki", "--password-hash-file", "-")
    assert "pip install 'cityauth[legacy]'" in deployment.refused(1, *arguments, given=BCRYPT.encode())
    assert "no account" in deployment.refused(1, "account", "show", "erkki")


@pytest.mark.parametrize("source", ["hash.txt", "-"])
@pytest.mark.parametrize("stored", [STORED, BCRYPT], ids=["pbkdf2", "bcrypt"])
def test_a_stored_hash_is_imported(deployment: Deployment, source: str, stored: str) -> None:
    """A hash of the former system signs in, is never printed, and no option takes a password (ASVS 6.4.6, B-74)."""
    (deployment.folder / "hash.txt").write_text(stored + "\r\n", encoding="ascii")
    said = deployment.well(*ERKKI, "--username", "erkki", "--password-hash-file", source, given=f"{stored}\n".encode())
    assert stored[:7] not in said
    assert "no password" not in said
    assert deployment.json("account", "show", "erkki")["accounts"][0]["has_password"]
    deployment.write(f'{TOML}[hashing]\nprofile = "small"')
    configuration = load()
    with configuration.store() as store:
        auth = configuration.auth(store)
        step = auth.login.identify("erkki")
        assert isinstance(step, PasswordRequired)
        assert isinstance(auth.login.submit_password(step.pending, "vanha salasana vuodelta 1998"), Authenticated)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (b"", "the stored hash is empty"),
        (b"!unusable", "the stored hash marks an account without a password; leave the option out to add one"),
        (b"a chosen password", "the stored hash is in no format that cityauth verifies; a password itself is never taken"),
        (b"\xff\xfe", "the stored hash is in no format that cityauth verifies; a password itself is never taken"),
        (b"{noop}salasana", "the stored hash is the password itself in plain text, which is never taken"),
        (b"scrypt:65536:1:1$suola$" + b"0f" * 64, "the stored hash begins like a known format and is damaged; export it again"),
        (b"pbkdf2_sha256$1$x", "the stored hash begins like a known format and is damaged; export it again"),
        (b"$2b$31$" + b"a" * 53, "the stored hash would cost more to verify than the limits of the configuration allow"),
        (b"A" * 10_000_000, "the stored hash begins like a known format and is damaged; export it again"),
    ],
)  # fmt: skip
def test_a_bad_hash_is_never_imported(deployment: Deployment, given: bytes, sentence: str) -> None:
    """Damaged, poisoned and endless hashes and plain passwords are refused before anything is written (C-48, B-67, B-70)."""
    arguments = (*ERKKI, "--username", "erkki", "--password-hash-file", "-")
    assert deployment.refused(1, *arguments, given=given) == sentence
    deployment.refused(1, "account", "show", "erkki")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--email", "no address"), "the identifier 'no address' is not one deliverable e-mail address"),
        (("--email", "a@b.example.com,c@d.example.com"), "is not one deliverable e-mail address"),
        (("--email", "åsa@example.com"), "has letters before the @ that mail cannot be delivered to"),
        (("--email", "а@example.com"), "has letters before the @"),
        (("--email", "a@exаmple.com"), "mixes scripts within one word"),
        (("--username", "\x1b[31mred"), r"the identifier '\x1b[31mred' holds a character that it may not hold"),
        (("--username", "half\udcff"), r"the identifier 'half\udcff' holds a character that it may not hold"),
        (("--username", "  "), "the identifier '  ' is empty"),
        (("--username", "x" * 2000), "is too long"),
        (("--username", "x", "--retired-username", "a\u202eb"), r"the identifier 'a\u202eb' holds a character"),
    ],
)
def test_a_bad_identifier_adds_nothing(deployment: Deployment, arguments: tuple[str, ...], sentence: str) -> None:
    """One identifier that can be none refuses the whole account, and is shown harmlessly (ASVS 2.3.3, 16.4.1, B-5)."""
    refused = deployment.refused(1, *ERKKI, *arguments)
    assert sentence in refused
    assert len(refused) < 300
    deployment.refused(1, "account", "show", "x")


def test_a_taken_identifier_is_refused_whatever_its_kind(deployment: Deployment) -> None:
    """An e-mail, a username equal to it, and a retired username never pass to another account (B-11, B-12)."""
    owner = deployment.json(*ERKKI, "--email", EMAIL, "--retired-username", "old")["id"]
    for taken, status in (("--email", "active"), ("--username", "active"), ("--retired-username", "active")):
        sentence = deployment.refused(1, "account", "add", "--name", "X", "--username", "new", taken, EMAIL.upper())
        assert sentence.startswith(f"{EMAIL.upper()!r} is an identifier of the account {owner}, {status}: ")
    sentence = deployment.refused(1, "account", "add", "--name", "X", "--username", "OLD")
    assert f"of the account {owner}, retired: " in sentence
    deployment.refused(1, "account", "show", "new")


@pytest.mark.parametrize("name", ["", "  ", "x" * 151, "a\x1b[31m", "a\nb", "a\u202eb", "half\udcff"])
def test_a_bad_name_is_refused(deployment: Deployment, name: str) -> None:
    """A name that is empty, endless or would disturb a terminal or a page is refused (ASVS 16.4.1, B-9)."""
    assert deployment.refused(1, "account", "add", "--name", name, "--username", "x").startswith("--name: ")
    deployment.refused(1, "account", "show", "x")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--username", "x"), "Missing option '--name'."),
        (("--name", "x"), "an account needs something to sign in with: give --email or --username"),
        (("--name", "x", "--retired-username", "x"), "an account needs something to sign in with"),
        (("--name", "x", "--username", "x", "--realm", "nope"), "there is no realm 'nope'; the configuration has citizen, official"),
        (("--name", "x", "--username", "x", "--phase", "half"), "Invalid value for '--phase': 'half' is not one of"),
        (("--name", "x", "--username", "x", "--language", "de"), "Invalid value for '--language': 'de' is not one of"),
        (("--name", "x", "--username", "x", "--password", "x"), "No such option"),
        (("--name", "x", "--username", "x", "--password-hash-file", "nope"), "Invalid value for '--password-hash-file'"),
        (("--name", "x", "--username", "x", "a\x1b[31mb"), r"Got unexpected extra argument (a\x1b[31mb)"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_told(deployment: Deployment, arguments: tuple[str, ...], sentence: str) -> None:
    """Wrong usage has the status 2 and says what is wrong, with nothing raw from the command line (ASVS 16.4.1)."""
    assert deployment.refused(2, "account", "add", *arguments).startswith(sentence)


def test_show_explains_every_identifier(deployment: Deployment) -> None:
    """What an identifier is, in which life, whether it signs in and in which letters stands in its line (B-14)."""
    arguments = ("--email", EMAIL, "--username", "аdmin", "--retired-username", "old", "--phase", "email_only")
    deployment.well(*ERKKI, *arguments)
    lines = [" ".join(line.split()) for line in deployment.well("account", "show", "old").splitlines()]
    assert lines[0] == "'old' as an identifier: does not sign in: retired."
    assert "phase email_only, its own" in lines
    assert f"{EMAIL} email active signs in" in lines
    assert (
        "аdmin username active does not sign in any more: the phase is email_only Cyrillic + Latin, xn--dmin-43d"
    ) in lines
    assert "old username retired does not sign in: retired" in lines


def test_show_finds_what_does_not_sign_in(deployment: Deployment) -> None:
    """Customer service finds an account by an identifier whose phase has not come yet."""
    deployment.well(*ERKKI, "--email", EMAIL, "--username", "erkki", "--realm", "official")
    assert "does not sign in yet: the phase is legacy_only" in deployment.well("account", "show", EMAIL)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody",), "no account has 'nobody' for an identifier or id; check the spelling, look-alike letters differ"),
        (("nobody", "--by", "id"), "there is no account of the id 'nobody'; look it up by an identifier"),
        (("nobody", "--by", "identifier"), "no account has 'nobody' for an identifier or id"),
        (("\x1b[2J",), r"'\x1b[2J' holds a character that it may not hold"),
        (("\udcff",), r"'\udcff' holds a character that it may not hold"),
        (("",), "'' is empty, and no account has it for its id"),
    ],
)
@pytest.mark.parametrize("verb", ["show", "disable", "enable"])
def test_whom_nobody_is(deployment: Deployment, verb: str, arguments: tuple[str, ...], sentence: str) -> None:
    """Text that names no account is refused with what to try, and never reaches the terminal raw (ASVS 16.4.1)."""
    assert deployment.refused(1, "account", verb, *arguments).startswith(sentence)


def test_disable_ends_every_session_and_enable_revives_none(deployment: Deployment, store: SqlStore) -> None:
    """A disabled account's sessions are dead at once and stay so when it is enabled (ASVS 7.4.2, C-10)."""
    given = STORED.encode()
    deployment.well(*ERKKI, "--username", "erkki", "--password-hash-file", "-", given=given)
    deployment.write(f'{TOML}[hashing]\nprofile = "small"')
    auth = load().auth(store)
    step = auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    signed_in = auth.login.submit_password(step.pending, "vanha salasana vuodelta 1998", client=ClientContext())
    assert isinstance(signed_in, Authenticated)
    token = signed_in.session.token.get_secret_value()
    assert auth.sessions.check(token) is not None
    said = deployment.well("account", "disable", "ERKKI")
    assert said.startswith("Disabled Erkki Esimerkki, id ")
    assert "all its sessions have ended" in said
    assert auth.sessions.check(token) is None
    assert "The account is disabled: nobody can sign in to it." in deployment.well("account", "show", "erkki")
    assert deployment.well("account", "enable", "erkki").startswith("Enabled Erkki Esimerkki, id ")
    assert auth.sessions.check(token) is None
    happened = [event.what for event in store.events(signed_in.account.id)]
    assert happened[-2:] == [AuditEventType.ACCOUNT_DISABLED, AuditEventType.ACCOUNT_ENABLED]
    assert {event.user_agent for event in store.events(signed_in.account.id)} >= {"the cityauth command"}


def test_what_is_so_already_is_refused(deployment: Deployment) -> None:
    """Disabling a disabled account and enabling an active one change nothing, and say so."""
    deployment.well(*ERKKI, "--username", "erkki")
    assert deployment.refused(1, "account", "enable", "erkki").endswith("is active already; nothing was changed")
    deployment.well("account", "disable", "erkki")
    assert deployment.refused(1, "account", "disable", "erkki").endswith("is disabled already; nothing was changed")


def test_an_id_that_is_anothers_identifier_is_never_picked(deployment: Deployment, store: SqlStore) -> None:
    """Where one text names two accounts, both are shown, and none is changed until --by says which (B-12, F5)."""
    put(store, Account(AccountId("1001"), "citizen", "Aino"))
    bertta = deployment.json("account", "add", "--name", "Bertta", "--username", "1001")["id"]
    both = deployment.well("account", "show", "1001")
    assert "Aino" in both
    assert "Bertta" in both
    assert "people must decide which one is meant" in both
    sentence = deployment.refused(1, "account", "disable", "1001")
    assert sentence.endswith(f"({bertta} and 1001): say which with --by")
    assert deployment.well("account", "disable", "1001", "--by", "id").startswith("Disabled Aino")
    assert deployment.well("account", "disable", "1001", "--by", "identifier").startswith("Disabled Bertta")
    assert deployment.json("account", "show", "1001", "--by", "id")["resolution"] is None


def test_a_contested_identifier_changes_nobody(deployment: Deployment, store: SqlStore) -> None:
    """An identifier that several accounts hold shows its account, and changes it by the id alone."""
    held = AccountIdentifier(Identifier("username", "shared", "1:shared"), IdentifierStatus.CONTESTED)
    put(store, Account(AccountId("one"), "citizen", "Aino"), held)
    assert "several accounts hold it" in deployment.well("account", "show", "shared")
    assert deployment.refused(1, "account", "disable", "shared").endswith("say which by its id, such as --by id one")
    assert deployment.well("account", "disable", "one").startswith("Disabled Aino")


def test_what_another_program_stored_is_shown_harmlessly(deployment: Deployment, store: SqlStore) -> None:
    """Controls, bidi controls and markup in a stored name or identifier are escaped in every answer (ASVS 16.4.1)."""
    hostile = "[red]\x1b[31mE\u202e\r\nkki"
    held = AccountIdentifier(Identifier("username", hostile, f"1:{hostile}"))
    put(store, Account(AccountId("one"), "citizen", hostile, contact=hostile), held)
    for arguments in (("show", "one"), ("show", "one", "--json"), ("disable", "one"), ("enable", "one")):
        said = deployment.well("account", *arguments)
        assert all(char == "\n" or char.isprintable() for char in said)
        assert "[red]" in said


def test_a_realm_that_left_the_configuration_is_told(deployment: Deployment) -> None:
    """An account of a realm that left the configuration is shown without a phase, and can be disabled and enabled."""
    deployment.write(f'{TOML}[realms.school]\ninitial = "both"')
    deployment.well(*ERKKI, "--username", "erkki", "--realm", "school")
    deployment.write(TOML)
    said = deployment.well("account", "show", "erkki")
    assert "none: the configuration lacks the realm" in said
    assert "signs nobody in: the realm of its account is not in the configuration" in said
    (account,) = deployment.json("account", "show", "erkki")["accounts"]
    assert (account["realm"], account["phase"]) == ("school", None)
    assert deployment.well("account", "disable", "erkki").startswith("Disabled Erkki")
    assert deployment.well("account", "enable", account["id"]).startswith("Enabled Erkki")


def test_an_erased_accounts_identifier_never_passes_on(deployment: Deployment, store: SqlStore) -> None:
    """What the tombstones keeps of an erased account refuses its identifier, also when the oldest secret has gone."""
    path = deployment.folder / "service.keys"
    tombstones = deployment.well("keys", "tombstones")
    auth = load().auth(store)
    erased = auth.accounts.add(NewAccount("Erkki", usernames=["erkki"]))
    assert isinstance(erased, Account)
    kept = hmac.digest(bytes.fromhex(tombstones), b"1:erkki", "sha256")
    store.commit([AccountErased(erased.id, 0, (kept,), datetime.now(UTC))])
    sentence = deployment.refused(1, *ERKKI, "--username", "ERKKI")
    assert sentence.startswith("an identifier given belonged to an account that was erased")
    deployment.well("keys", "generate", "--append")
    newest = path.read_text(encoding="utf-8").splitlines()[-1]
    path.write_text(newest, encoding="utf-8")
    deployment.write(f'{TOML}tombstone_secret_file = "tombstones.key"')
    (deployment.folder / "tombstones.key").write_text(tombstones, encoding="ascii")
    (deployment.folder / "tombstones.key").chmod(0o600)
    assert deployment.well("keys", "tombstones") == tombstones
    assert deployment.refused(1, *ERKKI, "--username", "ERKKI") == sentence


def test_an_account_that_goes_meanwhile_is_told(
    deployment: Deployment, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that is erased between the look and the change is told as such (ASVS 15.4.2)."""
    deployment.well(*ERKKI, "--username", "erkki")
    choose = accounts._the_one

    def choose_and_lose(text: str, finding: Finding) -> Shown:
        chosen = choose(text, finding)
        store.commit([AccountErased(chosen.record.account.id, 0, (), datetime.now(UTC))])
        return chosen

    monkeypatch.setattr(accounts, "_the_one", choose_and_lose)
    assert deployment.refused(1, "account", "disable", "erkki") == "the account is gone; look it up again"
    monkeypatch.setattr(Registry, "show", lambda *_: None)
    sentence = deployment.refused(1, *ERKKI, "--username", "other")
    assert sentence == "the account was added, and removed again by somebody else"


def test_the_id_of_the_host_is_found(deployment: Deployment, store: SqlStore) -> None:
    """An account that a host added under its own id is found by it."""
    load().auth(store).accounts.add(NewAccount("Erkki", id="kunta-1001", usernames=["erkki"]))
    (one,) = deployment.json("account", "show", "kunta-1001")["accounts"]
    assert one["id"] == "kunta-1001"
    assert deployment.well("account", "show", "kunta-1001", "--by", "id").startswith("name      Erkki")


def test_an_erased_identifier_is_released(deployment: Deployment, store: SqlStore) -> None:
    """Customer service makes an erased account's identifier free, once, and the trail keeps it."""
    auth = load().auth(store)
    erased = auth.accounts.add(NewAccount("Erkki", usernames=["erkki"]))
    assert isinstance(erased, Account)
    (held,) = store.account_identifiers(erased.id)
    kept = auth.accounts._deployment.tombstones.digest(held.identifier)
    store.commit([AccountErased(erased.id, 0, (kept,), datetime.now(UTC))])
    sentence = deployment.refused(1, *ERKKI, "--username", "ERKKI")
    assert "`cityauth identifier release`" in sentence
    said = deployment.well("identifier", "release", "Erkki")
    assert said == "Released 'Erkki', which an erased account had: it can be registered again.\n"
    assert store.trail()[-1].what is AuditEventType.IDENTIFIER_RELEASED
    assert "is free already" in deployment.refused(1, "identifier", "release", "Erkki")
    deployment.well(*ERKKI, "--username", "ERKKI")
    assert "give --account" in deployment.refused(1, "identifier", "release", "Erkki")


def test_a_retired_identifier_is_released(deployment: Deployment) -> None:
    """A retired identifier leaves its account; one in use and a text that cannot be one are refused."""
    account_id = deployment.json(*ERKKI, "--username", "erkki", "--retired-username", "eki")["id"]
    assert "is no retired identifier" in deployment.refused(
        1, "identifier", "release", "erkki", "--account", account_id
    )
    assert "is empty" in deployment.refused(1, "identifier", "release", " ", "--account", account_id)
    assert deployment.well("identifier", "release", "eki", "--account", account_id).startswith("Released 'eki', which")
    assert "eki" not in deployment.well("account", "show", "erkki").replace("erkki", "")
    deployment.well("account", "add", "--name", "Eki", "--username", "eki")


def test_an_official_is_added_with_a_contact(deployment: Deployment) -> None:
    """An official who signs in with a username gets mail at the contact; what is no address is refused by its name."""
    words = ("account", "add", "--name", "Virve", "--username", "virve.v", "--realm", "official")
    assert deployment.refused(1, *words, "--contact", "").startswith("the contact address '' is empty")
    assert deployment.json(*words, "--contact", "virve@example.com")["contact"] == "virve@example.com"


def test_the_contact_is_changed(deployment: Deployment) -> None:
    """Customer service lets mail go to another address or to none; what is no address changes nothing."""
    deployment.well(*ERKKI, "--email", EMAIL)
    said = deployment.well("account", "contact", EMAIL, "--to", " Uusi@Example.com")
    assert "Mail goes to Uusi@example.com from now on" in said
    assert deployment.json("account", "show", EMAIL)["accounts"][0]["contact"] == "Uusi@example.com"
    assert "is not one deliverable" in deployment.refused(1, "account", "contact", EMAIL, "--to", "erkki")
    assert "No mail goes to the account" in deployment.well("account", "contact", EMAIL, "--remove")
    for wrong in ((), ("--to", "a@example.com", "--remove")):
        assert deployment.refused(2, "account", "contact", EMAIL, *wrong).startswith("give either --to")


def test_the_link_of_a_dead_address_is_printed(deployment: Deployment) -> None:
    """With --hand-over nothing is mailed to the address, and the link is printed."""
    deployment.well(*ERKKI, "--email", EMAIL)
    said = deployment.well("account", "invite", EMAIL, "--hand-over")
    assert "hand it over in person" in said
    assert "token=" in said
    assert deployment.json("outbox", "status")["waiting"] == 0


def test_a_mailbox_that_got_many_invitations_is_named(deployment: Deployment) -> None:
    """The fourth invitation of a minute is refused with what to do; --hand-over still works."""
    deployment.well(*ERKKI, "--email", EMAIL)
    for _ in range(3):
        deployment.well("account", "invite", EMAIL)
    said = deployment.refused(1, "account", "invite", EMAIL)
    assert f"too many invitations went to {EMAIL} lately" in said
    assert "token=" in deployment.well("account", "invite", EMAIL, "--hand-over")


def test_failed_sign_ins_are_shown(deployment: Deployment, store: SqlStore) -> None:
    """Customer service sees how many sign-ins failed in a row, and that the password is disabled (NIST 3.2.2)."""
    auth = load().auth(store)
    stored = auth.passwords.hash("aamukaste kimaltelee laiturilla")
    assert isinstance(stored, SecretStr)
    auth.accounts.add(
        NewAccount("Erkki", id="kunta-1001", usernames=["erkki"], password_hash=stored.get_secret_value())
    )
    assert "failures" not in deployment.well("account", "show", "erkki")
    one_more = FailureCounted(AccountId("kunta-1001"), 100)
    assert store.commit([one_more] * 7) == Committed()
    assert "failures  7 sign-ins in a row" in deployment.well("account", "show", "erkki")
    assert store.commit([*[one_more] * 92, replace(one_more, reaches=True)]) == Committed()
    assert "disabled after too many failed sign-ins" in deployment.well("account", "show", "erkki")
    (one,) = deployment.json("account", "show", "erkki")["accounts"]
    assert (one["failures"], one["password_disabled"]) == (100, True)
