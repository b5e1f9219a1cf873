"""What a store promises of the kinds of stored hashes: counted as they are written, and found."""

from dataclasses import replace

from cityauth.core.accounts import AccountId
from cityauth.core.changes import AccountErased, PasswordReplaced, PasswordSet, Precondition
from cityauth.core.population import PeopleAdded
from cityauth.core.secret import SecretStr
from cityauth.ports.stores import HashCountStore, Store
from cityauth.testing.imports import person
from cityauth.testing.samples import AINO, HOSTILE, NEW_HASH, NOON, OLD_HASH, added, commit, refuse

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
