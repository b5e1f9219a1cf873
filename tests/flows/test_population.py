"""Importing people: good rows are committed, bad rows come back with their faults, and a second run changes nothing."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from cityauth import CityAuth, UsageError
from cityauth.api.drivers import run
from cityauth.core.accounts import Account, Status
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import (
    AccountErased,
    ContactChanged,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
)
from cityauth.core.client import UNKNOWN_CLIENT
from cityauth.core.import_row import COLUMNS, ImportRow
from cityauth.core.login import Authenticated, PasswordRequired
from cityauth.core.population import ImportOptions, ImportReport
from cityauth.core.quarantine import QuarantinedRow
from cityauth.core.resolution import IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.errors import WiringError
from cityauth.flows import population
from cityauth.hashing import Argon2Hasher
from cityauth.policy import HashProfile
from cityauth.testing.samples import added, commit
from tests.support.fakes import SeededEntropy
from tests.support.service import KEY, Service
from tests.support.stores import MakeStore

HASH = "pbkdf2_sha256$1$suola$soms/xfwKkSfuOsGiPFOHHpFu9Z8qZyYPfEbttw6ku8="
OTHER = "pbkdf2_sha256$2$suola$soms/xfwKkSfuOsGiPFOHHpFu9Z8qZyYPfEbttw6ku8="


def person(external_id: object, **cells: str | None) -> dict[str, str | None]:
    """The row of a person, as a host's mapping."""
    made: dict[str, str | None] = {
        "external_id": str(external_id),
        "realm": "citizen",
        "username": f"user{external_id}",
        "email": f"user{external_id}@example.com",
        "display_name": f"Person {external_id}",
        "language": "fi",
        "status": "active",
        "password_hash": HASH,
    }
    return {**made, **cells}


class Imported:
    """An import that was run, with the rows that came back."""

    def __init__(self, service: Service, rows: Iterable[Any], **options: Any) -> None:
        self.refused: list[QuarantinedRow] = []
        self.reports: list[ImportReport] = []
        self.report = service.auth.population.import_people(
            rows,
            options=ImportOptions(**options),
            on_quarantined=self.refused.append,
            on_progress=self.reports.append,
        )

    @property
    def codes(self) -> dict[int, list[str]]:
        """The codes of each row that came back."""
        return {one.row.number: [fault.code.value for fault in one.faults] for one in self.refused}

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """How many people were added, updated and unchanged, and how many rows are in quarantine."""
        one = self.report
        return one.added, one.updated, one.unchanged, one.quarantined


def account_of(service: Service, external_id: object) -> Account:
    """The account of an external id."""
    (found,) = service.store.find_imported([str(external_id)])
    account: Account = found.row.account
    return account


def everything(service: Service) -> list[Any]:
    """All that the store holds of the population."""
    rows = service.store.read_population("", 10_000)
    return [*rows, *service.store.find_imported([row.account.external_id for row in rows if row.account.external_id])]


# --- What lands ------------------------------------------------------------------------------------------


def test_a_person_lands_as_the_source_has_them(service: Service) -> None:
    """Account, username, hash and source record are there, the address is on file and is no login name yet."""
    done = Imported(service, [person(1, email="Matti@Example.com", username="Matti", language="sv")])
    assert done.counts == (1, 0, 0, 0)
    (found,) = service.store.find_imported(["1"])
    account = found.row.account
    assert (account.realm, account.display_name, account.language) == ("citizen", "Person 1", "sv")
    assert (account.contact, account.contact_verified, account.external_id) == ("Matti@example.com", False, "1")
    held = [(one.identifier.kind, one.identifier.shown, one.status) for one in found.row.account_identifiers]
    assert held == [("username", "Matti", IdentifierStatus.ACTIVE)]
    assert found.password_hash == SecretStr(HASH)
    assert (found.source.email, found.source.username) == ("Matti@Example.com", "Matti")
    assert len(account.id) == 24
    assert not service.store.find(["1:matti@example.com"])


