"""Stores with planted faults, by which the contract and the machine show that they find them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cityauth.core.accounts import AccountId
from cityauth.core.changes import (
    AccountAdded,
    AccountErased,
    Change,
    CommitOutcome,
    Committed,
    EventRecorded,
    IdentifierAdded,
    PasswordReplaced,
    PasswordSet,
    Precondition,
    Rejected,
    SessionOpened,
    TokenUsed,
)
from cityauth.core.throttling import Allowance, Exhausted, Reserved
from cityauth.policy.throttling import Limit
from cityauth.stores.memory import MemoryStore

PAUSE = 0.002
"""Long enough between a check and its write for another thread to get in."""


class Faulty:
    """A `MemoryStore` behind which a fault is planted."""

    def __init__(self) -> None:
        self.inner = MemoryStore()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        """Commit what `rewrite` makes of the changes."""
        return self.inner.commit([self.rewrite(change) for change in changes])

    def rewrite(self, change: Change) -> Change:
        """Leave the change as it is."""
        return change


class FoldsKeys(Faulty):
    """Compares keys as a collation without case and accents does."""

    def find(self, keys: Sequence[str]) -> Any:
        return self.inner.find([key.lower().strip() for key in keys])


class NotAtomic(Faulty):
    """Commits each change by itself."""

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        for change in changes:
            outcome = self.inner.commit([change])
            if outcome != Committed():
                return outcome
        return Committed()


class ForgetsWas(Faulty):
    """Sets a password without comparing."""

    def rewrite(self, change: Change) -> Change:
        return PasswordSet(change.account_id, change.now) if isinstance(change, PasswordReplaced) else change


class ChecksFirst(Faulty):
    """Checks, and then writes."""

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        for change in changes:
            match change:
                case PasswordReplaced():
                    if self.inner.password_hash(change.account_id) != change.was:
                        return Rejected(change, Precondition.PASSWORD_CHANGED)
                    time.sleep(PAUSE)
                    return self.inner.commit([PasswordSet(change.account_id, change.now)])
                case TokenUsed():
                    if self.inner.find_token(change.digest) is None:
                        return Rejected(change, Precondition.TOKEN_USED)
                    time.sleep(PAUSE)
                    self.inner.commit([change])
                    return self.inner.commit([one for one in changes if one is not change])
                case _:
                    pass
        return self.inner.commit(changes)


class LosesAdvances(Faulty):
    """Reads all, changes, writes all: the last writer wins."""

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        if len(changes) == 1:
            time.sleep(PAUSE)
            if self.__dict__.setdefault("busy", False):
                return Committed()
            self.busy = True
            outcome = self.inner.commit(changes)
            time.sleep(PAUSE)
            self.busy = False
            return outcome
        return self.inner.commit(changes)


class Applies(Faulty):
    """Applies a repeated commit again."""

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        return self.inner.commit([one for one in changes if not isinstance(one, EventRecorded)])


class KeepsEverySession(Faulty):
    """Never ends the oldest sessions."""

    def rewrite(self, change: Change) -> Change:
        return replace(change, per_account=9999) if isinstance(change, SessionOpened) else change


class RevivesSessions(Faulty):
    """Writes a session back whole when it is touched."""

    def find_session(self, digest: bytes) -> Any:
        return self.inner.find_session(digest) or self.__dict__.get("revived")

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        outcome = self.inner.commit(changes)
        for change in changes:
            if isinstance(change, SessionOpened):
                self.opened = change.session
        return outcome

    def touch_session(self, digest: bytes, at: datetime) -> None:
        self.inner.touch_session(digest, at)
        if self.inner.find_session(digest) is None:
            self.revived = self.opened


class TouchesBackward(Faulty):
    """Takes any touch for the last use."""

    def touch_session(self, digest: bytes, at: datetime) -> None:
        live = self.inner.find_session(digest)
        if live is not None:
            self.inner._state.sessions[digest] = replace(live.session, seen_at=at)


class CutsMicroseconds(Faulty):
    """Keeps moments to the second."""

    def rewrite(self, change: Change) -> Change:
        if not isinstance(change, SessionOpened):
            return change
        session = change.session
        cut = {
            name: moment.replace(microsecond=0)
            for name in ("opened_at", "seen_at", "verified_at")
            if (moment := getattr(session, name)) is not None
        }
        return replace(change, session=replace(session, **cut))


class OpensForAnyone(Faulty):
    """Opens a session of whatever epoch."""

    def rewrite(self, change: Change) -> Change:
        if isinstance(change, SessionOpened):
            account = self.inner.load(change.session.account_id)
            if account is not None:
                return replace(change, session=replace(change.session, epoch=account.epoch))
        return change


class NoTombstones(Faulty):
    """Lets an erased identifier pass to another person."""

    def rewrite(self, change: Change) -> Change:
        if isinstance(change, AccountErased):
            return replace(change, tombstones=())
        return change


class Truncates(Faulty):
    """Cuts a long key, as a narrow column does."""

    def rewrite(self, change: Change) -> Change:
        if isinstance(change, AccountAdded):
            held = tuple(
                replace(one, identifier=replace(one.identifier, key=one.identifier.key[:255]))
                for one in change.account_identifiers
            )
            return replace(change, account_identifiers=held)
        return change

    def find(self, keys: Sequence[str]) -> Any:
        return self.inner.find([key[:255] for key in keys])


class GivesAnothersBack(Faulty):
    """Takes an identifier from whoever holds it."""

    def rewrite(self, change: Change) -> Change:
        if isinstance(change, IdentifierAdded):
            self.inner._state.holders.pop(change.identifier.key, None)
            for account_id, row in list(self.inner._state.rows.items()):
                kept = tuple(key for key in row.keys if key != change.identifier.key)
                self.inner._state.rows[account_id] = replace(row, keys=kept)
        return change


class AnyPurpose(Faulty):
    """Takes a one-time token of one purpose for another's."""

    def rewrite(self, change: Change) -> Change:
        if isinstance(change, TokenUsed):
            one_time_token = self.inner.find_token(change.digest)
            return replace(change, purpose=one_time_token.purpose) if one_time_token else change
        return change


