"""`StoreMachine`: any store against `MemoryStore`, over random histories. Needs the extra ``testing``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from cityauth.core.accounts import AccountId
from cityauth.core.changes import Change, EventRecorded, MailQueued, SessionOpened, TokenIssued, TokenUsed
from cityauth.core.mail import contact_key
from cityauth.core.signing import Purpose
from cityauth.errors import MissingExtraError
from cityauth.policy.throttling import Limit
from cityauth.ports.stores import Store
from cityauth.stores.memory import MemoryStore

try:
    from hypothesis import strategies as st
    from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
except ImportError:
    raise MissingExtraError("testing", "StoreMachine") from None

from cityauth.testing import histories
from cityauth.testing.samples import MINUTE, NOON, added, digest, identifier, identifier_added, one_time_token, opened

_key = attrgetter("account_identifier.identifier.key")
_digest = attrgetter("digest")


class StoreMachine(RuleBasedStateMachine):
    """Makes the same calls to a store and to `MemoryStore`, and compares every answer and everything that is stored.

    Subclass it with `make_store`; the subclass's ``TestCase`` is what pytest or unittest collects.
    """

    sessions: Bundle[str] = Bundle[str]("sessions")
    one_time_tokens: Bundle[str] = Bundle[str]("one_time_tokens")

    def __init__(self) -> None:
        """Make both stores, empty."""
        super().__init__()
        self.store: Store = self.make_store()
        self.model: Store = MemoryStore()
        self._names: set[str] = set()
        self._number = 0

    def make_store(self) -> Store:
        """Return an empty store; called once for each history. A subclass gives it."""
        raise NotImplementedError

    def _new(self, change: Change) -> bool:
        """Whether the id or digest in *change* is new to the store. Outside a test it is random, so always new."""
        match change:
            case SessionOpened(session=session):
                name = session.handle
            case TokenIssued(one_time_token=issued):
                name = f"token {issued.digest.hex()}"
            case MailQueued(mail=mail):
                name = f"mail {mail.id}"
            case _:
                return True
        known = name in self._names
        self._names.add(name)
        return not known

    @initialize()
    def begin(self) -> None:
        """Add an account, without which most changes are refused."""
        self._both(added(histories.ACCOUNTS[0], histories.VALUES[0]))

    @rule(changes=st.lists(histories.changes(), max_size=4), event=st.none() | histories.events())
    def commit(self, changes: Sequence[Change], event: EventRecorded | None) -> None:
        """Commit a few changes, sometimes under an event that was recorded before."""
        wanted: list[Change] = [change for change in changes if self._new(change)]
        if event is not None:
            wanted.append(event)
        self._both(*wanted)

    @rule(target=sessions, account_id=histories.account_ids, at=histories.moments, most=st.integers(1, 3))
    def open_session(self, account_id: AccountId, at: datetime, most: int) -> str:
        """Open a session as a sign-in does, in the account's present epoch."""
        name = self._next("session")
        self._both(opened(name, account_id, per_account=most, at=at, epoch=self._epoch(account_id)))
        return name

    @rule(name=sessions, at=histories.moments)
    def touch_session(self, name: str, at: datetime) -> None:
        """Touch a session, perhaps one that has ended."""
        self.store.touch_session(digest(name), at)
        self.model.touch_session(digest(name), at)
        assert self.store.find_session(digest(name)) == self.model.find_session(digest(name))

    @rule(target=one_time_tokens, account_id=histories.account_ids, at=histories.moments, alone=st.booleans())
    def issue_token(self, account_id: AccountId, at: datetime, *, alone: bool) -> str:
        """Issue a one-time token as a request for a link does."""
        name = self._next("token")
        new = one_time_token(name, account_id, epoch=self._epoch(account_id), issued_at=at, expires_at=at + 3 * MINUTE)
        self._both(TokenIssued(new, alone))
        return name

    @rule(name=one_time_tokens, at=histories.moments)
    def use_token(self, name: str, at: datetime) -> None:
        """Use a one-time token, perhaps one that was used before."""
        self._both(TokenUsed(digest(name), Purpose.RESET, at))

    def _next(self, kind: str) -> str:
        self._number += 1
        return f"{kind} {self._number}"

    def _epoch(self, account_id: AccountId) -> int:
        account = self.model.load(account_id)
        return account.epoch if account else 0

    def _both(self, *changes: Change) -> None:
        assert self.store.commit(changes) == self.model.commit(changes)

    @rule(before=histories.moments)
    def purge(self, before: datetime) -> None:
        """Purge everything that can be."""
        assert self.store.purge_sessions(before) == self.model.purge_sessions(before)
        assert self.store.purge_tokens(before) == self.model.purge_tokens(before)
        assert self.store.purge_throttle(before) == self.model.purge_throttle(before)

    @rule(now=histories.moments, span=histories.spans, most=st.integers(1, 3))
    def lease_mails(self, now: datetime, span: timedelta, most: int) -> None:
        """Lease mails."""
        assert list(self.store.lease_mails(now, now + span, most)) == list(
            self.model.lease_mails(now, now + span, most)
        )

    @rule(name=histories.names, until=histories.moments)
    def postpone_mail(self, name: str, until: datetime) -> None:
        """Postpone a mail, perhaps one that is not there."""
        self.store.postpone_mail(name, until)
        self.model.postpone_mail(name, until)

    @rule(name=histories.names)
    def drop_mail(self, name: str) -> None:
        """Drop a mail, perhaps one that is not there."""
        self.store.drop_mail(name)
        self.model.drop_mail(name)

    @rule(bucket=st.sampled_from("ab"), limits=st.lists(histories.limits, max_size=3), now=histories.moments)
    def reserve(self, bucket: str, limits: list[Limit], now: datetime) -> None:
        """Reserve a use under any number of limits."""
        assert self.store.reserve(bucket, limits, now) == self.model.reserve(bucket, limits, now)

    @invariant()
    def accounts_agree(self) -> None:
        """Accounts, identifiers, passwords, audit trails and sessions are the same in both stores."""
        for account_id in map(AccountId, histories.ACCOUNTS):
            assert self.store.load(account_id) == self.model.load(account_id)
            assert self.store.password_hash(account_id) == self.model.password_hash(account_id)
            assert list(self.store.account_identifiers(account_id)) == list(self.model.account_identifiers(account_id))
            assert list(self.store.events(account_id)) == list(self.model.events(account_id))
            listed, expected = self.store.list_sessions(account_id), self.model.list_sessions(account_id)
            assert [one.seen_at for one in listed] == [one.seen_at for one in expected]
            assert sorted(listed, key=_digest) == sorted(expected, key=_digest)  # ties come in any order

    @invariant()
    def lookups_agree(self) -> None:
        """Both stores find the same by each key and digest."""
        keys = [identifier(value).key for value in histories.VALUES]
        for key in keys:
            assert list(self.store.find([key])) == list(self.model.find([key]))
        for value in histories.VALUES:
            tombstones = identifier_added(value).tombstones
            assert self.store.has_tombstone(tombstones) == self.model.has_tombstone(tombstones)
        for contact in map(contact_key, histories.CONTACTS):
            held, expected = self.store.find_by_contact(contact), self.model.find_by_contact(contact)
            assert {one.id for one in held} == {one.id for one in expected}
        assert sorted(self.store.find(keys), key=_key) == sorted(self.model.find(keys), key=_key)
        for name in histories.NAMES:
            assert self.store.find_session(digest(name)) == self.model.find_session(digest(name))
            assert self.store.find_token(digest(name)) == self.model.find_token(digest(name))

    @invariant()
    def the_outbox_agrees(self) -> None:
        """The outboxes of both stores are the same."""
        assert self.store.outbox_status() == self.model.outbox_status()

    def teardown(self) -> None:
        """Compare the mails that are due at the end, and close the store if it can be closed."""
        end = NOON + 10_000 * MINUTE
        assert list(self.store.lease_mails(end, end, 99)) == list(self.model.lease_mails(end, end, 99))
        close = getattr(self.store, "close", None)
        if callable(close):
            close()
