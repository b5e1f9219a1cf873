"""Throttling: the moments of uses, and failures in a row, by bucket."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cityauth.core.throttling import (
    MOST_AHEAD,
    Allowance,
    Attempts,
    Claim,
    Exhausted,
    Reserved,
    count_attempt,
    refund_attempt,
)
from cityauth.policy.throttling import Backoff, Limit
from cityauth.stores.memory.state import State

SWEEP_AFTER: Final = 1024
"""After at least this many counted uses, the store drops what no limit counts any more."""


def reserve(state: State, bucket: str, limits: Sequence[Limit], now: datetime) -> Allowance:
    """Count one more use, if all of *limits* allow it."""
    uses = state.uses.get(bucket, [])
    exhausted = _exhausted(uses, limits, now)
    if exhausted is not None:
        return exhausted
    state.uses[bucket] = [*uses, now]
    _remember(state, bucket, max((limit.window for limit in limits), default=timedelta()))
    _sweep_if_due(state, now)
    return Reserved()


def reserve_all(state: State, claims: Sequence[Claim], now: datetime) -> Allowance:
    """Count one more use for each of *claims*, if all of them allow it."""
    refused: list[datetime] = []
    counted: dict[str, Attempts] = {}
    used: dict[str, list[datetime]] = {}
    for claim in claims:
        outcome: Attempts | Exhausted | None
        if isinstance(claim.rule, Backoff):
            outcome = count_attempt(state.attempts.get(claim.bucket), claim.rule, claim.holder, now)
            if isinstance(outcome, Attempts):
                counted[claim.bucket] = outcome
        else:
            uses = state.uses.get(claim.bucket, [])
            outcome = _exhausted(uses, claim.rule, now)
            longest = max((limit.window for limit in claim.rule), default=None)
            kept = uses if longest is None else [at for at in uses if at > now - longest]
            used[claim.bucket] = [*kept, now]
        if isinstance(outcome, Exhausted):
            refused.append(outcome.retry_at)
    if refused:
        return Exhausted(max(refused))
    state.attempts.update(counted)
    state.uses.update(used)
    for claim in claims:
        windows = [limit.window for limit in claim.rule] if isinstance(claim.rule, tuple) else [claim.rule.memory]
        _remember(state, claim.bucket, max(windows, default=timedelta()))
    _sweep_if_due(state, now)
    return Reserved()


def refund(state: State, claims: Sequence[Claim], at: datetime, *, forget: bool) -> None:
    """Take back what was counted at *at*."""
    for claim in claims:
        if not isinstance(claim.rule, Backoff):
            uses = state.uses.get(claim.bucket, [])
            if at in uses:
                uses.remove(at)
            continue
        stored = state.attempts.get(claim.bucket)
        if forget and stored is not None and stored.holder == claim.holder:
            left = None
        else:
            left = refund_attempt(stored, claim.holder, at)
        if left is None:
            state.attempts.pop(claim.bucket, None)
        else:
            state.attempts[claim.bucket] = left


def purge(state: State, before: datetime) -> int:
    """Forget what is older than *before*, and return how much it was."""
    gone = 0
    for bucket, used in list(state.uses.items()):
        kept = [at for at in used if at >= before]
        gone += len(used) - len(kept)
        state.uses[bucket] = kept
        if not kept:
            del state.uses[bucket]
    old = [bucket for bucket, one in state.attempts.items() if one.free_at < before]
    for bucket in old:
        del state.attempts[bucket]
    return gone + len(old)


def _remember(state: State, bucket: str, span: timedelta) -> None:
    """Note for how long *bucket* counts, and that there is one more use."""
    state.remembered[bucket] = max(span, state.remembered.get(bucket, span))
    state.uses_until_sweep -= 1


def _sweep_if_due(state: State, now: datetime) -> None:
    """Drop what no limit counts any more, as soon as more was counted than the last sweep left.

    So each use costs little on average, and a flood leaves at most twice what still counts. What counts is never
    dropped, whoever fills the store.
    """
    if state.uses_until_sweep > 0:
        return
    for bucket, span in list(state.remembered.items()):
        kept = [at for at in state.uses.pop(bucket, ()) if at > now - span]
        if kept:
            state.uses[bucket] = kept
        attempts = state.attempts.get(bucket)
        if attempts is not None and attempts.free_at < now - span:
            del state.attempts[bucket]
        if bucket not in state.uses and bucket not in state.attempts:
            del state.remembered[bucket]
    left = sum(map(len, state.uses.values())) + len(state.attempts)
    state.uses_until_sweep = max(SWEEP_AFTER, left)


def _exhausted(uses: Sequence[datetime], limits: Sequence[Limit], now: datetime) -> Exhausted | None:
    """Return when one more use is allowed; ``None`` for now."""
    used = [at for at in uses if at <= now + MOST_AHEAD]
    counts = [sum(at > now - limit.window for at in used) for limit in limits]
    full = [limit for limit, count in zip(limits, counts, strict=True) if count >= limit.count]
    if not full:
        return None
    newest = sorted(used, reverse=True)
    last = [newest[limit.count - 1] if limit.count > 0 else now for limit in full]
    return Exhausted(max(at + limit.window for at, limit in zip(last, full, strict=True)))