def test_verified_addresses_are_marked(service: Service) -> None:
    """With verified the older system's word is taken for every address."""
    Imported(service, [person(1)], verified=True)
    assert account_of(service, 1).contact_verified


def test_a_disabled_person_lands_disabled(service: Service) -> None:
    """The status of the source is the status of the account."""
    Imported(service, [person(1, status="disabled")])
    assert account_of(service, 1).status is Status.DISABLED


def test_a_person_without_address_or_hash_lands(service: Service) -> None:
    """Nobody gets an invented address or password; a marker that says "no password" is one."""
    done = Imported(service, [person(1, email=None, password_hash=""), person(2, password_hash="!")])
    assert done.counts == (2, 0, 0, 0)
    assert account_of(service, 1).contact is None
    for external_id in "12":
        (found,) = service.store.find_imported([external_id])
        assert found.password_hash is None


def test_a_person_without_a_username_lands(service: Service) -> None:
    """Such a person signs in once the plan has made the address a login name."""
    assert Imported(service, [person(1, username=""), person(2, username="")]).counts == (2, 0, 0, 0)


def test_an_old_username_that_new_rules_refuse_lands(service: Service) -> None:
    """Old names are inherited: with spaces, an at sign, or of reserved words."""
    names = ["Matti Meikäläinen", "admin", "x", "matti@example.com", "ＭＡＴＴＩ２"]
    assert Imported(service, [person(n, username=name) for n, name in enumerate(names)]).counts == (5, 0, 0, 0)


def test_a_shared_address_lands(service: Service) -> None:
    """A household's mailbox may be the contact of several: the plan names the collision, the import does not."""
    shared = {"email": "perhe@example.com"}
    assert Imported(service, [person(1, **shared), person(2, **shared)]).counts == (2, 0, 0, 0)


# --- What does not land ----------------------------------------------------------------------------------


def test_a_bad_row_comes_back_and_its_neighbours_land(service: Service) -> None:
    """All faults of a row are named, and those of its hash among them (C-23)."""
    rows = [person(1), person(2, realm="citizn", email="NULL", password_hash="kissa123"), person(3)]
    done = Imported(service, rows)
    assert done.counts == (2, 0, 0, 1)
    assert done.codes == {2: ["cell.null_word", "realm.unknown", "hash.unknown_format"]}
    assert {code.value: count for code, count in done.report.codes.items()} == {
        "cell.null_word": 1, "realm.unknown": 1, "hash.unknown_format": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        ("kissa123", "hash.unknown_format"),
        ("{noop}kissa123", "hash.plain_text"),
        ("pbkdf2_sha256$1$suola", "hash.corrupt"),
        ("pbkdf2_sha256$2000000000$suola$soms/xfwKkSfuOsGiPFOHHpFu9Z8qZyYPfEbttw6ku8=", "hash.over_limit"),
    ],
)
def test_a_hash_that_cannot_be_verified_is_not_stored(service: Service, stored: str, code: str) -> None:
    """What the hasher cannot run is quarantined with its own code."""
    assert Imported(service, [person(1, password_hash=stored)]).codes == {1: [code]}
    assert everything(service) == []


