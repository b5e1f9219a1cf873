"""What a store promises of identifiers: one namespace, compared byte for byte, and none passes to another account."""

from cityauth.core.accounts import AccountId
from cityauth.core.changes import (
    AccountErased,
    ContactChanged,
    EpochAdvanced,
    IdentifierReleased,
    IdentifierRetired,
    Precondition,
    TokenIssued,
    TombstonesReleased,
)
from cityauth.core.mail import contact_key
from cityauth.core.resolution import IdentifierStatus
from cityauth.ports.stores import Store
from cityauth.testing.samples import (
    AINO,
    NOON,
    added,
    commit,
    digest,
    identifier,
    identifier_added,
    one_time_token,
    opened,
    refuse,
)

TWINS = (
    "julian@cure53.de",
    "julian@cüre53.de",
    "julian@cu\u0308re53.de",
    "Julian@cure53.de",
    "julian@cure53.de ",
    "ju\u200dlian@cure53.de",
    "ſulian@cure53.de",
    "julian@cure53.de\u0301",
)
"""Different keys that a collation, a case folding or a normalization would take for the same key."""


class IdentifierContract:
    """Identifiers: unique over all kinds, and kept whatever their status is."""

    def test_keys_are_compared_byte_for_byte(self, store: Store) -> None:
        """Keys that look alike, or differ only in case, accents or blanks around them, are different identifiers."""
        commit(store, *(added(f"id{number}", value) for number, value in enumerate(TWINS)))
        for number, value in enumerate(TWINS):
            assert [match.account.id for match in store.find([f"1:{value}"])] == [f"id{number}"]
        assert list(store.find(["1:JULIAN@CURE53.DE", "1:julian@cure53_de", "1:%"])) == []

    def test_several_keys_are_found_at_once(self, store: Store) -> None:
        """Each key has at most one match, whichever account holds it, also when the key is asked for twice."""
        commit(store, added("a", "a@example.com", "anna"), added("b", "bertil"))
        found = store.find(["1:anna", "1:bertil", "1:anna", "1:cecilia"])
        assert sorted((match.account.id, match.account_identifier.identifier.key) for match in found) == [
            ("a", "1:anna"),
            ("b", "1:bertil"),
        ]

    def test_holdings_come_oldest_first(self, store: Store) -> None:
        """Identifiers come in the order in which they were added, whatever their status is."""
        commit(store, added(AINO, "z", "a", "m"), identifier_added("b"), IdentifierRetired(AINO, "1:a", NOON))
        assert [(one.identifier.shown, one.status) for one in store.account_identifiers(AINO)] == [
            ("z", IdentifierStatus.ACTIVE),
            ("a", IdentifierStatus.RETIRED),
            ("m", IdentifierStatus.ACTIVE),
            ("b", IdentifierStatus.ACTIVE),
        ]

    def test_every_life_is_kept(self, store: Store) -> None:
        """Pending, active, contested and retired identifiers are found with their status."""
        for status in IdentifierStatus:
            commit(store, added(status.value, status.value, identifier_status=status))
        assert {
            match.account_identifier.status for match in store.find([f"1:{status}" for status in IdentifierStatus])
        } == set(IdentifierStatus)

    def test_a_key_is_taken_once_over_all_kinds(self, store: Store) -> None:
        """A username that equals somebody's e-mail address is refused: there is one namespace."""
        commit(store, added(AINO, "a@example.com"))
        commit(store, added("b"))
        refuse(store, added("c", "c@example.com", "a@example.com"), Precondition.IDENTIFIER_TAKEN)
        refuse(store, identifier_added("a@example.com", AccountId("b"), kind="username"), Precondition.IDENTIFIER_TAKEN)
        refuse(store, added("d", "twice", "twice"), Precondition.IDENTIFIER_TAKEN)
        assert list(store.find(["1:c@example.com", "1:twice"])) == []
        assert [one.identifier.kind for one in store.account_identifiers(AINO)] == ["email"]

    def test_a_retired_identifier_passes_to_nobody(self, store: Store) -> None:
        """A retired identifier stays with its account: other accounts are refused it, and its own may have it back."""
        commit(store, added(AINO, "old"), added("b"), IdentifierRetired(AINO, "1:old", NOON))
        refuse(store, added("c", "old"), Precondition.IDENTIFIER_TAKEN)
        refuse(store, identifier_added("old", AccountId("b")), Precondition.IDENTIFIER_TAKEN)
        commit(store, identifier_added("old", kind="username"))
        (back,) = store.account_identifiers(AINO)
        assert (back.identifier, back.status) == (identifier("old", "username"), IdentifierStatus.ACTIVE)

    def test_a_contested_identifier_is_given_to_nobody(self, store: Store) -> None:
        """A contested identifier cannot be added, not even by an account that holds it: people must decide."""
        commit(store, added(AINO, "both", identifier_status=IdentifierStatus.CONTESTED))
        refuse(store, identifier_added("both"), Precondition.IDENTIFIER_TAKEN)
        assert store.account_identifiers(AINO)[0].status is IdentifierStatus.CONTESTED

    def test_adding_ones_own_identifier_again_changes_nothing(self, store: Store) -> None:
        """An account may add its own active identifier again, and still has it once. A missing account gets none."""
        commit(store, added(AINO, "mine"), identifier_added("mine"))
        assert [one.identifier.key for one in store.account_identifiers(AINO)] == ["1:mine"]
        refuse(store, identifier_added("free", AccountId("nobody")), Precondition.ACCOUNT_MISSING)
        assert list(store.find(["1:free"])) == []

    def test_only_an_active_identifier_of_ones_own_is_retired(self, store: Store) -> None:
        """An identifier that is pending, retired, unknown or of another account cannot be retired."""
        commit(store, added(AINO, "mine"), added("b", "pending", identifier_status=IdentifierStatus.PENDING))
        for account_id, key in (("b", "1:mine"), ("b", "1:pending"), (AINO, "1:unknown"), (AINO, "1:MINE")):
            change = IdentifierRetired(AccountId(account_id), key, NOON)
            refuse(store, change, Precondition.IDENTIFIER_CHANGED)
        retiring = IdentifierRetired(AINO, "1:mine", NOON)
        commit(store, retiring)
        refuse(store, retiring, Precondition.IDENTIFIER_CHANGED)

    def test_an_erased_account_is_gone_and_its_identifiers_pass_to_nobody(self, store: Store) -> None:
        """After an erasure only tombstones are left, and everybody is refused an identifier that has one (GDPR 17)."""
        commit(store, added(AINO, "gone"), added("b"), opened("session"))
        (kept,) = identifier_added("gone").tombstones
        erasing = AccountErased(AINO, 0, (kept,), NOON)
        commit(store, erasing)
        assert store.load(AINO) is None
        assert store.find_session(digest("session")) is None
        assert list(store.find(["1:gone"])) == []
        assert list(store.account_identifiers(AINO)) == []
        refuse(store, erasing, Precondition.ACCOUNT_MISSING)
        refuse(store, identifier_added("gone", AccountId("b")), Precondition.IDENTIFIER_TAKEN)
        refuse(store, added("c", "gone", tombstones=(digest("x"), kept)), Precondition.IDENTIFIER_TAKEN)
        assert list(store.find(["1:gone"])) == []

    def test_an_account_of_another_epoch_is_not_erased(self, store: Store) -> None:
        """An erasure that names an earlier epoch is refused, so a change that came first is not erased unseen."""
        commit(store, added(AINO, "kept"), EpochAdvanced(AINO))
        refuse(store, AccountErased(AINO, 0, (), NOON), Precondition.EPOCH_CHANGED)
        assert len(list(store.find(["1:kept"]))) == 1
        commit(store, AccountErased(AINO, 1, (), NOON))
        assert store.load(AINO) is None

    def test_an_identifier_that_is_let_go_is_free(self, store: Store) -> None:
        """Without a tombstone an erased account's identifier is free. Two erasures may leave the same tombstone."""
        commit(store, added(AINO, "free"), AccountErased(AINO, 0, (), NOON))
        commit(store, added("b", "free", tombstones=identifier_added("free").tombstones))
        commit(store, AccountErased(AccountId("b"), 0, (digest("one"), digest("two")), NOON))
        commit(store, added("c"), AccountErased(AccountId("c"), 0, (digest("one"),), NOON))

    def test_a_retired_identifier_can_be_released(self, store: Store) -> None:
        """Only a retired identifier of the named account is released; then another account may take it."""
        commit(store, added(AINO, "old", "used"), added("b"), IdentifierRetired(AINO, "1:old", NOON))
        for account_id, key in ((AccountId("b"), "1:old"), (AINO, "1:used"), (AINO, "1:OLD"), (AINO, "1:unknown")):
            refuse(store, IdentifierReleased(account_id, key), Precondition.IDENTIFIER_CHANGED)
        refuse(store, identifier_added("old", AccountId("b")), Precondition.IDENTIFIER_TAKEN)
        commit(store, IdentifierReleased(AINO, "1:old"))
        assert [one.identifier.key for one in store.account_identifiers(AINO)] == ["1:used"]
        commit(store, identifier_added("old", AccountId("b")))
        assert [match.account.id for match in store.find(["1:old"])] == ["b"]
        refuse(store, IdentifierReleased(AINO, "1:old"), Precondition.IDENTIFIER_CHANGED)

    def test_a_tombstone_can_be_released(self, store: Store) -> None:
        """Once released, an erased account's identifier is free; a tombstone that is not stored is refused."""
        (kept,) = identifier_added("gone").tombstones
        commit(store, added(AINO, "gone"), added("b"), AccountErased(AINO, 0, (kept,), NOON))
        assert store.has_tombstone((digest("x"), kept))
        assert not store.has_tombstone((digest("x"),))
        assert not store.has_tombstone(())
        for others in ((), (digest("x"),)):
            refuse(store, TombstonesReleased(others), Precondition.IDENTIFIER_CHANGED)
        commit(store, TombstonesReleased((digest("x"), kept)))
        assert not store.has_tombstone((kept,))
        commit(store, identifier_added("gone", AccountId("b")))
        refuse(store, TombstonesReleased((kept,)), Precondition.IDENTIFIER_CHANGED)

    def test_accounts_are_found_by_their_contact(self, store: Store) -> None:
        """Every account with the contact is found, in capitals or not, and none whose contact was changed since."""
        commit(store, added(AINO, contact="Office@example.com"), added("b", contact="office@example.com"), added("c"))
        found = store.find_by_contact(contact_key("OFFICE@example.com"))
        assert {one.id for one in found} == {AINO, "b"}
        commit(store, ContactChanged(AINO, "aino@example.com"), ContactChanged(AccountId("b"), None))
        assert list(store.find_by_contact(contact_key("office@example.com"))) == []
        assert [one.id for one in store.find_by_contact(contact_key("Aino@example.com"))] == [AINO]

    def test_an_erased_accounts_links_are_gone(self, store: Store) -> None:
        """No link of an erased account stays."""
        commit(store, added(), TokenIssued(one_time_token("link")), AccountErased(AINO, 0, (), NOON))
        assert store.find_token(digest("link")) is None
