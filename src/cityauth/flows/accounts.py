"""Add, show, disable and enable accounts: what a host or customer service does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cityauth.core.accounts import Account, AccountId, Status, read_name
from cityauth.core.answers import Problem
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import (
    AccountAdded,
    Change,
    ContactChanged,
    EpochAdvanced,
    Precondition,
    Rejected,
    SessionsClosed,
    StatusChanged,
)
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.hashing import HashDefect
from cityauth.core.identifiers import Identifier, Malformed, inherit, register
from cityauth.core.mail import mail_address, read_contact
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, merge_own
from cityauth.core.secret import SecretStr
from cityauth.errors import UsageError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with, new_account_id
from cityauth.flows.hash_kinds import kind_of_hash
from cityauth.flows.identifiers import AccountRefused, find_holder
from cityauth.flows.mail import notify
from cityauth.flows.passwords import find_defect
from cityauth.messages import LANGUAGES, Mail
from cityauth.messages.codes import Code
from cityauth.policy.realms import Phase
from cityauth.ports.stores import AccountStore

_CONTACT_RACES = 5
"""How often a change of the contact may meet another one at the same moment."""

_PAIR = 2
"""The name of a kind and a text."""

_LONGEST_ID = 255
"""Characters of a host's own id. No other system has longer keys, and no id fills a table."""

_NAMELESS = {Code.NAME_EMPTY: Malformed.EMPTY, Code.NAME_TOO_LONG: Malformed.TOO_LONG}


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be added, in the host's words.

    Attributes:
        display_name: The person's name as shown.
        realm: One of the policy's realms.
        language: ``fi``, ``sv`` or ``en``.
        email: The e-mail address that signs in, registered by today's rules.
        contact: Where mail goes; by default *email*. Stored without outer blanks, its domain as A-labels.
        usernames: Old usernames. Each is accepted if it can be looked up, also where today's rules for new
            usernames would refuse it.
        retired_usernames: Old usernames that no longer sign in, and that nobody else can take.
        identifiers: Identifiers of the host's own kinds, each as the kind's name and the text, registered by
            the kind's rules: ``[("card", "2960 1234")]``.
        password_hash: A stored hash that the hasher can verify (`CityAuth.passwords.hash` makes one), or
            ``None``: nobody signs in until a password is set.
        phase: The account's own phase, or ``None`` for the realm's.
        id: The host's own id of the account, or ``None`` for a random one.
    """

    display_name: str
    realm: str = "citizen"
    language: str = "fi"
    email: str | None = None
    contact: str | None = None
    usernames: Sequence[str] = ()
    retired_usernames: Sequence[str] = ()
    identifiers: Sequence[tuple[str, str]] = ()
    password_hash: str | None = None
    phase: Phase | None = None
    id: str | None = None


AccountOutcome: TypeAlias = Account | AccountRefused


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as customer service sees it: with all its identifiers, whatever their status.

    Attributes:
        account: The account.
        account_identifiers: Its identifiers, oldest first.
        failures: How many sign-ins have failed in a row.
        password_disabled: Whether there were so many that the password no longer signs in, until a new one is set with
            a mailed link; see `cityauth.policy.ThrottlePolicy.password_disabled_after`.
    """

    account: Account
    account_identifiers: tuple[AccountIdentifier, ...]
    failures: int = 0
    password_disabled: bool = False