@pytest.mark.parametrize("batch", [1, 2, 1000])
@pytest.mark.parametrize("dry_run", [False, True])
def test_two_rows_of_one_external_id_or_username(service: Service, batch: int, dry_run: bool) -> None:
    """The first row lands and the later ones come back, whatever the size of a batch, in a rehearsal as well."""
    rows = [
        person(1), person(1, username="other"), person(2, username="USER1"), person(3),
        person(1, realm="x"), person(4, username="user4"), person(5, username="User4"),
    ]  # fmt: skip
    done = Imported(service, rows, batch=batch, dry_run=dry_run)
    assert done.codes == {
        2: ["external_id.duplicate"],
        3: ["username.taken"],
        5: ["realm.unknown", "external_id.duplicate"],
        7: ["username.taken"],
    }
    assert done.counts == (3, 0, 0, 4)


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_accounts_that_are_there_take_part(service: Service, dry_run: bool) -> None:
    """A username that another account has, as whatever kind or status, comes back; a contact of theirs does not."""
    service.add("Own", email="own@example.com", usernames=["Oma"], retired_usernames=["Vanha"], contact="c@example.com")
    names = ["oma", "VANHA", "own@example.com", "c@example.com"]
    done = Imported(service, [person(n, username=name) for n, name in enumerate(names, 1)], dry_run=dry_run)
    assert done.codes == {1: ["username.taken"], 2: ["username.taken"], 3: ["username.taken"]}
    assert done.counts == (1, 0, 0, 3)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_username_of_an_erased_account_comes_back(service: Service, dry_run: bool) -> None:
    """What an erased account left does not pass to an imported person."""
    erased = service.add("Erkki", usernames=["erkki"])
    held = service.store.account_identifiers(erased.id)
    tombstones = tuple(service.auth.population._deployment.tombstones.digest(one.identifier) for one in held)
    commit(service.store, AccountErased(erased.id, 0, tombstones, service.now))
    done = Imported(service, [person(1, username="Erkki"), person(2)], dry_run=dry_run)
    assert done.codes == {1: ["username.erased"]}
    assert done.counts == (1, 0, 0, 1)


def test_an_external_id_of_an_own_account_comes_back(service: Service) -> None:
    """An account that no import made keeps its external id."""
    commit(service.store, added("own", external_id="7"))
    before = everything(service)
    assert Imported(service, [person(7)]).codes == {1: ["external_id.taken"]}
    assert everything(service) == before


class Racing:
    """A store in which somebody takes a name just before a commit."""

    def __init__(self, store: Any, *taken: str) -> None:
        self._store = store
        self._taken = list(taken)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, changes: Sequence[Any]) -> Any:
        """Commit after the name was taken."""
        service = Service(store=self._store, entropy=SeededEntropy(b"race"))
        while self._taken:
            service.add(self._taken[0], usernames=[self._taken.pop(0)])
        return self._store.commit(changes)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16])
def test_a_name_that_is_taken_meanwhile_stops_no_other_row(make_store: MakeStore, count: int) -> None:
    """Where the commit is refused, the batch is halved until the row in the way is found; all others land."""
    service = Service(store=Racing(make_store(), *{"user1", f"user{count}"}))
    done = Imported(service, [person(n) for n in range(1, count + 1)])
    expected = {number: ["username.taken"] for number in {1, count}}
    assert done.codes == expected
    assert done.counts == (count - len(expected), 0, 0, len(expected))


def test_rows_that_came_broken_from_the_file_come_back(service: Service) -> None:
    """A row that could not be read is counted and handed back as the reader gave it."""
    from cityauth.core.import_file import read_csv

    rows = read_csv([(",".join(COLUMNS) + "\n1,citizen\n").encode()])
    assert Imported(service, rows).codes == {1: ["row.columns"]}


def test_a_key_that_is_no_column_comes_back(service: Service) -> None:
    """A host's mapping is judged as a row of a file is."""
    assert Imported(service, [{**person(1), "e-mail": "x"}, person(2)]).codes == {1: ["row.columns"]}


@pytest.mark.parametrize("row", [["1", "citizen"], "1,citizen", None, 5])
def test_what_is_no_row_is_the_callers_mistake(service: Service, row: Any) -> None:
    """A list or a line of text is no row: the rows before it have landed or not, and the mistake is named."""
    with pytest.raises(UsageError, match="read_people"):
        Imported(service, [row])


@pytest.mark.parametrize("batch", [0, -1, 10_001])
def test_a_batch_has_bounds(service: Service, batch: int) -> None:
    """A batch of none would never end, and one without bound would fill the memory."""
    with pytest.raises(UsageError, match="batch"):
        Imported(service, [], batch=batch)


