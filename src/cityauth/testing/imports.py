"""What a store promises of an import, and of the kinds of stored hashes.

People are added whole and read in pages; kinds of hashes are counted as they are written, and found.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from cityauth.core.accounts import Account, AccountId
from cityauth.core.changes import (
    AccountErased,
    ContactVerified,
    IdentifierRetired,
    PasswordReplaced,
    PasswordSet,
    Precondition,
)
from cityauth.core.population import KeyUse, NewPerson, PeopleAdded, PopulationRow, SourceRecord, SourceRecorded
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.ports.stores import HashCountStore, PopulationStore, Store
from cityauth.testing.samples import (
    AINO,
    HOSTILE,
    MINUTE,
    NEW_HASH,
    NOON,
    OLD_HASH,
    added,
    commit,
    digest,
    identifier,
    refuse,
)


class FullStore(Store, PopulationStore, Protocol):
    """A store of everything."""


def person(name: str, *usernames: str, email: str = "", source: str = "", **account: Any) -> NewPerson:
    """Return a person of an import: *name* is the account's id and a part of the external id."""
    one = Account(AccountId(name), "citizen", name.title(), contact=email or None, external_id=f"ext-{name}", **account)
    names = tuple(AccountIdentifier(identifier(value, "username")) for value in usernames)
    record = SourceRecord(f"ext-{name}", one.id, "", source or email, "", one.display_name, "fi", "active", "", NOON)
    return NewPerson(one, names, OLD_HASH, record)


def add(store: Store, *people: NewPerson) -> None:
    """Import *people*."""
    commit(store, PeopleAdded(people, NOON))


def everything(store: FullStore) -> Sequence[PopulationRow]:
    """Return the whole population."""
    return list(store.read_population("", 1000))


