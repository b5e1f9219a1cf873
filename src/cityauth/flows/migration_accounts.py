"""What a plan reads of one account: its address, its identifiers, and who else has them."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from cityauth.core.accounts import AccountId
from cityauth.core.email import canonical_address
from cityauth.core.identifiers import EMAIL, KEY_VERSION, USERNAME, Identifier, Malformed, register
from cityauth.core.import_row import is_for_mail_alone
from cityauth.core.population import KeyUse, PopulationRow, SourceRecord
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.ports.stores import PopulationStore

PAGE: Final = 500
"""Accounts that are read at once: an event loop is held no longer than they take."""

_PRESENT: Final = f"{KEY_VERSION}:"

Uses: TypeAlias = Mapping[str, Sequence[KeyUse]]
"""For each key that was looked up: who has it."""


class PlannedAccount(NamedTuple):
    """One account, with what its line is made of.

    Attributes:
        row: The account.
        contact: Its address on file, if that passes the rules.
        own: Its own identifier of that address, whatever its kind and status.
        email: Its active e-mail identifier: the one of the contact, or else the oldest.
        usernames: The keys of its usernames.
        others: The keys of its other identifiers that are not the contact's, and whether they are active.
        mail_alone: What the last import said, where it gave the contact for mail alone; else ``None``.
    """

    row: PopulationRow
    contact: Identifier | None
    own: AccountIdentifier | None
    email: AccountIdentifier | None
    usernames: Sequence[str]
    others: Mapping[str, bool]
    mail_alone: SourceRecord | None = None

    @property
    def address(self) -> Identifier | None:
        """The address that signs in or is to sign in."""
        if self.email is not None:
            return self.email.identifier
        return self.contact if self.mail_alone is None else None


def read_account(row: PopulationRow, deployment: Deployment, mail_alone: SourceRecord | None = None) -> PlannedAccount:
    """Pick the address and the identifiers of one account."""
    contact = _contact_of(row, deployment)
    key = None if contact is None else contact.key
    own = email = None
    usernames: list[str] = []
    others: dict[str, bool] = {}
    for held in row.account_identifiers:
        identifier = held.identifier
        is_own = identifier.key == key
        if is_own:
            own = held
        if identifier.kind == USERNAME.name:
            usernames.append(identifier.key)
            continue
        is_active = held.status is IdentifierStatus.ACTIVE
        if not is_own:
            others[identifier.key] = is_active
        if identifier.kind == EMAIL.name and is_active and (email is None or is_own):
            email = held
    return PlannedAccount(row, contact, own, email, usernames, others, mail_alone)


def _contact_of(row: PopulationRow, deployment: Deployment) -> Identifier | None:
    """The contact as an identifier. The key in the store makes a second check of a plain address unnecessary."""
    contact = row.account.contact
    if contact is not None and has_plain_contact(row):
        return Identifier(EMAIL.name, contact, row.contact_key)
    return address_of(contact, deployment)


def has_plain_contact(row: PopulationRow) -> bool:
    """Whether the contact passes the rules for new addresses because its key says that it is an address."""
    return row.contact_key.startswith(_PRESENT) and _is_plain(row.account.contact or "")


def _is_plain(address: str) -> bool:
    """Whether the rules for new addresses add nothing to those for looking up."""
    return address.isascii() and "xn--" not in address


def address_of(contact: str | None, deployment: Deployment) -> Identifier | None:
    """Return the contact as the identifier that it would be, or ``None`` when there is none that passes the rules."""
    if contact is None:
        return None
    if _is_plain(contact):
        value = canonical_address(contact)
        return None if value is None else Identifier(EMAIL.name, contact, f"{KEY_VERSION}:{value}")
    identifier = register(contact, deployment.email)
    return None if isinstance(identifier, Malformed) else identifier


def find_mail_alone(rows: Sequence[PopulationRow]) -> Flow[Mapping[AccountId, SourceRecord]]:
    """Return what the last import said of those accounts whose contact it gave for mail alone."""
    ids = [row.account.external_id for row in rows if row.has_source_contact and row.account.external_id is not None]
    if not ids:
        return {}
    found = yield from ask(PopulationStore.find_imported, ids)
    return {
        one.row.account.id: one.source
        for one in found
        if one.source is not None and is_for_mail_alone(one.row.account, one.source)
    }


def find_uses(keys: Collection[str]) -> Flow[Uses]:
    """Return who has each of *keys*, asked for some hundreds at a time."""
    found: defaultdict[str, list[KeyUse]] = defaultdict(list)
    wanted = sorted(keys)
    for first in range(0, len(wanted), PAGE):
        for use in (yield from ask(PopulationStore.find_key_uses, wanted[first : first + PAGE])):
            found[use.key].append(use)
    return found


def keys_of(seen: PlannedAccount) -> list[str]:
    """The keys whose other users are looked up: those that the store has marked, and addresses beside the contact."""
    row = seen.row
    keys = list(seen.others)
    if row.address_used or row.address_is_username:
        keys.append(row.contact_key)
    if row.username_is_address:
        keys += seen.usernames
    return keys


def partners_of(seen: PlannedAccount, uses: Uses) -> list[KeyUse]:
    """The uses that other accounts make of what this account has."""
    own_id = seen.row.account.id
    keys = dict.fromkeys(keys_of(seen)) if uses else ()
    return [use for key in keys for use in uses.get(key, ()) if use.account_id != own_id]


def address_on_file(seen: PlannedAccount, deployment: Deployment) -> str | None:
    """The address on file, also one that passes no rule.

    What the last import said counts only where it passes no rule: an address that passes was taken off the account
    later.
    """
    account, on_file = seen.row.account, seen.row.email_on_file
    if account.contact is not None and seen.mail_alone is None:
        return account.contact
    if seen.email is not None:
        return seen.email.identifier.shown
    if seen.mail_alone is not None:
        on_file = seen.mail_alone.email
    passes = not isinstance(register(on_file, deployment.email), Malformed)
    return None if passes or not on_file else on_file


def has_username(row: PopulationRow) -> bool:
    """Whether a username of the account is active."""
    for held in row.account_identifiers:
        if held.status is IdentifierStatus.ACTIVE and held.identifier.kind == USERNAME.name:
            return True
    return False


def domain_of(key: str) -> str:
    """Return the domain of the address with that *key*, as the DNS knows it."""
    return key.rpartition("@")[2]


def normalized_name(name: str) -> str:
    """Return a person's name for comparing: without case, order of its words, and what is no letter."""
    words = "".join(char if char.isalnum() else " " for char in unicodedata.normalize("NFKC", name).casefold()).split()
    return " ".join(sorted(words))


def dependencies_of(row: PopulationRow, mail_alone: SourceRecord | None) -> str:
    """Return everything that an account's line depends on, as one text."""
    account = row.account
    text = (
        f"{account.id}\x1f{account.external_id}\x1f{account.realm}\x1f{account.status}\x1f{account.contact}\x1f"
        f"{account.phase}\x1f{row.email_on_file}\x1f{row.address_used}{row.address_is_username}{row.username_is_address}"
    )
    for held in row.account_identifiers:
        text += f"\x1f{held.identifier.kind}={held.status}={held.identifier.key}"
    if mail_alone is not None:
        text += f"\x1fmail alone={mail_alone.email}"
    return text