def test_a_store_without_the_port_says_so(service: Service) -> None:
    """A host's store that knows no populations serves all else, and an import names what it lacks."""

    class Small:
        def __getattr__(self, name: str) -> Any:
            if name in {"find_imported", "read_population"}:
                raise AttributeError(name)
            return getattr(service.store, name)

    auth = CityAuth(Small(), [KEY])
    with pytest.raises(WiringError, match="PopulationStore"):
        auth.population.import_people([])


# --- Batches, and twice ----------------------------------------------------------------------------------


def test_each_batch_is_one_commit(service: Service) -> None:
    """The progress is told after each commit, and the audit trail has one event for each."""
    done = Imported(service, (person(n) for n in range(7)), batch=3)
    assert [(one.rows, one.added) for one in done.reports] == [(3, 3), (6, 6), (7, 7)]
    events = [event for event in service.audit.events if event.what is AuditEventType.PEOPLE_IMPORTED]
    assert [dict(event.detail) for event in events] == [
        {"added": "3", "updated": "0"}, {"added": "3", "updated": "0"}, {"added": "1", "updated": "0"},
    ]  # fmt: skip


def test_importing_again_changes_nothing(service: Service) -> None:
    """A delta of nothing writes nothing, not even an event."""
    rows = [person(1), person(2, email="matti@localhost"), person(3, password_hash=""), person(4, status="disabled")]
    Imported(service, rows, accept_invalid_email=True)
    before, events = everything(service), len(service.audit.events)
    service.clock.at += timedelta(hours=1)
    done = Imported(service, rows, accept_invalid_email=True)
    assert done.counts == (0, 0, 4, 0)
    assert everything(service) == before
    assert len(service.audit.events) == events


def test_a_rehearsal_writes_nothing(service: Service) -> None:
    """A dry run says what would happen and commits nothing."""
    Imported(service, [person(1)])
    before = everything(service)
    done = Imported(service, [person(1, display_name="New"), person(2), person(3, realm="")], dry_run=True)
    assert done.counts == (1, 1, 0, 1)
    assert everything(service) == before


def test_an_import_that_stopped_goes_on(service: Service) -> None:
    """After the first batches have landed, running it again from the first row lands the rest (C-23)."""

    def stopping() -> Iterable[dict[str, str | None]]:
        yield from (person(n) for n in range(5))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Imported(service, stopping(), batch=2)
    done = Imported(service, [person(n) for n in range(8)], batch=2)
    assert done.counts == (4, 0, 4, 0)


# --- A newer export --------------------------------------------------------------------------------------

CHANGES: dict[str, dict[str, str | None]] = {
    "display_name": {"display_name": "New Name"},
    "language": {"language": "sv"},
    "email": {"email": "new@example.com"},
    "contact": {"contact": "mail@example.com", "email": ""},
    "username": {"username": "renamed"},
    "status": {"status": "disabled"},
    "password_hash": {"password_hash": OTHER},
}


OLDER: dict[str, dict[str, str | None]] = {"contact": {"contact": "user1@example.com", "email": ""}}
"""What the first import says, where it is not the usual."""


def column(service: Service, name: str) -> object:
    """What the account has in a column."""
    (found,) = service.store.find_imported(["1"])
    if name == "password_hash":
        return found.password_hash.get_secret_value()
    if name == "username":
        held = found.row.account_identifiers
        return next(one.identifier.shown for one in held if one.status is IdentifierStatus.ACTIVE)
    if name in {"email", "contact"}:
        return found.row.account.contact
    return getattr(found.row.account, name)


@pytest.mark.parametrize("name", CHANGES)
def test_what_only_the_source_changed_is_taken_over(service: Service, name: str) -> None:
    """A column that nobody has changed here follows the source, once."""
    Imported(service, [person(1, **OLDER.get(name, {}))])
    newer = person(1, **CHANGES[name])
    assert Imported(service, [newer]).counts == (0, 1, 0, 0)
    assert column(service, name) == CHANGES[name][name]
    before = everything(service)
    assert Imported(service, [newer]).counts == (0, 0, 1, 0)
    assert everything(service) == before


