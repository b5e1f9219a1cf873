"""Which kinds of hashes the population has, and the wrapping of its weak ones.

A kind is named where a hash is written, and counted for the dummy hashes. Weak hashes of an import are wrapped in
Argon2id, so that none of them is left for whoever steals the database.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from cityauth.core.accounts import AccountId
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import Change, Committed, PasswordReplaced, Precondition
from cityauth.core.client import ClientContext
from cityauth.core.hash_kinds import StoredKind, WrapReport
from cityauth.core.hashing import HashMix
from cityauth.core.secret import SecretStr
from cityauth.errors import StoreError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with, new_account_id
from cityauth.policy.hashing import MOST_KINDS
from cityauth.ports.services import HashImporter
from cityauth.ports.stores import HashCountStore


def kind_of_hash(deployment: Deployment, stored: SecretStr | None) -> Flow[str]:
    """Return the kind of *stored* as a change names it: empty without a hash, or where the hasher cannot say it."""
    if stored is None or not deployment.describes_hashes:
        return ""
    kind = yield from ask(HashImporter.describe, stored.get_secret_value())
    return kind.sample if kind else ""


def current_mix(deployment: Deployment, now: datetime) -> Flow[HashMix]:
    """Return the mix of hashes from which a dummy is drawn now: the host's, or what the store counts.

    The store is asked at the first sign-in, and again by the first one after `cityauth.policy.hashing.MIX_MAX_AGE`.
    Every sign-in asks for the mix at the same place, also the one that needs no dummy, so a count says nothing of the
    identifier. Where nothing is counted yet, or the store cannot count now, the mix is the former one, and at first
    the policy's profile.
    """
    counted = deployment.counted_mix
    if counted is None:
        return deployment.hash_mix
    if not counted.is_due(now):
        return counted.mix or deployment.hash_mix
    if counted.mix is not None:  # others go on with the former mix meanwhile
        counted.counted_at = now
    try:
        kinds = yield from ask(HashCountStore.count_hash_kinds, MOST_KINDS)
    except StoreError:
        return counted.mix or deployment.hash_mix
    if kinds:
        models = yield from ask(HashImporter.models, tuple(kinds))
        counted.mix = HashMix(tuple(models), tuple(kinds.values()))
    else:
        counted.mix = deployment.hash_mix
    counted.counted_at = now
    return counted.mix


_PAGE: Final = 64
"""How many hashes are wrapped before they are written: a few seconds of work, which a crash loses at most."""

_ALL: Final = 1_000_000
"""More kinds than any store has."""

_CHANGED: Final = {Precondition.PASSWORD_CHANGED, Precondition.ACCOUNT_MISSING}
"""Somebody else was first."""

OnWrapped: TypeAlias = Callable[[WrapReport], object]
_Page: TypeAlias = Sequence[tuple[AccountId, SecretStr]]


def list_hash_kinds() -> Flow[list[StoredKind]]:
    """Return which kinds of hashes are stored, the most frequent first. Accounts without a hash do not count."""
    found = []
    counted = yield from ask(HashCountStore.count_hash_kinds, _ALL)
    for sample, accounts in counted.items():
        kind = yield from ask(HashImporter.describe, sample)
        weak = yield from ask(HashImporter.is_fast, sample)
        found.append(StoredKind(kind.format if kind else "unknown", kind.cost if kind else "", accounts, weak))
    return found


def wrap_weak_hashes(deployment: Deployment, on_progress: OnWrapped, client: ClientContext) -> Flow[WrapReport]:
    """Wrap every weak hash, a page in each commit; *on_progress* gets the report after each.

    Each hash is replaced only if it is still the one that was wrapped, so a sign-in or a new password wins. The work
    may stop at any moment and be begun again: what is wrapped is of another kind by then. Each run begins at a random
    account, so that two at once seldom do the same work.

    Raises:
        HasherBusyError: there is not enough memory now; what was wrapped before is written.
    """
    counted = yield from ask(HashCountStore.count_hash_kinds, _ALL)
    weak = []
    for sample in counted:
        if (yield from ask(HashImporter.is_fast, sample)):
            weak.append(sample)  # noqa: PERF401 - a comprehension cannot ask
    work = _Wrapping(deployment, sum(counted[sample] for sample in weak), client)
    middle = yield from new_account_id()
    for sample in weak:
        for after, last in ((middle, None), ("", middle)):
            yield from work.walk(sample, after, last, on_progress)
    return work.report()


class _Wrapping:
    """One run. It is a class because every page adds to its counts."""

    def __init__(self, deployment: Deployment, found: int, client: ClientContext) -> None:
        self._deployment = deployment
        self._client = client
        self._counts = Counter(found=found)

    def report(self) -> WrapReport:
        """Return the counts so far."""
        return WrapReport(**self._counts)

    def walk(self, sample: str, after: str, last: AccountId | None, on_progress: OnWrapped) -> Flow[None]:
        """Wrap the hashes of one kind from the account behind *after* to *last*, or to the end."""
        while page := (yield from ask(HashCountStore.read_hashes, sample, after, _PAGE)):
            after = page[-1][0]
            chosen = [one for one in page if last is None or one[0] <= last]
            yield from self._wrap(chosen)
            on_progress(self.report())
            if len(chosen) < len(page):
                return

    def _wrap(self, page: _Page) -> Flow[None]:
        """Wrap the hashes of a page and write them."""
        wrapped = yield from ask(HashImporter.wrap_all, [stored.get_secret_value() for _, stored in page])
        changes: list[Change] = []
        for (account_id, was), text in zip(page, wrapped, strict=True):
            if text is None:
                self._counts["left"] += 1
                continue
            now = SecretStr(text)
            changes.append(PasswordReplaced(account_id, was, now, (yield from kind_of_hash(self._deployment, now))))
        yield from self._write(changes)

    def _write(self, changes: list[Change]) -> Flow[None]:
        """Commit *changes* without those that somebody else has overtaken."""
        while changes:
            context = yield from begin(self._client)
            event = audit_event(AuditEventType.HASHES_WRAPPED, context, detail={"hashes": str(len(changes))})
            outcome = yield from commit_with(event, changes)
            if isinstance(outcome, Committed):
                self._counts["wrapped"] += len(changes)
                return
            changes.remove(outcome.change)
            self._counts["overtaken" if outcome.why in _CHANGED else "left"] += 1
