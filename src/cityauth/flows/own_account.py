"""A signed-in person's own account: change name and language, export all data, delete the account."""

from collections.abc import Mapping
from typing import Any

from cityauth.core.accounts import AccountId, read_name
from cityauth.core.answers import Done, Problem, Refused
from cityauth.core.audit import AuditEvent, AuditEventType, audit_event
from cityauth.core.changes import AccountErased, Change, ProfileChanged, Rejected
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.sessions import LiveSession, Session, is_fresh, require_live
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.links import identifiers_of
from cityauth.flows.mail import addresses_of, notify
from cityauth.flows.sessions import ENDED, check_again, still_live
from cityauth.messages import LANGUAGES, Mail
from cityauth.messages.codes import Code
from cityauth.ports.stores import AccountStore, SessionStore


def set_name(
    deployment: Deployment, live: LiveSession, display_name: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Done | Refused]:
    """Change the display name. Returns `Done`, or `Refused` for the name or when the session has ended.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    account_id = require_live(live).account.id
    name = read_name(display_name)
    if isinstance(name, Problem):
        return Refused(name)
    changed = ProfileChanged(account_id, display_name=name)
    return (yield from _set_profile(deployment, live, changed, Code.NAME_CHANGED, client))


def set_language(
    deployment: Deployment, live: LiveSession, language: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[Done | Refused]:
    """Change the language of pages and mails to one of `LANGUAGES`.

    Returns `Done`, or `Refused` for another language or when the session has ended.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    account_id = require_live(live).account.id
    if language not in LANGUAGES:
        return Refused(Problem(Code.REQUEST_FAILED))
    changed = ProfileChanged(account_id, language=str(language))
    return (yield from _set_profile(deployment, live, changed, Code.LANGUAGE_CHANGED, client))


def _set_profile(
    deployment: Deployment, live: LiveSession, changed: ProfileChanged, code: Code, client: ClientContext
) -> Flow[Done | Refused]:
    context = yield from begin(client)
    event = audit_event(AuditEventType.PROFILE_CHANGED, context, account_id=changed.account_id, reason=code.value)
    outcome = yield from commit_with(event, [still_live(deployment, live, context), changed])
    return ENDED if isinstance(outcome, Rejected) else Done(Problem(code))


def export(deployment: Deployment, live: LiveSession) -> Flow[Mapping[str, Any] | Refused]:
    """Return everything that is stored of the signed-in person, as `export_of_account` does.

    Returns `Refused` when the session has ended.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    current = yield from check_again(deployment, live)
    stored = None if current is None else (yield from export_of_account(current.account.id))
    return ENDED if stored is None else stored


def export_of_account(account_id: AccountId) -> Flow[Mapping[str, Any] | None]:
    """Return everything that is stored of the account, ready for JSON; ``None`` when there is none.

    Password hash, session digests and keyed digests are left out: they are secrets, not data about the
    person (GDPR article 15 asks for personal data). The reason of a request for an address is left out as well:
    it would say whether somebody else has that address.
    """
    account = yield from ask(AccountStore.load, account_id)
    if account is None:
        return None
    held = yield from ask(AccountStore.account_identifiers, account_id)
    sessions = yield from ask(SessionStore.list_sessions, account_id)
    events = yield from ask(AccountStore.events, account_id)
    return {
        "account": {
            "id": account.id,
            "realm": account.realm,
            "display_name": account.display_name,
            "language": account.language,
            "status": account.status.value,
            "contact": account.contact,
            "phase": account.phase.value if account.phase else None,
        },
        "identifiers": [
            {"kind": one.identifier.kind, "shown": one.identifier.shown, "status": one.status.value} for one in held
        ],
        "sessions": [_session(one) for one in sessions],
        "events": [_event(one) for one in events],
    }


def _session(one: Session) -> dict[str, Any]:
    return {
        "opened_at": one.opened_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
        "remembered": one.remembered,
        "signed_in_with": one.identifier_kind,
        "address": one.address,
        "user_agent": one.user_agent,
    }


_ABOUT_OTHERS = frozenset({AuditEventType.EMAIL_CHANGE_REQUESTED, AuditEventType.SIGN_UP_REQUESTED})
"""Events whose reason says whether somebody else has an address. The operator may know it, the person may not."""


def _event(one: AuditEvent) -> dict[str, Any]:
    return {
        "what": one.what.value,
        "at": one.at.isoformat(),
        "reason": "" if one.what in _ABOUT_OTHERS else one.reason,
        "address": one.address,
        "user_agent": one.user_agent,
    }


def delete(deployment: Deployment, live: LiveSession, client: ClientContext = UNKNOWN_CLIENT) -> Flow[Done | Refused]:
    """Erase the account with its identifiers, sessions and links, and mail its addresses a last time.

    Needs a fresh session. A tombstone of each identifier stays, so that none of them passes to another
    person; `Policy.keep_tombstones` switches this off. The host erases its own data of the account.

    Returns `Done`, or `Refused` when the session is not fresh (``reauth.required``) or has ended.

    Raises:
        UsageError: *live* is no `LiveSession`.
    """
    context = yield from begin(client)
    if (yield from check_again(deployment, live)) is None:
        return ENDED
    if not is_fresh(live.session, context.at, deployment.policy.sessions):
        return Refused(Problem(Code.REAUTH_REQUIRED))
    account = live.account
    held = yield from identifiers_of(account.id)
    kept = [deployment.tombstones.digest(one.identifier) for one in held] if deployment.policy.keep_tombstones else []
    changes: list[Change] = [
        still_live(deployment, live, context),
        AccountErased(account.id, account.epoch, tuple(kept), context.at),
        *notify(deployment, context, Mail.ACCOUNT_DELETED, account, addresses_of(account, held)),
    ]
    event = audit_event(AuditEventType.ACCOUNT_ERASED, context, account_id=account.id)
    outcome = yield from commit_with(event, changes)
    return ENDED if isinstance(outcome, Rejected) else Done(Problem(Code.ACCOUNT_DELETED))