def change_here(service: Service, name: str, *, to: str = "") -> None:
    """Change a column here, as the person or customer service would."""
    account_id = account_of(service, 1).id
    if name == "display_name":
        commit(service.store, ProfileChanged(account_id, display_name=to or "Own"))
    elif name == "language":
        commit(service.store, ProfileChanged(account_id, language=to or "en"))
    elif name in {"email", "contact"}:
        commit(service.store, ContactChanged(account_id, to or "own@example.com"))
    elif name == "password_hash":
        commit(service.store, PasswordSet(account_id, SecretStr(to or "$argon2id$own")))
    else:
        assert name == "username"
        from cityauth.core.changes import IdentifierRetired

        commit(service.store, IdentifierRetired(account_id, "1:user1", service.now))


BOTH = [name for name in CHANGES if name != "status"]


@pytest.mark.parametrize("name", BOTH)
def test_what_only_this_service_changed_stays(service: Service, name: str) -> None:
    """An import that says what it said before undoes nothing that was changed here."""
    Imported(service, [person(1, **OLDER.get(name, {}))])
    change_here(service, name)
    before = everything(service)
    assert Imported(service, [person(1, **OLDER.get(name, {}))]).counts == (0, 0, 1, 0)
    assert everything(service) == before


@pytest.mark.parametrize("name", BOTH)
def test_what_both_changed_is_left_to_people(service: Service, name: str) -> None:
    """The column comes back each time with one code and stays as it is here; the other columns are taken over."""
    Imported(service, [person(1, **OLDER.get(name, {}))])
    change_here(service, name)
    kept = everything(service)
    newer = person(1, **CHANGES[name])
    done = Imported(service, [newer])
    assert done.codes == {1: ["delta.both_changed"]}
    assert done.refused[0].faults[0].column == name
    assert everything(service) == kept
    other = "language" if name == "display_name" else "display_name"
    for _ in range(2):
        assert Imported(service, [{**newer, **CHANGES[other]}]).codes == {1: ["delta.both_changed"]}
        assert column(service, other) == CHANGES[other][other]
    assert Imported(service, [person(1, **{**OLDER.get(name, {}), **CHANGES[other]})]).counts == (0, 0, 1, 0)


@pytest.mark.parametrize("name", ["display_name", "language", "email", "password_hash"])
def test_what_both_changed_alike_is_no_conflict(service: Service, name: str) -> None:
    """Where both came to the same value nothing is left to decide."""
    Imported(service, [person(1, **OLDER.get(name, {}))])
    change_here(service, name, to=str(CHANGES[name][name]))
    account = account_of(service, 1)
    assert Imported(service, [person(1, **CHANGES[name])]).counts == (0, 1, 0, 0)
    assert account_of(service, 1) == account
    assert Imported(service, [person(1, **CHANGES[name])]).counts == (0, 0, 1, 0)


@pytest.mark.parametrize("name", ["email", "username", "password_hash"])
def test_what_the_source_lost_stays(service: Service, name: str) -> None:
    """An export without an address, a username or a hash takes nothing away: it comes back for people to decide."""
    Imported(service, [person(1)])
    before = everything(service)
    done = Imported(service, [person(1, **{name: ""})])
    assert done.codes == {1: ["delta.removed"]}
    assert everything(service) == before


def test_an_address_that_the_source_lost_is_not_replaced_by_the_contact(service: Service) -> None:
    """Without the e-mail of before, the contact of the file does not take its place: people decide, and nobody else."""
    for contact in ("office@example.com", "user1@example.com"):
        Imported(service, [person(1, contact=contact)])
        before = everything(service)
        done = Imported(service, [person(1, contact=contact, email="")])
        assert done.codes == {1: ["delta.removed"]}, contact
        assert done.refused[0].faults[0].column == "email"
        assert everything(service) == before


