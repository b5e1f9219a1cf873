"""What a store promises of identifiers: one namespace, compared byte for byte, and nothing passes on."""

from cityauth.core.account import AccountId
from cityauth.core.change import AccountErased, ClaimIssued, EpochAdvanced, IdentifierRetired, Precondition
from cityauth.core.resolution import Life
from cityauth.run.stores import Store
from cityauth.testing.samples import (
    AINO,
    NOON,
    added,
    claim,
    claimed,
    commit,
    digest,
    identifier,
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
"""Keys that a collation, a case folding or a normalization would take for one."""


class IdentifierContract:
    """Identifiers: unique over all kinds, kept in whatever life."""

    def test_keys_are_compared_byte_for_byte(self, store: Store) -> None:
        """Keys that look alike, or differ in case, accents or outer space, are as many identifiers (B-2)."""
        commit(store, *(added(f"id{number}", value) for number, value in enumerate(TWINS)))
        for number, value in enumerate(TWINS):
            assert [match.account.id for match in store.find([f"1:{value}"])] == [f"id{number}"]
        assert list(store.find(["1:JULIAN@CURE53.DE", "1:julian@cure53_de", "1:%"])) == []

    def test_several_keys_are_found_at_once(self, store: Store) -> None:
        """At most one match a key, whatever account holds it, also when a key is asked for twice."""
        commit(store, added("a", "a@example.com", "anna"), added("b", "bertil"))
        found = store.find(["1:anna", "1:bertil", "1:anna", "1:cecilia"])
        assert sorted((match.account.id, match.holding.identifier.key) for match in found) == [
            ("a", "1:anna"),
            ("b", "1:bertil"),
        ]

    def test_holdings_come_oldest_first(self, store: Store) -> None:
        """Identifiers come in the order in which they were added, in whatever life."""
        commit(store, added(AINO, "z", "a", "m"), claimed("b"), IdentifierRetired(AINO, "1:a", NOON))
        assert [(one.identifier.shown, one.life) for one in store.holdings(AINO)] == [
            ("z", Life.ACTIVE),
            ("a", Life.RETIRED),
            ("m", Life.ACTIVE),
            ("b", Life.ACTIVE),
        ]

    def test_every_life_is_kept(self, store: Store) -> None:
        """Pending, active, contested and retired identifiers are found as what they are."""
        for life in Life:
            commit(store, added(life.value, life.value, life=life))
        assert {match.holding.life for match in store.find([f"1:{life}" for life in Life])} == set(Life)

    def test_a_key_is_taken_once_over_all_kinds(self, store: Store) -> None:
        """A username that equals somebody's e-mail address is refused: there is one namespace (C-07, F5)."""
        commit(store, added(AINO, "a@example.com"))
        commit(store, added("b"))
        refuse(store, added("c", "c@example.com", "a@example.com"), Precondition.IDENTIFIER_TAKEN)
        refuse(store, claimed("a@example.com", AccountId("b"), kind="username"), Precondition.IDENTIFIER_TAKEN)
        refuse(store, added("d", "twice", "twice"), Precondition.IDENTIFIER_TAKEN)
        assert list(store.find(["1:c@example.com", "1:twice"])) == []
        assert [one.identifier.kind for one in store.holdings(AINO)] == ["email"]

    def test_a_retired_identifier_passes_to_nobody(self, store: Store) -> None:
        """A retired identifier stays its account's: refused to others, and given back to its own."""
        commit(store, added(AINO, "old"), added("b"), IdentifierRetired(AINO, "1:old", NOON))
        refuse(store, added("c", "old"), Precondition.IDENTIFIER_TAKEN)
        refuse(store, claimed("old", AccountId("b")), Precondition.IDENTIFIER_TAKEN)
        commit(store, claimed("old", kind="username"))
        (back,) = store.holdings(AINO)
        assert (back.identifier, back.life) == (identifier("old", "username"), Life.ACTIVE)

    def test_a_contested_identifier_is_given_to_nobody(self, store: Store) -> None:
        """What people must decide no commit decides, not even for its holder."""
        commit(store, added(AINO, "both", life=Life.CONTESTED))
        refuse(store, claimed("both"), Precondition.IDENTIFIER_TAKEN)
        assert store.holdings(AINO)[0].life is Life.CONTESTED

    def test_claiming_ones_own_identifier_again_changes_nothing(self, store: Store) -> None:
        """An active identifier may be claimed by its holder, and stays one; a missing account gets none."""
        commit(store, added(AINO, "mine"), claimed("mine"))
        assert [one.identifier.key for one in store.holdings(AINO)] == ["1:mine"]
        refuse(store, claimed("free", AccountId("nobody")), Precondition.ACCOUNT_MISSING)
        assert list(store.find(["1:free"])) == []

    def test_only_an_active_identifier_of_ones_own_is_retired(self, store: Store) -> None:
        """Another's, a pending, a retired or an unknown identifier cannot be retired."""
        commit(store, added(AINO, "mine"), added("b", "pending", life=Life.PENDING))
        for account_id, key in (("b", "1:mine"), ("b", "1:pending"), (AINO, "1:unknown"), (AINO, "1:MINE")):
            change = IdentifierRetired(AccountId(account_id), key, NOON)
            refuse(store, change, Precondition.IDENTIFIER_CHANGED)
        retiring = IdentifierRetired(AINO, "1:mine", NOON)
        commit(store, retiring)
        refuse(store, retiring, Precondition.IDENTIFIER_CHANGED)

    def test_an_erased_account_is_gone_and_its_identifiers_pass_to_nobody(self, store: Store) -> None:
        """Erasing leaves nothing but digests, and an identifier in the ledger is refused to everybody (GDPR 17)."""
        commit(store, added(AINO, "gone"), added("b"), opened("session"))
        kept = claimed("gone").ledger
        erasing = AccountErased(AINO, 0, (kept,), NOON)
        commit(store, erasing)
        assert store.load(AINO) is None
        assert store.find_session(digest("session")) is None
        assert list(store.find(["1:gone"])) == []
        assert list(store.holdings(AINO)) == []
        refuse(store, erasing, Precondition.ACCOUNT_MISSING)
        refuse(store, claimed("gone", AccountId("b")), Precondition.IDENTIFIER_TAKEN)
        refuse(store, added("c", "gone", ledger=(digest("x"), kept)), Precondition.IDENTIFIER_TAKEN)
        assert list(store.find(["1:gone"])) == []

    def test_an_account_of_another_epoch_is_not_erased(self, store: Store) -> None:
        """What was read before the epoch moved on erases nothing, so no change that came first is lost unseen."""
        commit(store, added(AINO, "kept"), EpochAdvanced(AINO))
        refuse(store, AccountErased(AINO, 0, (), NOON), Precondition.EPOCH_CHANGED)
        assert len(list(store.find(["1:kept"]))) == 1
        commit(store, AccountErased(AINO, 1, (), NOON))
        assert store.load(AINO) is None

    def test_an_identifier_that_is_let_go_is_free(self, store: Store) -> None:
        """Without a ledger entry an erased identifier may be registered again; two erasures may enter one digest."""
        commit(store, added(AINO, "free"), AccountErased(AINO, 0, (), NOON))
        commit(store, added("b", "free", ledger=(claimed("free").ledger,)))
        commit(store, AccountErased(AccountId("b"), 0, (digest("one"), digest("two")), NOON))
        commit(store, added("c"), AccountErased(AccountId("c"), 0, (digest("one"),), NOON))

    def test_an_erased_accounts_links_are_gone(self, store: Store) -> None:
        """No link of an erased account stays."""
        commit(store, added(), ClaimIssued(claim("link")), AccountErased(AINO, 0, (), NOON))
        assert store.find_claim(digest("link")) is None