class PurgesAll(Faulty):
    """Purges what is alive, too."""

    def purge_tokens(self, expired_before: datetime) -> int:
        gone = len(self.inner._state.one_time_tokens)
        self.inner._state.one_time_tokens.clear()
        return gone

    def purge_sessions(self, opened_before: datetime) -> int:
        gone = len(self.inner._state.sessions)
        self.inner._state.sessions.clear()
        return gone


class LeasesTwice(Faulty):
    """Hands a mail to whoever asks."""

    def lease_mails(self, now: datetime, until: datetime, most: int) -> Any:
        return self.inner.lease_mails(now, now, most)


class ShowsDummies(Faulty):
    """Counts the mails that nobody gets."""

    def outbox_status(self) -> Any:
        return replace(self.inner.outbox_status(), waiting=len(self.inner._state.mails))


class CountsAfter(Faulty):
    """Counts a use after it was allowed."""

    def reserve(self, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
        used = list(self.inner._state.uses.get(bucket, ()))
        for limit in limits:
            if sum(at > now - limit.window for at in used) >= limit.count:
                return Exhausted(now + limit.window)
        time.sleep(PAUSE)
        self.inner._state.uses.setdefault(bucket, []).append(now)
        return Reserved()


class TornReads(Faulty):
    """Shows a commit half done."""

    def commit(self, changes: Sequence[Change]) -> CommitOutcome:
        for change in changes:
            self.inner.commit([change])
            time.sleep(PAUSE)
        return Committed()

    def load(self, account_id: AccountId) -> Any:
        time.sleep(PAUSE)
        return self.inner.load(account_id)