def add(deployment: Deployment, new: NewAccount, client: ClientContext = UNKNOWN_CLIENT) -> Flow[AccountOutcome]:
    """Add an account with all its identifiers, or nothing.

    Returns the account, or `AccountRefused`.

    Raises:
        UsageError: the realm is not in the policy, the language has no texts, one text stands where a list of
            usernames belongs, an identifier is of an unknown kind, the id or the phase is not valid, or the password
            hash cannot be verified here; `CityAuth.passwords.find_defect` says why.
    """
    if mistake := _mistake(deployment, new):
        raise UsageError(mistake)
    if new.password_hash is not None and (defect := (yield from find_defect(new.password_hash))):
        hint = "; a password is hashed by CityAuth.passwords.hash" if defect is HashDefect.UNKNOWN_SCHEME else ""
        raise UsageError(f"password_hash is no stored hash that could be verified: {defect}{hint}")
    name = read_name(new.display_name)
    if isinstance(name, Problem):
        why = _NAMELESS.get(name.code, Malformed.FORBIDDEN_CHARACTER)
        return AccountRefused(why, new.display_name, about="display_name")
    contact = None if new.contact is None else read_contact(new.contact, deployment.email)
    if isinstance(contact, Malformed):
        return AccountRefused(contact, new.contact or "", about="contact")
    read = _account_identifiers(deployment, new)
    if isinstance(read, AccountRefused):
        return read
    context = yield from begin(client)
    account_id = new.id or (yield from new_account_id())
    account = Account(
        id=AccountId(account_id),
        realm=new.realm,
        display_name=name,
        language=new.language,
        contact=contact or _login_address(read),
        phase=new.phase,
    )
    phase = deployment.resolver.phase_of(account, context.at)
    account_identifiers = merge_own(read, email_signs_in=phase.admits("email"))
    tombstones = tuple(
        digest for one in account_identifiers for digest in deployment.tombstones.digests(one.identifier)
    )
    secret = SecretStr(new.password_hash) if new.password_hash else None
    event = audit_event(AuditEventType.ACCOUNT_ADDED, context, account_id=account.id)
    kind = yield from kind_of_hash(deployment, secret)
    added = AccountAdded(account, account_identifiers, secret, context.at, tombstones, kind)
    outcome = yield from commit_with(event, [added])
    if isinstance(outcome, Rejected):
        return (yield from _why_refused(deployment, outcome.why, account_identifiers))
    return account


def _why_refused(
    deployment: Deployment, why: Precondition, wanted: Sequence[AccountIdentifier]
) -> Flow[AccountRefused]:
    """Name the identifier that is taken, and the account that has it."""
    if why is not Precondition.IDENTIFIER_TAKEN:
        return AccountRefused(why)
    for one in wanted:
        holder = yield from find_holder(one.identifier)
        if holder is not None:
            return AccountRefused(why, one.identifier.shown, holder.account.id)
    for one in wanted:
        if (yield from ask(AccountStore.has_tombstone, deployment.tombstones.digests(one.identifier))):
            return AccountRefused(why, one.identifier.shown)
    return AccountRefused(why)


def _mistake(deployment: Deployment, new: NewAccount) -> str:
    """Return what is wrong in *new* whatever is stored, as a sentence; empty when nothing is."""
    if new.realm not in deployment.policy.realms:
        return f"the realm {new.realm!r} is not in the policy"
    if new.language not in LANGUAGES:
        return f"the language {new.language!r} is none of {', '.join(LANGUAGES)}"
    if new.id is not None and not _is_id(new.id):
        return "an account's id is 1 to 255 printable characters, or None for a random one"
    phase: object = new.phase  # a host may not check its types
    if phase is not None and not isinstance(phase, Phase):
        return "the phase is a Phase, or None for the realm's"
    kinds = [kind.name for kind in deployment.resolver.kinds]
    pairs: Sequence[object] = new.identifiers
    if not all(isinstance(one, tuple) and len(one) == _PAIR and one[0] in kinds for one in pairs):
        return f"identifiers are pairs of a kind's name and a text; the kinds are {', '.join(kinds)}"
    lists: tuple[object, object] = (new.usernames, new.retired_usernames)
    if any(isinstance(names, str) for names in lists):
        return "usernames are a list of names, not one text: its letters would be taken for names"
    if not all(isinstance(names, Sequence) for names in lists):
        return "usernames are a list of names; it is empty where there is none"
    return ""


def _is_id(given: object) -> bool:
    return isinstance(given, str) and 0 < len(given) <= _LONGEST_ID and given.isprintable()


def _login_address(account_identifiers: Sequence[AccountIdentifier]) -> str | None:
    """Return the address that signs in, as mail is sent to it."""
    return next((mail_address(one.identifier) for one in account_identifiers if one.identifier.kind == "email"), None)


def _account_identifiers(deployment: Deployment, new: NewAccount) -> list[AccountIdentifier] | AccountRefused:
    """Read the new account's identifiers, or say which one is refused and why."""
    active, retired = IdentifierStatus.ACTIVE, IdentifierStatus.RETIRED
    wanted: list[tuple[str, str, Identifier | Malformed, IdentifierStatus]] = []
    if new.email is not None:
        wanted.append(("email", new.email, register(new.email, deployment.email), active))
    wanted += [("usernames", name, inherit(name), active) for name in new.usernames]
    wanted += [("retired_usernames", name, inherit(name), retired) for name in new.retired_usernames]
    kinds = {kind.name: kind for kind in deployment.resolver.kinds}
    wanted += [("identifiers", text, register(text, kinds[name]), active) for name, text in new.identifiers]
    account_identifiers: list[AccountIdentifier] = []
    for about, entered, identifier, status in wanted:
        if isinstance(identifier, Malformed):
            return AccountRefused(identifier, entered, about=about)
        account_identifiers.append(AccountIdentifier(identifier, status))
    return account_identifiers