@pytest.mark.parametrize("earlier", [{}, {"contact": "first@example.com"}, {"contact": "user1@example.com"}])
def test_a_contact_of_the_source_does_not_replace_the_email(service: Service, earlier: dict[str, str]) -> None:
    """The e-mail of the file is where mail goes and what will sign in, whatever contacts come and go beside it."""
    Imported(service, [person(1, **earlier)])
    account = account_of(service, 1)
    assert account.contact == "user1@example.com"
    for contact in ("office@example.com", "guardian@example.com", ""):
        assert Imported(service, [person(1, contact=contact)]).report.quarantined == 0
        assert account_of(service, 1) == account


def test_an_email_that_comes_later_takes_the_place_of_the_contact(service: Service) -> None:
    """A person with a contact alone gets an e-mail in the source: it is the address on file from then on."""
    Imported(service, [person(1, email="", contact="office@example.com")])
    assert account_of(service, 1).contact == "office@example.com"
    Imported(service, [person(1, email="own@example.com", contact="office@example.com")])
    assert account_of(service, 1).contact == "own@example.com"


def test_a_taken_over_address_is_as_verified_as_the_import_says(service: Service) -> None:
    """A new address of the source is unverified, unless the older system's word is taken."""
    Imported(service, [person(1)], verified=True)
    Imported(service, [person(1, email="a@example.com")])
    assert not account_of(service, 1).contact_verified
    Imported(service, [person(1, email="b@example.com")], verified=True)
    assert account_of(service, 1).contact_verified


def test_a_taken_over_address_ends_the_links_of_the_former_one(service: Service) -> None:
    """A link that went to the former mailbox sets no password any more."""
    from cityauth.core.links import LinkRefused

    Imported(service, [person(1)], verified=True)
    service.auth.recovery.request("user1")
    token = service.link("user1@example.com")
    Imported(service, [person(1, email="new@example.com")])
    assert isinstance(service.auth.recovery.inspect(token), LinkRefused)


@pytest.mark.parametrize("name", ["password_hash", "status"])
def test_a_password_or_status_of_the_source_ends_sessions(service: Service, name: str) -> None:
    """Whoever was signed in with the former password, or to an account that is disabled now, is signed out."""
    Imported(service, [person(1)])
    epoch = account_of(service, 1).epoch
    Imported(service, [person(1, **CHANGES[name])])
    assert account_of(service, 1).epoch == epoch + 1


def test_a_disabled_person_may_be_enabled_by_the_source(service: Service) -> None:
    """The status follows the source in both directions."""
    Imported(service, [person(1, status="disabled")])
    assert Imported(service, [person(1)]).counts == (0, 1, 0, 0)
    assert account_of(service, 1).status is Status.ACTIVE


def test_an_import_moves_nobody_between_realms(service: Service) -> None:
    """A newer export with another realm comes back."""
    Imported(service, [person(1)])
    assert Imported(service, [person(1, realm="official")]).codes == {1: ["delta.realm"]}
    assert account_of(service, 1).realm == "citizen"


def test_an_address_that_signs_in_is_not_replaced(service: Service) -> None:
    """Once the address is a login name, a newer export does not change it."""
    from cityauth.core.changes import IdentifierAdded
    from cityauth.core.identifiers import EMAIL, Identifier, register

    Imported(service, [person(1)])
    email = register("user1@example.com", EMAIL)
    assert isinstance(email, Identifier)
    commit(service.store, IdentifierAdded(account_of(service, 1).id, email, service.now, ()))
    assert Imported(service, [person(1, email="new@example.com")]).codes == {1: ["delta.signs_in"]}
    assert account_of(service, 1).contact == "user1@example.com"


def test_a_new_username_that_somebody_has_comes_back(service: Service) -> None:
    """A renamed person takes no name from another, whether it is active, retired or erased."""
    service.add("Own", usernames=["oma"])
    Imported(service, [person(1), person(2)])
    done = Imported(service, [person(1, username="Oma"), person(2, username="free")])
    assert done.codes == {1: ["username.taken"]}
    assert done.counts == (0, 1, 0, 1)