class ImportContract:
    """People are imported whole, and read in pages."""

    def test_people_come_back_whole(self, store: FullStore) -> None:
        """An imported person has account, identifiers, hash and source record as they were given."""
        people = [person(f"id{number}", f"user{number}", source=text) for number, text in enumerate(HOSTILE)]
        people = [replace(one, account=replace(one.account, contact_verified=False)) for one in people]
        add(store, *people)
        found = {one.row.account.id: one for one in store.find_imported([f"ext-id{n}" for n in range(len(people))])}
        assert len(found) == len(people)
        for one in people:
            row, password_hash, source = found[one.account.id]
            assert (row.account, row.account_identifiers) == (one.account, one.account_identifiers)
            assert (password_hash, source, row.has_password) == (OLD_HASH, one.source, True)
            assert row.email_on_file == one.source.email

    def test_one_taken_thing_refuses_all_people(self, store: FullStore) -> None:
        """An id, an external id, a key or a tombstone that is taken refuses the import as a whole."""
        add(store, person("aino", "aino"))
        commit(store, added("gone", "gone@example.com"))
        commit(store, AccountErased(AccountId("gone"), 0, (digest("grave"),), NOON))
        bertil = person("bertil", "bertil")
        cases = {
            "id": (replace(bertil, account=replace(bertil.account, id=AINO)), Precondition.ACCOUNT_EXISTS),
            "external id": (
                replace(bertil, account=replace(bertil.account, external_id="ext-aino")),
                Precondition.ACCOUNT_EXISTS,
            ),
            "key": (person("bertil", "aino"), Precondition.IDENTIFIER_TAKEN),
            "tombstone": (replace(bertil, tombstones=(digest("grave"),)), Precondition.IDENTIFIER_TAKEN),
        }
        for name, (one, why) in cases.items():
            change = PeopleAdded((person("cecilia", "cecilia"), one), NOON)
            assert store.commit([change]).why is why, name  # type: ignore[union-attr]  # it is refused
            assert [row.account.id for row in everything(store)] == ["aino"], name
            assert list(store.find_imported(["ext-cecilia"])) == [], name

    def test_an_external_id_is_one_accounts(self, store: FullStore) -> None:
        """An external id belongs to one account, and is free again after the account was erased."""
        commit(store, added("a", external_id="ext"))
        refuse(store, added("b", external_id="ext"), Precondition.ACCOUNT_EXISTS)
        commit(store, AccountErased(AccountId("a"), 0, (), NOON), added("b", external_id="ext"))
        assert [one.row.account.id for one in store.find_imported(["ext", "other"])] == ["b"]

    def test_pages_follow_the_bytes_of_the_ids(self, store: FullStore) -> None:
        """Each account is on exactly one page, in the order of the ids' bytes and not of any language."""
        ids = [AccountId(one) for one in ("", "A", "B", "a", "z", "ä", "\uffff", "\U0001f600")]
        for one in ids[1:]:
            commit(store, added(one))
        pages: list[list[AccountId]] = []
        after = ""
        while page := [row.account.id for row in store.read_population(after, 3)]:
            pages.append(page)
            after = page[-1]
        assert pages == [ids[1:4], ids[4:7], ids[7:]]

    def test_a_row_says_who_else_uses_its_keys(self, store: FullStore) -> None:
        """A shared contact, a contact that another one signs in with, and a username that is a contact are flagged."""
        add(
            store,
            person("couple1", "c1", email="home@example.com"),
            person("couple2", "c2", email="Home@example.com"),
            person("alone", "alone", email="alone@example.com"),
            person("late", "late", email="signs@example.com"),
            person("named", "named", email="name@example.com"),
            person("namer", "name@example.com"),
        )
        commit(store, added("modern", "signs@example.com"))
        flags = {row.account.id: row[5:8] for row in everything(store)}
        assert flags == {
            "couple1": (True, False, False),
            "couple2": (True, False, False),
            "alone": (False, False, False),
            "late": (True, False, False),
            "named": (False, True, False),
            "namer": (False, False, True),
            "modern": (False, False, False),
        }
        some = store.find_population([AccountId("late"), AccountId("nobody"), AccountId("namer")])
        assert sorted(row.account.id for row in some) == ["late", "namer"]

    def test_every_use_of_a_key_is_found(self, store: FullStore) -> None:
        """Contacts and identifiers of every status are found by their key, on both sides of a collision."""
        add(store, person("a", "x@example.com"), person("b", "bee", email="x@example.com"))
        commit(store, IdentifierRetired(AccountId("a"), "1:x@example.com", NOON))
        retired = KeyUse("1:x@example.com", AccountId("a"), "ext-a", "A", "username", IdentifierStatus.RETIRED)
        contact = KeyUse("1:x@example.com", AccountId("b"), "ext-b", "B", "contact", None)
        assert set(store.find_key_uses(["1:x@example.com", "1:nobody"])) == {retired, contact}

    def test_a_row_says_whether_the_import_gave_a_contact(self, store: FullStore) -> None:
        """A person is marked while the last import gave a contact for them."""
        one, other = person("a", "a", email="a@example.com"), person("b", "b", email="b@example.com")
        record = replace(one.source, contact="a@example.com", email="")
        add(store, replace(one, source=record), other)
        assert {row.account.id: row.has_source_contact for row in everything(store)} == {"a": True, "b": False}
        commit(store, SourceRecorded(one.source), SourceRecorded(replace(other.source, contact="c@example.com")))
        assert {row.account.id: row.has_source_contact for row in everything(store)} == {"a": False, "b": True}
        (found,) = store.find_imported(["ext-b"])
        assert found.row.has_source_contact

    def test_a_source_record_takes_the_place_of_the_former_one(self, store: FullStore) -> None:
        """After another import only the newest record is there."""
        add(store, person("a", "a", email="a@example.com"))
        newer = replace(person("a", source="new@example.com").source, imported_at=NOON + MINUTE)
        commit(store, SourceRecorded(newer))
        assert [one.source for one in store.find_imported(["ext-a"])] == [newer]

    def test_a_contact_is_verified_as_it_stands(self, store: FullStore) -> None:
        """Only the contact that was proven is marked, and a changed contact is not."""
        add(store, person("a", "a", email="a@example.com", contact_verified=False))
        refuse(store, ContactVerified(AccountId("a"), "b@example.com"), Precondition.CONTACT_CHANGED)
        refuse(store, ContactVerified(AccountId("b"), "a@example.com"), Precondition.ACCOUNT_MISSING)
        assert [row.account.contact_verified for row in everything(store)] == [False]
        commit(store, ContactVerified(AccountId("a"), "a@example.com"))
        assert [row.account.contact_verified for row in everything(store)] == [True]

    def test_erasure_forgets_what_the_source_said(self, store: FullStore) -> None:
        """No record is left of an erased account, also when its external id comes again."""
        add(store, person("a", "a", email="a@example.com"))
        commit(store, AccountErased(AccountId("a"), 0, (), NOON), added("a", external_id="ext-a"))
        assert [one.source for one in store.find_imported(["ext-a"])] == [None]