def show(deployment: Deployment, account_id: AccountId) -> Flow[AccountRecord | None]:
    """Return the account with its identifiers, or ``None`` when there is none of that id."""
    account = yield from ask(AccountStore.load, account_id)
    if account is None:
        return None
    held = yield from ask(AccountStore.account_identifiers, account_id)
    keys = [one.identifier.key for one in held][:1]
    found = (yield from ask(AccountStore.find, keys)) if keys else ()
    failures = max((one.failures for one in found if one.account.id == account_id), default=0)
    disabled = failures >= deployment.policy.throttle.password_disabled_after
    return AccountRecord(account, tuple(held), failures, disabled)


def change_contact(
    deployment: Deployment, account_id: AccountId, contact: object, client: ClientContext = UNKNOWN_CLIENT
) -> Flow[AccountOutcome]:
    """Send mail to another address from now on, or with ``None`` to none. Every session and every mailed link ends.

    The address that the commit replaces gets a mail. Returns the account as it is then, or `AccountRefused` when there
    is no such account, *contact* is no address, or others changed the contact again and again at the same moment.
    """
    address = None if contact is None else read_contact(contact, deployment.email)
    if isinstance(address, Malformed):
        return AccountRefused(address, contact if isinstance(contact, str) else "", about="contact")
    context = yield from begin(client)
    event = audit_event(AuditEventType.CONTACT_CHANGED, context, account_id=account_id)
    for _ in range(_CONTACT_RACES):
        before = yield from ask(AccountStore.load, account_id)
        if before is None:
            return AccountRefused(Precondition.ACCOUNT_MISSING)
        former = [before.contact] if before.contact and before.contact != address else []
        changes: list[Change] = [
            ContactChanged(account_id, address, was=before.contact),
            EpochAdvanced(account_id),
            SessionsClosed(account_id),
            *notify(deployment, context, Mail.CONTACT_CHANGED, before, former),
        ]
        outcome = yield from commit_with(event, changes)
        if not isinstance(outcome, Rejected):
            account = yield from ask(AccountStore.load, account_id)
            return account if account is not None else AccountRefused(Precondition.ACCOUNT_MISSING)
        if outcome.why is not Precondition.CONTACT_CHANGED:
            return AccountRefused(outcome.why)
    return AccountRefused(Precondition.CONTACT_CHANGED)


def disable(account_id: AccountId, client: ClientContext = UNKNOWN_CLIENT) -> Flow[AccountOutcome]:
    """Disable the account and end all its sessions. Refused when it is disabled already or does not exist."""
    ending: list[Change] = [EpochAdvanced(account_id), SessionsClosed(account_id)]
    changed = StatusChanged(account_id, was=Status.ACTIVE, now=Status.DISABLED)
    return (yield from _set_status(changed, AuditEventType.ACCOUNT_DISABLED, ending, client))


def enable(account_id: AccountId, client: ClientContext = UNKNOWN_CLIENT) -> Flow[AccountOutcome]:
    """Enable a disabled account. Its old sessions stay ended. Refused when it is active or does not exist."""
    changed = StatusChanged(account_id, was=Status.DISABLED, now=Status.ACTIVE)
    return (yield from _set_status(changed, AuditEventType.ACCOUNT_ENABLED, [], client))


def _set_status(
    changed: StatusChanged, what: AuditEventType, ending: Sequence[Change], client: ClientContext
) -> Flow[AccountOutcome]:
    """Change the status by compare-and-set and return the account as it is then."""
    context = yield from begin(client)
    event = audit_event(what, context, account_id=changed.account_id)
    outcome = yield from commit_with(event, [changed, *ending])
    if isinstance(outcome, Rejected):
        return AccountRefused(outcome.why)
    account = yield from ask(AccountStore.load, changed.account_id)
    return account if account is not None else AccountRefused(Precondition.ACCOUNT_MISSING)
