"""What a store promises of accounts, of commits and of the audit trail."""

from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.changes import (
    AccountUnchanged,
    Change,
    Committed,
    ContactChanged,
    EpochAdvanced,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    ProfileChanged,
    Rejected,
    SessionClosed,
    StatusChanged,
)
from cityauth.core.identifiers import MAX_KEY_BYTES, Identifier
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.core.throttling import FailureCounted, FailuresCleared
from cityauth.policy.realms import Phase
from cityauth.ports.stores import Store
from cityauth.testing.samples import (
    AINO,
    HOSTILE,
    NEW_HASH,
    NOON,
    OLD_HASH,
    added,
    commit,
    digest,
    family,
    identifier,
    opened,
    queued,
    recorded,
    refuse,
    summed,
)

NOBODY = AccountId("nobody")


class AccountContract:
    """Accounts: found, loaded, and changed all or nothing."""

    def reopen(self, store: Store) -> Store:
        """Return a fresh store on what *store* has written; a store that outlives its process overrides this."""
        return store

    def test_nothing_is_found_in_an_empty_store(self, store: Store) -> None:
        """A look-up of what is not there returns nothing and raises nothing."""
        assert list(store.find(["1:a@example.com"])) == []
        assert list(store.find([])) == []
        assert list(store.find(["1:a", "1:b", "1:c"])) == []
        assert store.load(NOBODY) is None
        assert list(store.account_identifiers(NOBODY)) == []
        assert store.password_hash(NOBODY) is None
        assert list(store.events(NOBODY)) == []

    def test_an_account_comes_back_whole(self, store: Store) -> None:
        """An account is loaded and found with every field as it was added."""
        change = added(
            AINO,
            "a@example.com",
            realm="official",
            display_name="Aino Virtanen",
            language="sv",
            status=Status.DISABLED,
            epoch=7,
            contact="mail@example.com",
            phase=Phase.EMAIL_PREFERRED,
        )
        commit(store, change)
        store = self.reopen(store)
        assert store.load(AINO) == change.account
        (match,) = store.find(["1:a@example.com"])
        assert match.account == change.account
        assert match.account_identifier == AccountIdentifier(identifier("a@example.com"))
        assert match.password_hash == store.password_hash(AINO) == OLD_HASH

    def test_an_account_may_have_no_password_and_no_identifier(self, store: Store) -> None:
        """An account without a hash is not one with an empty hash."""
        commit(store, added("none", "n@example.com", password=None), added("empty", password=SecretStr("")))
        (match,) = store.find(["1:n@example.com"])
        assert match.password_hash is None
        assert store.password_hash(AccountId("none")) is None
        assert store.password_hash(AccountId("empty")) == SecretStr("")
        assert list(store.account_identifiers(AccountId("empty"))) == []

    def test_any_text_comes_back_as_it_went_in(self, store: Store) -> None:
        """Quotes, wildcards, line breaks, emoji and 256 characters are only text."""
        for number, text in enumerate(HOSTILE):
            account = Account(AccountId(f"id{number} {text}"), text, text, contact=text)
            held = AccountIdentifier(Identifier(text, text, f"1:{number}{text}"))
            change = replace(added(), account=account, account_identifiers=(held,), password_hash=SecretStr(text))
            happened = recorded(f"event{number}", account.id, reason=text, user_agent=text, detail={text: text})
            commit(store, change, happened, opened(number, account.id, user_agent=text, address=text))
            assert store.load(account.id) == account
            assert list(store.account_identifiers(account.id)) == [held]
            assert store.password_hash(account.id) == SecretStr(text)
            assert list(store.events(account.id)) == [happened.event]
            (session,) = store.list_sessions(account.id)
            assert (session.user_agent, session.address) == (text, text)

    def test_the_longest_key_is_found(self, store: Store) -> None:
        """A key of `MAX_KEY_BYTES` is kept whole: two keys that differ in the last byte are two keys."""
        long = "ä" * (MAX_KEY_BYTES // 2 - 2)
        commit(store, added("a", long + "a"), added("b", long + "b"))
        (match,) = store.find([f"1:{long}b"])
        assert match.account.id == "b"

    def test_an_id_is_taken_once(self, store: Store) -> None:
        """An account id that exists is refused, and the account stays as it was."""
        commit(store, added(AINO, "a@example.com"))
        refuse(store, added(AINO, "b@example.com", display_name="B"), Precondition.ACCOUNT_EXISTS)
        assert list(store.find(["1:b@example.com"])) == []
        assert store.load(AINO) == added().account

    def test_a_password_is_replaced_only_if_it_is_still_the_same(self, store: Store) -> None:
        """A rehash of a password that was changed meanwhile is refused."""
        commit(store, added())
        refuse(store, PasswordReplaced(AINO, was=NEW_HASH, now=NEW_HASH), Precondition.PASSWORD_CHANGED)
        refuse(store, PasswordReplaced(AINO, was=None, now=NEW_HASH), Precondition.PASSWORD_CHANGED)
        refuse(store, PasswordReplaced(NOBODY, was=None, now=NEW_HASH), Precondition.ACCOUNT_MISSING)
        commit(store, PasswordReplaced(AINO, was=OLD_HASH, now=NEW_HASH))
        assert store.password_hash(AINO) == NEW_HASH
        refuse(store, PasswordReplaced(AINO, was=OLD_HASH, now=OLD_HASH), Precondition.PASSWORD_CHANGED)

    def test_a_missing_password_is_a_value_to_compare_with(self, store: Store) -> None:
        """A change that expects no password is refused once the account has one."""
        commit(store, added(password=None))
        refuse(store, PasswordReplaced(AINO, was=OLD_HASH, now=NEW_HASH), Precondition.PASSWORD_CHANGED)
        commit(store, PasswordReplaced(AINO, was=None, now=NEW_HASH))
        assert store.password_hash(AINO) == NEW_HASH

    def test_a_password_is_set_whatever_it_was(self, store: Store) -> None:
        """A link sets the password of an account that exists."""
        commit(store, added(), PasswordSet(AINO, NEW_HASH))
        assert store.password_hash(AINO) == NEW_HASH
        refuse(store, PasswordSet(NOBODY, NEW_HASH), Precondition.ACCOUNT_MISSING)
        commit(store, PasswordSet(AINO, None))
        assert store.password_hash(AINO) is None
        refuse(store, PasswordSet(NOBODY, None), Precondition.ACCOUNT_MISSING)

    def test_a_status_is_compared_and_set(self, store: Store) -> None:
        """Disabling a disabled account is refused."""
        disabling = StatusChanged(AINO, Status.ACTIVE, Status.DISABLED)
        commit(store, added(), disabling)
        assert store.load(AINO) == replace(added().account, status=Status.DISABLED)
        refuse(store, disabling, Precondition.STATUS_CHANGED)
        refuse(store, StatusChanged(NOBODY, Status.ACTIVE, Status.DISABLED), Precondition.ACCOUNT_MISSING)

    def test_an_epoch_counts_up(self, store: Store) -> None:
        """Each advance of the epoch counts, also two in one commit."""
        commit(store, added(), EpochAdvanced(AINO), EpochAdvanced(AINO))
        assert store.load(AINO) == replace(added().account, epoch=2)
        refuse(store, EpochAdvanced(NOBODY), Precondition.ACCOUNT_MISSING)

    def test_contact_and_profile_change(self, store: Store) -> None:
        """A change of the profile sets contact, display name and language, and nothing else."""
        commit(store, added(), ContactChanged(AINO, "new@example.com"), ProfileChanged(AINO, "Aino V.", "en"))
        expected = replace(added().account, contact="new@example.com", display_name="Aino V.", language="en")
        assert store.load(AINO) == expected
        commit(store, ContactChanged(AINO, None))
        assert store.load(AINO) == replace(expected, contact=None)
        refuse(store, ContactChanged(NOBODY, None), Precondition.ACCOUNT_MISSING)
        refuse(store, ContactChanged(NOBODY, None, was=None), Precondition.ACCOUNT_MISSING)
        commit(store, ProfileChanged(AINO, display_name="Aino"), ProfileChanged(AINO, language="sv"))
        found = store.load(AINO)
        assert found is not None
        assert (found.display_name, found.language) == ("Aino", "sv")
        refuse(store, ProfileChanged(NOBODY, "", "fi"), Precondition.ACCOUNT_MISSING)

    def test_a_changed_contact_is_as_verified_as_the_change_says(self, store: Store) -> None:
        """A new contact counts as verified, unless the change says that nobody has proven it."""
        commit(store, added(contact="a@example.com", contact_verified=False))
        for verified in (True, False):
            commit(store, ContactChanged(AINO, f"{verified}@example.com", verified=verified))
            found = store.load(AINO)
            assert found is not None
            assert found.contact_verified is verified

    def test_an_account_that_changed_stops_the_commit(self, store: Store) -> None:
        """A commit that requires the account unchanged is refused after any change of it, and writes nothing."""
        account = added(contact="a@example.com", external_id="7").account
        commit(store, added(contact="a@example.com", external_id="7"), added("bare"))
        others: dict[str, Any] = {
            "realm": "official",
            "display_name": "B",
            "language": "sv",
            "status": Status.DISABLED,
            "epoch": 1,
            "contact": None,
            "phase": Phase.BOTH,
            "external_id": None,
            "contact_verified": False,
        }
        assert set(others) == {one.name for one in fields(Account)} - {"id"}
        for name, value in others.items():
            expected = AccountUnchanged(replace(account, **{name: value}))
            outcome = store.commit([expected, ProfileChanged(AINO, "Changed")])
            assert outcome == Rejected(expected, Precondition.ACCOUNT_CHANGED)
        refuse(store, AccountUnchanged(replace(account, id=NOBODY)), Precondition.ACCOUNT_MISSING)
        commit(store, AccountUnchanged(added("bare").account))
        commit(store, AccountUnchanged(account), ProfileChanged(AINO, "Changed"))
        assert store.load(AINO) == replace(account, display_name="Changed")
        refuse(store, AccountUnchanged(account), Precondition.ACCOUNT_CHANGED)

    def test_a_contact_is_replaced_only_if_it_is_still_there(self, store: Store) -> None:
        """A change that names the former contact is refused where another contact, or none, is stored."""
        commit(store, added(), ContactChanged(AINO, "old@example.com"))
        for wrong in ("other@example.com", "OLD@example.com", None):
            refuse(store, ContactChanged(AINO, "new@example.com", was=wrong), Precondition.CONTACT_CHANGED)
        commit(store, ContactChanged(AINO, None, was="old@example.com"))
        refuse(store, ContactChanged(AINO, "new@example.com", was="old@example.com"), Precondition.CONTACT_CHANGED)
        commit(store, ContactChanged(AINO, "new@example.com", was=None))
        found = store.load(AINO)
        assert found is not None
        assert found.contact == "new@example.com"

    def test_a_commit_applies_all_or_nothing(self, store: Store) -> None:
        """When one change is refused, the changes before it are undone and those after it are not made."""
        commit(store, added(AINO, "a@example.com"), opened("kept"))
        before = store.load(AINO)
        last = PasswordReplaced(AINO, was=NEW_HASH, now=NEW_HASH)
        outcome = store.commit(
            [
                added("other", "o@example.com"),
                ProfileChanged(AINO, "changed", "en"),
                EpochAdvanced(AINO),
                opened("new", epoch=1),
                SessionClosed(family("kept")),
                queued("mail"),
                recorded("event"),
                last,
                StatusChanged(AINO, Status.ACTIVE, Status.DISABLED),
            ]
        )
        assert outcome == Rejected(last, Precondition.PASSWORD_CHANGED)
        assert store.load(AccountId("other")) is None
        assert list(store.find(["1:o@example.com"])) == []
        assert store.load(AINO) == before
        assert [one.digest for one in store.list_sessions(AINO)] == [digest("kept")]
        assert store.outbox_status().waiting == 0
        assert list(store.events(AINO)) == []

    def test_a_commit_that_raises_writes_nothing(self, store: Store) -> None:
        """Where a change raises an error, the changes before it are undone."""
        commit(store, added())
        broken: list[Any] = [EpochAdvanced(AINO), recorded("event"), "no change at all"]
        with suppress(Exception):
            store.commit(broken)
        assert store.load(AINO) == added().account
        assert list(store.events(AINO)) == []

    def test_the_first_change_that_is_refused_is_named(self, store: Store) -> None:
        """Where two changes would be refused, the answer names the earlier one."""
        commit(store, added())
        first, second = EpochAdvanced(NOBODY), StatusChanged(AINO, Status.DISABLED, Status.ACTIVE)
        assert store.commit([first, second]) == Rejected(first, Precondition.ACCOUNT_MISSING)
        assert store.commit([second, first]) == Rejected(second, Precondition.STATUS_CHANGED)

    def test_changes_see_those_before_them(self, store: Store) -> None:
        """A commit is applied in order: a session may be opened in the account that was just added."""
        commit(store, added(), EpochAdvanced(AINO), opened("first", epoch=1))
        refuse(store, opened("second", epoch=0), Precondition.EPOCH_CHANGED)
        assert store.commit([]) == Committed()

    def test_a_commit_survives_reopening(self, store: Store) -> None:
        """After the store is opened again, everything that was committed is there."""
        commit(
            store,
            added(AINO, "a@example.com", identifier_status=IdentifierStatus.RETIRED),
            opened("here"),
            queued("mail"),
        )
        store = self.reopen(store)
        assert [match.account_identifier.status for match in store.find(["1:a@example.com"])] == [
            IdentifierStatus.RETIRED
        ]
        live = store.find_session(digest("here"))
        assert live is not None
        assert live.session.opened_at == NOON
        assert store.outbox_status().waiting == 1

    def test_the_trail_is_kept_in_order(self, store: Store) -> None:
        """Events come back with every field, the oldest first, and each account has its own."""
        commit(store, recorded("b", detail={"kind": "email", "phase": "both"}, identifier_hash="0123456789abcdef"))
        commit(store, recorded("a", address=None), recorded("other", NOBODY), recorded("unknown", None))
        assert [event.id for event in store.events(AINO)] == ["b", "a"]
        assert (
            store.events(AINO)[0]
            == recorded("b", detail={"kind": "email", "phase": "both"}, identifier_hash="0123456789abcdef").event
        )
        assert [event.id for event in store.events(NOBODY)] == ["other"]

    def test_events_are_summed_up(self, store: Store) -> None:
        """The first event of a sum is recorded as it is; later ones raise its count and change nothing else."""
        first, later = summed("sum", reason="first"), summed("sum", reason="later")
        commit(store, first, summed("sum", AINO))
        commit(store, recorded("event", None), later, later)
        assert store.commit([later, EpochAdvanced(NOBODY)]) != Committed(), "nothing is counted with what is refused"
        assert store.commit([recorded("event", None), later]) == Committed(), "committed before: nothing is counted"
        assert [event.detail for event in store.events(AINO)] == [{"count": "1"}]
        commit(store, summed("sum", AINO))
        assert store.events(AINO) == [replace(summed("sum", AINO).event, detail={"count": "2"})]

    def test_a_commit_that_is_repeated_is_applied_once(self, store: Store) -> None:
        """A commit whose outcome was lost may be repeated, and is answered as the first one would have been."""
        changes: list[Change] = [added(), EpochAdvanced(AINO), queued("mail"), recorded("event")]
        assert store.commit(changes) == Committed()
        assert store.commit(changes) == Committed()
        assert store.load(AINO) == replace(added().account, epoch=1)
        assert store.outbox_status().waiting == 1
        assert len(store.events(AINO)) == 1

    def test_a_commit_of_nobodys_is_recognised_too(self, store: Store) -> None:
        """A commit whose event names no account is applied once as well, however often it is repeated."""
        changes: list[Change] = [queued("mail"), recorded("event", None)]
        assert [store.commit(changes), store.commit(changes)] == [Committed(), Committed()]
        assert store.outbox_status().waiting == 1

    def test_a_commit_that_was_refused_may_be_repeated(self, store: Store) -> None:
        """The event of a refused commit is not recorded, so the store checks a repetition of it anew."""
        changes: list[Change] = [EpochAdvanced(AINO), recorded("event")]
        assert store.commit(changes) == Rejected(changes[0], Precondition.ACCOUNT_MISSING)
        commit(store, added())
        assert store.commit(changes) == Committed()
        assert store.load(AINO) == replace(added().account, epoch=1)

    def test_failures_are_counted_and_cleared(self, store: Store) -> None:
        """Each failure adds one; a clearance and a password that is set begin at nothing, another hash does not."""
        commit(store, added(AINO, "a@example.com"), FailureCounted(AINO, 100), FailureCounted(AINO, 100))
        assert [match.failures for match in store.find(["1:a@example.com"])] == [2]
        commit(store, FailuresCleared(AINO), FailureCounted(AINO, 100))
        assert [match.failures for match in store.find(["1:a@example.com"])] == [1]
        commit(store, PasswordSet(AINO, NEW_HASH))
        assert [match.failures for match in store.find(["1:a@example.com"])] == [0]
        commit(store, FailureCounted(AINO, 100), PasswordReplaced(AINO, NEW_HASH, OLD_HASH))
        assert [match.failures for match in store.find(["1:a@example.com"])] == [1]

    def test_one_failure_reaches_the_limit(self, store: Store) -> None:
        """Who counts must know whether the failure reaches the limit; what is refused is not counted."""
        commit(store, added(AINO, "a@example.com"), FailureCounted(AINO, 3), FailureCounted(AINO, 3))
        refuse(store, FailureCounted(AINO, 3), Precondition.FAILURES_CHANGED)
        commit(store, FailureCounted(AINO, 3, reaches=True))
        refuse(store, FailureCounted(AINO, 3, reaches=True), Precondition.FAILURES_CHANGED)
        commit(store, FailureCounted(AINO, 3))
        assert [match.failures for match in store.find(["1:a@example.com"])] == [4]

    def test_failures_of_nobody_are_no_refusal(self, store: Store) -> None:
        """A failure of an account that is not there, or of no account, is committed with the rest."""
        for account_id in (NOBODY, AccountId("")):
            for reaches in (True, False):
                commit(store, FailureCounted(account_id, 1, reaches), FailuresCleared(account_id))
