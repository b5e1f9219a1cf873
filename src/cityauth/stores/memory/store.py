"""The store itself: every method takes the lock, so that each is one moment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from threading import RLock
from typing import final

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEvent
from cityauth.core.changes import Change, CommitOutcome, Committed, EventRecorded, Rejected
from cityauth.core.check import StoreState
from cityauth.core.links import OneTimeToken
from cityauth.core.mail import OutboxStatus, QueuedMail, contact_key
from cityauth.core.migration import Migration, MigrationStep, StepState
from cityauth.core.population import ImportedPerson, KeyUse, PopulationRow
from cityauth.core.resolution import AccountIdentifier, Match
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession, Session, touched
from cityauth.core.throttling import Allowance, Claim
from cityauth.policy.mail import LONGEST_HOLD
from cityauth.policy.throttling import Limit
from cityauth.stores.memory import population, throttling
from cityauth.stores.memory.changes import APPLY
from cityauth.stores.memory.state import State, WaitingMail, event_key

_APPLY = {**APPLY, **population.APPLY}


@final
class MemoryStore:
    """Keeps everything in this process: for tests, first steps and the model that other stores are held to.

    Safe between threads. Nothing outlives the process.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._lock = RLock()
        self._state = State()

    # --- AccountStore -----------------------------------------------------------------------------

    def find(self, keys: Sequence[str]) -> Sequence[Match]:
        """See `AccountStore.find`."""
        with self._lock:
            state = self._state
            found = [state.holders[key] for key in dict.fromkeys(keys) if key in state.holders]
            rows = [(state.rows[account_id], account_identifier) for account_id, account_identifier in found]
            return [
                Match(row.account, account_identifier, row.password_hash, state.failures.get(row.account.id, 0))
                for row, account_identifier in rows
            ]

    def load(self, account_id: AccountId) -> Account | None:
        """See `AccountStore.load`."""
        with self._lock:
            row = self._state.rows.get(account_id)
            return row.account if row else None

    def account_identifiers(self, account_id: AccountId) -> Sequence[AccountIdentifier]:
        """See `AccountStore.account_identifiers`."""
        with self._lock:
            row = self._state.rows.get(account_id)
            return self._state.account_identifiers(row) if row else []

    def find_by_contact(self, key: str) -> Sequence[Account]:
        """See `AccountStore.find_by_contact`."""
        with self._lock:
            accounts = [row.account for row in self._state.rows.values()]
            return [one for one in accounts if one.contact is not None and contact_key(one.contact) == key]

    def has_tombstone(self, digests: Sequence[bytes]) -> bool:
        """See `AccountStore.has_tombstone`."""
        with self._lock:
            return any(digest in self._state.tombstones for digest in digests)

    def password_hash(self, account_id: AccountId) -> SecretStr | None:
        """See `AccountStore.password_hash`."""
        with self._lock:
            row = self._state.rows.get(account_id)
            return row.password_hash if row else None

    def events(self, account_id: AccountId) -> Sequence[AuditEvent]:
        """See `AccountStore.events`."""
        with self._lock:
            return [event for event in self._state.events.values() if event.account_id == account_id]

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """See `AccountStore.commit`."""
        with self._lock:
            state = self._state
            if any(type(one) is EventRecorded and event_key(one.event) in state.events for one in changes):
                return Committed()
            state.begin()
            try:
                for change in changes:
                    failed = _APPLY[type(change)](state, change)
                    if failed is not None:
                        state.undo()
                        return Rejected(change, failed)
            except BaseException:
                state.undo()
                raise
            return Committed()

    # --- PopulationStore --------------------------------------------------------------------------

    def read_population(self, after: str, most: int) -> Sequence[PopulationRow]:
        """See `PopulationStore.read_population`."""
        with self._lock:
            return population.read_population(self._state, after, most)

    def find_population(self, account_ids: Sequence[AccountId]) -> Sequence[PopulationRow]:
        """See `PopulationStore.find_population`."""
        with self._lock:
            return population.rows_of(self._state, account_ids)

    def find_key_uses(self, keys: Sequence[str]) -> Sequence[KeyUse]:
        """See `PopulationStore.find_key_uses`."""
        with self._lock:
            return population.find_key_uses(self._state, keys)

    def find_imported(self, external_ids: Sequence[str]) -> Sequence[ImportedPerson]:
        """See `PopulationStore.find_imported`."""
        with self._lock:
            return population.find_imported(self._state, external_ids)

    def list_migrations(self) -> Sequence[Migration]:
        """See `PopulationStore.list_migrations`."""
        with self._lock:
            return population.list_migrations(self._state)

    def read_steps(self, migration_id: str, state: StepState | None, after: str, most: int) -> Sequence[MigrationStep]:
        """See `PopulationStore.read_steps`."""
        with self._lock:
            return population.read_steps(self._state, migration_id, state, after, most)

    def read_step_keys(
        self, migration_id: str, state: StepState, after: str, most: int
    ) -> Sequence[tuple[AccountId, str | None]]:
        """See `PopulationStore.read_step_keys`."""
        with self._lock:
            return population.read_step_keys(self._state, migration_id, state, after, most)

    def read_outdated(self, migration_id: str, after: str, most: int) -> Sequence[MigrationStep]:
        """See `PopulationStore.read_outdated`."""
        with self._lock:
            return population.read_outdated(self._state, migration_id, after, most)

    def count_steps(self, migration_id: str) -> Mapping[StepState, int]:
        """See `PopulationStore.count_steps`."""
        with self._lock:
            return population.count_steps(self._state, migration_id)

    def account_steps(self, account_id: AccountId) -> Sequence[tuple[Migration, MigrationStep]]:
        """See `PopulationStore.account_steps`."""
        with self._lock:
            return population.account_steps(self._state, account_id)

    # --- HashCountStore ---------------------------------------------------------------------------

    def count_hash_kinds(self, most: int) -> Mapping[str, int]:
        """See `HashCountStore.count_hash_kinds`."""
        with self._lock:
            kinds = [
                row.hash_kind for row in self._state.rows.values() if row.hash_kind and row.password_hash is not None
            ]
            return dict(Counter(kinds).most_common(most))

    def read_hashes(self, hash_kind: str, after: str, most: int) -> Sequence[tuple[AccountId, SecretStr]]:
        """See `HashCountStore.read_hashes`."""
        with self._lock:
            found = [
                (account_id, row.password_hash)
                for account_id, row in self._state.rows.items()
                if account_id > after and row.hash_kind == hash_kind and row.password_hash is not None
            ]
            return sorted(found, key=lambda one: one[0].encode())[:most]

    # --- SessionStore -----------------------------------------------------------------------------

    def find_session(self, digest: bytes) -> LiveSession | None:
        """See `SessionStore.find_session`."""
        with self._lock:
            session = self._state.sessions.get(digest)
            return LiveSession(session, self._state.rows[session.account_id].account) if session else None

    def find_family(self, family: bytes) -> LiveSession | None:
        """See `SessionStore.find_family`."""
        with self._lock:
            found = next((one for one in self._state.sessions.values() if one.family == family), None)
            return LiveSession(found, self._state.rows[found.account_id].account) if found else None

    def list_sessions(self, account_id: AccountId) -> Sequence[Session]:
        """See `SessionStore.list_sessions`."""
        with self._lock:
            own = [one for one in self._state.sessions.values() if one.account_id == account_id]
            own.sort(key=lambda one: one.digest)
            return sorted(own, key=lambda one: one.seen_at, reverse=True)

    def touch_session(self, digest: bytes, at: datetime) -> None:
        """See `SessionStore.touch_session`."""
        with self._lock:
            session = self._state.sessions.get(digest)
            if session is not None and session.seen_at < at:
                self._state.sessions[digest] = touched(session, at)

    def purge_sessions(self, opened_before: datetime) -> int:
        """See `SessionStore.purge_sessions`."""
        with self._lock:
            sessions = self._state.sessions
            old = [digest for digest, one in sessions.items() if one.opened_at < opened_before]
            for digest in old:
                del sessions[digest]
            return len(old)

    # --- OneTimeTokenStore -------------------------------------------------------------------------------

    def find_token(self, digest: bytes) -> OneTimeToken | None:
        """See `OneTimeTokenStore.find_token`."""
        with self._lock:
            return self._state.one_time_tokens.get(digest)

    def purge_tokens(self, expired_before: datetime) -> int:
        """See `OneTimeTokenStore.purge_tokens`."""
        with self._lock:
            one_time_tokens = self._state.one_time_tokens
            old = [digest for digest, one in one_time_tokens.items() if one.expires_at < expired_before]
            for digest in old:
                del one_time_tokens[digest]
            return len(old)

    # --- OutboxStore ------------------------------------------------------------------------------

    def lease_mails(self, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
        """See `OutboxStore.lease_mails`."""
        with self._lock:
            mails = self._state.mails
            due = [one.mail for one in mails.values() if not now < one.due_at <= now + LONGEST_HOLD]
            for dummy in [mail for mail in due if not mail.to]:
                del mails[dummy.id]
            due = sorted((mail for mail in due if mail.to), key=lambda mail: (mail.queued_at, mail.id))
            taken = [replace(mail, attempts=mail.attempts + 1) for mail in due[:most]]
            mails.update({mail.id: WaitingMail(mail, until) for mail in taken})
            return taken

    def postpone_mail(self, mail_id: str, until: datetime) -> None:
        """See `OutboxStore.postpone_mail`."""
        with self._lock:
            waiting = self._state.mails.get(mail_id)
            if waiting is not None:
                self._state.mails[mail_id] = WaitingMail(waiting.mail, until)

    def drop_mail(self, mail_id: str) -> None:
        """See `OutboxStore.drop_mail`."""
        with self._lock:
            self._state.mails.pop(mail_id, None)

    def outbox_status(self) -> OutboxStatus:
        """See `OutboxStore.outbox_status`."""
        with self._lock:
            mails = [one.mail for one in self._state.mails.values() if one.mail.to]
            return OutboxStatus(
                waiting=len(mails),
                retrying=sum(mail.attempts > 0 for mail in mails),
                oldest=min((mail.queued_at for mail in mails), default=None),
            )

    # --- ThrottleStore ----------------------------------------------------------------------------

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve`."""
        with self._lock:
            return throttling.reserve(self._state, bucket, limits, now)

    def reserve_all(self, claims: Sequence[Claim], now: datetime) -> Allowance:
        """See `ThrottleStore.reserve_all`."""
        with self._lock:
            return throttling.reserve_all(self._state, claims, now)

    def refund(self, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
        """See `ThrottleStore.refund`."""
        with self._lock:
            throttling.refund(self._state, claims, at, forget=forget)

    def purge_throttle(self, before: datetime) -> int:
        """See `ThrottleStore.purge_throttle`."""
        with self._lock:
            return throttling.purge(self._state, before)

    # --- The audit trail ----------------------------------------------------------------------------

    def trail(self, limit: int | None = None) -> Sequence[AuditEvent]:
        """Return the audit trail of all accounts, oldest first; only its last *limit* lines when given."""
        with self._lock:
            events = list(self._state.events.values())
            return events if limit is None else events[max(len(events) - limit, 0) :]

    def inspect(self) -> StoreState:
        """See `cityauth.ports.InspectedStore.inspect`."""
        with self._lock:
            rows, events = self._state.rows.values(), self._state.events.values()
            return StoreState(
                newest_event=next((one.at for one in reversed(events)), None),
                oldest_session=min((one.opened_at for one in self._state.sessions.values()), default=None),
                realms=Counter(row.account.realm for row in rows),
                unknown_hashes=sum(row.password_hash is not None and not row.hash_kind for row in rows),
            )