def test_a_renamed_person_keeps_the_former_name_from_others(service: Service) -> None:
    """The former username is retired and passes to nobody."""
    Imported(service, [person(1)])
    Imported(service, [person(1, username="renamed")])
    assert Imported(service, [person(2, username="user1")]).codes == {1: ["username.taken"]}


def test_a_change_made_during_the_import_is_not_overwritten(make_store: MakeStore) -> None:
    """An account that changes between the comparison and the commit is left alone, and the next import decides."""
    store = make_store()
    first = Service(store=store)
    Imported(first, [person(1)])
    account_id = account_of(first, 1).id

    class Changing(Racing):
        def commit(self, changes: Sequence[Any]) -> Any:
            commit(self._store, ProfileChanged(account_id, display_name="Own"))
            return self._store.commit(changes)

    done = Imported(
        Service(store=Changing(store), entropy=SeededEntropy(b"later")), [person(1, email="new@example.com")]
    )
    assert done.codes == {1: ["delta.meanwhile"]}
    assert account_of(first, 1).contact == "user1@example.com"
    assert Imported(first, [person(1, email="new@example.com")]).counts == (0, 1, 0, 0)


def test_the_report_is_what_the_store_has(service: Service) -> None:
    """The counts of a mixed import are those of the store."""
    Imported(service, [person(n) for n in range(10)])
    rows = [person(n, display_name="New" if n % 2 else f"Person {n}") for n in range(12)]
    rows += [person(20, realm="x"), person(21, username="user3")]
    done = Imported(service, rows, batch=4)
    assert done.counts == (2, 5, 5, 2)
    stored = service.store.read_population("", 100)
    assert len(stored) == 12
    assert sum(row.account.display_name == "New" for row in stored) == 5 + 1


def test_a_refusal_that_nobody_expected_is_named(service: Service) -> None:
    """Each precondition that a commit may fail on gives a code."""
    work = population._Import(
        service.auth.population._deployment, ImportOptions(), lambda _: None, UNKNOWN_CLIENT, adopts=True
    )
    piece = population._Piece(ImportRow(2, 1, {}))
    answers = service.auth.population._answers
    assert run(work._why(piece, Precondition.ACCOUNT_EXISTS), answers).code == "delta.meanwhile"
    assert run(work._why(piece, Precondition.PASSWORD_CHANGED), answers).code == "delta.meanwhile"
    assert run(work._why(piece, Precondition.IDENTIFIER_TAKEN), answers).code == "username.taken"


# --- Stored hashes of older systems ----------------------------------------------------------------------


@pytest.fixture
def legacy(make_store: MakeStore) -> Service:
    """A service with the ready-made hasher."""
    return Service(store=make_store(), hasher=Argon2Hasher(HashProfile.SMALL))


MD5_OF_KISSA = "e2b6b5b1e3e9e3ba8a4c44bb4b2cb6f6"


def test_a_hash_that_does_not_say_what_it_is_needs_its_format(legacy: Service) -> None:
    """Thirty-two hexadecimal digits are stored once the file says what they are, and never by a guess."""
    rows = [
        person(1, password_hash=MD5_OF_KISSA),
        person(2, password_hash=MD5_OF_KISSA, password_format="md5"),
        person(3, password_hash=MD5_OF_KISSA, password_format="rot13"),
        person(4, password_hash=HASH, password_format="bcrypt"),
    ]
    assert Imported(legacy, rows).codes == {
        1: ["hash.unknown_format"], 3: ["hash.unknown_format"], 4: ["hash.corrupt"],
    }  # fmt: skip
    assert Imported(legacy, rows).counts == (0, 0, 1, 3)