OLD, NEW = "$old$kind", "$new$kind"


def counted(store: object) -> HashCountStore:
    """Return *store* as what counts hashes."""
    kept: HashCountStore = store  # type: ignore[assignment]  # a contract's fixture gives one object for every port
    return kept


class HashCountContract:
    """Every promise of a `HashCountStore` that is a `Store` as well; each test takes the fixture ``store``."""

    def test_hashes_are_counted_by_kind(self, store: Store) -> None:
        """The most frequent kind comes first; an account without a hash, or with an unknown kind, does not count."""
        for number in range(3):
            commit(store, replace(added(f"old{number}"), hash_kind=OLD))
        commit(store, replace(added("new"), hash_kind=NEW), added("unknown"), added("none", password=None))
        assert list(counted(store).count_hash_kinds(9).items()) == [(OLD, 3), (NEW, 1)]
        assert dict(counted(store).count_hash_kinds(1)) == {OLD: 3}

    def test_nothing_is_counted_of_nobody(self, store: Store) -> None:
        """An empty store has no kinds, and no account of any."""
        assert dict(counted(store).count_hash_kinds(9)) == {}
        assert list(counted(store).read_hashes(OLD, "", 9)) == []

    def test_any_sample_is_only_text(self, store: Store) -> None:
        """Quotes, wildcards and emoji in a sample come back as they went in; an empty sample is no kind."""
        for number, text in enumerate(HOSTILE):
            commit(store, replace(added(f"id{number}"), hash_kind=text))
        assert dict(counted(store).count_hash_kinds(99)) == {text: 1 for text in HOSTILE if text}

    def test_an_import_says_the_kind_of_each_hash(self, store: Store) -> None:
        """People who are added together are counted like those who are added one by one."""
        people = [person(name, name) for name in ("a", "b", "c")]
        kinds = [OLD, NEW, OLD]
        commit(
            store,
            PeopleAdded(tuple(replace(one, hash_kind=kind) for one, kind in zip(people, kinds, strict=True)), NOON),
        )
        assert dict(counted(store).count_hash_kinds(9)) == {OLD: 2, NEW: 1}

    def test_a_new_hash_is_counted_in_place_of_the_former(self, store: Store) -> None:
        """A rehash, a reset, the loss of a password and an erasure each change the count."""
        commit(store, replace(added(AINO), hash_kind=OLD))
        commit(store, PasswordReplaced(AINO, OLD_HASH, NEW_HASH, NEW))
        assert dict(counted(store).count_hash_kinds(9)) == {NEW: 1}
        commit(store, PasswordSet(AINO, OLD_HASH, OLD))
        assert dict(counted(store).count_hash_kinds(9)) == {OLD: 1}
        commit(store, PasswordReplaced(AINO, OLD_HASH, NEW_HASH))
        assert dict(counted(store).count_hash_kinds(9)) == {}
        commit(store, PasswordSet(AINO, OLD_HASH, OLD), PasswordSet(AINO, None))
        assert dict(counted(store).count_hash_kinds(9)) == {}
        commit(store, PasswordSet(AINO, OLD_HASH, OLD), AccountErased(AINO, 0, (), NOON))
        assert dict(counted(store).count_hash_kinds(9)) == {}

    def test_a_refused_commit_is_not_counted(self, store: Store) -> None:
        """A rehash that came too late changes neither the hash nor the count."""
        commit(store, replace(added(AINO), hash_kind=OLD))
        refuse(store, PasswordReplaced(AINO, NEW_HASH, NEW_HASH, NEW), Precondition.PASSWORD_CHANGED)
        assert dict(counted(store).count_hash_kinds(9)) == {OLD: 1}

    def test_the_hashes_of_a_kind_are_read_page_by_page(self, store: Store) -> None:
        """Pages come in the order of the ids, byte for byte, and hold nobody else's hash."""
        names = ["B", "a", "b", "ä", "\U0001f600"]
        for name in reversed(names):
            commit(store, replace(added(name, password=SecretStr(f"hash of {name}")), hash_kind=OLD))
        commit(store, replace(added("other"), hash_kind=NEW))
        read: list[tuple[AccountId, SecretStr]] = []
        after = ""
        while page := counted(store).read_hashes(OLD, after, 2):
            assert len(page) <= 2
            read += page
            after = page[-1][0]
        assert read == [(AccountId(name), SecretStr(f"hash of {name}")) for name in names]