def test_a_password_in_latin_1_works_on_the_first_try(legacy: Service) -> None:
    """A hash over Latin-1 bytes is declared by its encoding, and the person signs in with å, ä and ö."""
    stored = (
        "{SHA}"
        + base64.b64encode(hashlib.sha1("Åsnän öinen".encode("latin-1"), usedforsecurity=False).digest()).decode()
    )
    done = Imported(legacy, [person(1, password_hash=stored, password_encoding="ISO-8859-1")])
    assert done.counts == (1, 0, 0, 0)
    step = legacy.auth.login.identify("user1")
    assert isinstance(step, PasswordRequired)
    assert isinstance(legacy.auth.login.submit_password(step.pending, "Åsnän öinen"), Authenticated)


def test_an_unknown_encoding_comes_back(legacy: Service, service: Service) -> None:
    """An encoding that nobody knows, or that the host's own hasher cannot take, is named in its column."""
    done = Imported(legacy, [person(1, password_encoding="koi8")])
    assert done.codes == {1: ["hash.unknown_encoding"]}
    assert done.refused[0].faults[0].column == "password_encoding"
    assert Imported(service, [person(1, password_encoding="latin-1")]).codes == {1: ["hash.unknown_encoding"]}


def test_a_wrapped_hash_is_still_the_imported_one(legacy: Service) -> None:
    """A fast hash that was put inside a stronger one follows the source's newer hash: nobody changed it here."""
    sha = "{SHA}" + base64.b64encode(hashlib.sha1(b"kissa", usedforsecurity=False).digest()).decode()
    Imported(legacy, [person(1, password_hash=sha)])
    (found,) = legacy.store.find_imported(["1"])
    wrapped = legacy.hasher.wrap(found.password_hash.get_secret_value())
    commit(legacy.store, PasswordReplaced(found.row.account.id, found.password_hash, SecretStr(wrapped)))
    assert Imported(legacy, [person(1, password_hash=sha)]).counts == (0, 0, 1, 0)
    assert Imported(legacy, [person(1, password_hash=OTHER)]).counts == (0, 1, 0, 0)
    assert column(legacy, "password_hash") == OTHER


def test_declared_formats_without_end_do_not_fill_the_memory(service: Service) -> None:
    """However many formats a file declares, a bounded number is remembered, and each row is judged by its own."""
    rows = [person(n, password_format=f"theirs{n}") for n in range(1001)]
    done = Imported(service, [*rows, person("damaged", password_format="theirs", password_hash="pbkdf2_sha256$1")])
    assert done.counts == (1001, 0, 0, 1)
    assert done.codes == {1002: ["hash.corrupt"]}


@pytest.mark.parametrize("declared", ["", "md5", "PostgreSQL"])
@pytest.mark.parametrize("username", ["matti", "Äijä Ööp"])
def test_md5_of_postgresql_is_salted_by_the_username(legacy: Service, username: str, declared: str) -> None:
    """The salt of such a hash stands in another column, and the person signs in with the old password."""
    digest = hashlib.md5(f"kesäyö{username}".encode(), usedforsecurity=False).hexdigest()
    row = person(1, username=username, password_hash=f"md5{digest}", password_format=declared)
    assert Imported(legacy, [row]).counts == (1, 0, 0, 0)
    step = legacy.auth.login.identify(username)
    assert isinstance(step, PasswordRequired)
    assert isinstance(legacy.auth.login.submit_password(step.pending, "kesäyö"), Authenticated)
    assert Imported(legacy, [row]).report.quarantined == 0


@pytest.mark.parametrize("username", ["", "x" * 64])
def test_md5_of_postgresql_without_its_salt_is_named(legacy: Service, username: str) -> None:
    """Without the username, or with one that PostgreSQL would have cut, nothing can verify the hash."""
    row = person(1, username=username, password_hash="md5" + "0f" * 16)
    assert Imported(legacy, [row]).codes == {1: ["hash.needs_username"]}
    assert Imported(legacy, [person(2, password_hash="md5" + "0f" * 16, password_format="bcrypt")]).codes == {
        1: ["hash.unknown_format"]
    }
