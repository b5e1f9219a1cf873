"""What a newer export changes for a person who was imported before: three values of each column are compared.

They are the source's now, the source's at the last import, and the account's. What only the source has changed is taken
over. What the person, or customer service, has changed here stays. What both have changed is for people to decide.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hmac import compare_digest
from typing import Final, NamedTuple

from cityauth.core.accounts import Account, Status
from cityauth.core.changes import (
    AccountUnchanged,
    Change,
    ContactChanged,
    EpochAdvanced,
    IdentifierAdded,
    IdentifierRetired,
    PasswordReplaced,
    ProfileChanged,
    SessionsClosed,
    StatusChanged,
    TokensRevoked,
)
from cityauth.core.identifiers import Identifier, IdentifierKind
from cityauth.core.import_fault import ImportFault, RowFault
from cityauth.core.import_row import SourcePerson, address_on_file
from cityauth.core.population import ImportedPerson, SourceRecord, SourceRecorded
from cityauth.core.resolution import IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Purpose

_LINKS_TO_CONTACT: Final = (Purpose.RESET, Purpose.INVITATION)
"""The links that a former mailbox must not use any more."""


class Incoming(NamedTuple):
    """A person of the newer export, ready to be compared.

    A named tuple, because an import makes a million of them.

    Attributes:
        person: The row.
        password_hash: The stored hash as it would be kept, or ``None``.
        at: When it is imported.
        verified: Whether the older system has verified the addresses.
        email: The e-mail kind by whose rules addresses are read.
        hash_kind: The `HashKind.sample` of the stored hash; empty if it is not known.
    """

    person: SourcePerson
    password_hash: SecretStr | None
    at: datetime
    verified: bool
    email: IdentifierKind
    hash_kind: str = ""


@dataclass(slots=True)
class Difference:
    """What a newer export means for one person.

    Attributes:
        changes: What to commit; empty if there is nothing to write.
        faults: What people must decide.
    """

    changes: list[Change] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


def source_record(incoming: Incoming, account: Account) -> SourceRecord:
    """Return what the source says now, as it is kept for the next import."""
    person = incoming.person
    return SourceRecord(
        person.external_id,
        account.id,
        person.username.shown if person.username else "",
        person.email,
        person.contact,
        person.display_name,
        person.language,
        person.status.value,
        digest_of(incoming.password_hash),
        incoming.at,
    )


def digest_of(password_hash: SecretStr | None) -> str:
    """Return the digest by which the next import sees whether the stored hash is another one; empty without a hash."""
    return hashlib.sha256(password_hash.get_secret_value().encode()).hexdigest() if password_hash else ""


def is_password_compared(incoming: Incoming, known: ImportedPerson) -> bool:
    """Whether the source has another stored hash than at the last import, and the account has another one too."""
    then = known.source.hash_digest if known.source else ""
    return not compare_digest(digest_of(incoming.password_hash), then) and not compare_digest(
        digest_of(known.password_hash), then
    )


def is_renamed(incoming: Incoming, known: ImportedPerson) -> bool:
    """Whether the source has another username than at the last import."""
    said = incoming.person.username.shown if incoming.person.username else ""
    return known.source is not None and said != known.source.username


def compare(
    incoming: Incoming, known: ImportedPerson, *, tombstones: tuple[bytes, ...] = (), wrapped: bool = False
) -> Difference:
    """Compare the source now, the source at the last import and the account.

    *tombstones* are those that a new username may have.

    *wrapped* says that the account's hash is the imported one inside a stronger one: nobody has changed it here.

    A column that is left to people keeps its former value in the source record, so that the next import names it again.
    A commit of the changes is refused if the account is changed meanwhile.
    """
    then, account = known.source, known.row.account
    if then is None:
        return Difference(faults=[RowFault(ImportFault.EXTERNAL_ID_TAKEN, "external_id")])
    if incoming.person.realm != account.realm:
        return Difference(faults=[RowFault(ImportFault.DELTA_REALM, "realm")])
    comparison = _Comparison(incoming, known, then, tombstones, wrapped=wrapped)
    comparison.run()
    found = comparison.found
    if comparison.now != then:
        record = replace(comparison.now, imported_at=incoming.at)
        guard: list[Change] = [AccountUnchanged(account)] if found.changes else []
        found.changes = [*guard, *found.changes, SourceRecorded(record)]
    return found


class _Comparison:
    """Compares one person column by column. It is a class because each column adds changes, faults and a record."""

    def __init__(
        self,
        incoming: Incoming,
        known: ImportedPerson,
        then: SourceRecord,
        tombstones: tuple[bytes, ...],
        *,
        wrapped: bool,
    ) -> None:
        self._tombstones = tombstones
        self._wrapped = wrapped
        self.found = Difference()
        self._incoming = incoming
        self._known = known
        self._account = known.row.account
        self._then = then
        self._said = source_record(incoming, self._account)
        self.now = replace(self._said, imported_at=then.imported_at)
        """The record to keep: what the source says now, but for the columns that are left to people."""

    def run(self) -> None:
        """Compare every column."""
        self._profile()
        self._address()
        self._username()
        self._status()
        self._password()

    def _leave(self, code: ImportFault, column: str, *fields: str) -> None:
        """Leave a column to people: the record keeps what the source said before."""
        self.found.faults.append(RowFault(code, column))
        former = {name: getattr(self._then, name) for name in fields or (column,)}
        self.now = replace(self.now, **former)

    def _profile(self) -> None:
        for column in ("display_name", "language"):
            said, then = getattr(self._said, column), getattr(self._then, column)
            here = getattr(self._account, column)
            if said in {then, here}:
                continue
            if here != then:
                self._leave(ImportFault.DELTA_BOTH_CHANGED, column)
            elif column == "language":
                self.found.changes.append(ProfileChanged(self._account.id, language=said))
            else:
                self.found.changes.append(ProfileChanged(self._account.id, display_name=said))

    def _address(self) -> None:
        said, then, here = self._said, self._then, self._account.contact
        if (said.email, said.contact) == (then.email, then.contact):
            return
        column = "email" if said.email != then.email else "contact"
        new = self._incoming.person.address
        kind = self._incoming.email
        former = address_on_file(then.email, then.contact, kind)
        was_email = former is not None and former == address_on_file(then.email, "", kind)
        is_lost = was_email and not said.email
        if new in {former, here} and not is_lost:
            return
        if here != former:
            self._leave(ImportFault.DELTA_BOTH_CHANGED, column, "email", "contact")
        elif new is None or is_lost:
            self._leave(ImportFault.DELTA_REMOVED, column, "email", "contact")
        elif self._signs_in_by_email():
            self._leave(ImportFault.DELTA_SIGNS_IN, column, "email", "contact")
        else:
            account_id = self._account.id
            self.found.changes.append(ContactChanged(account_id, new, verified=self._incoming.verified))
            self.found.changes += [TokensRevoked(account_id, purpose, 0) for purpose in _LINKS_TO_CONTACT]

    def _signs_in_by_email(self) -> bool:
        return any(one.kind == "email" for one in self._active())

    def _active(self) -> Iterator[Identifier]:
        held = self._known.row.account_identifiers
        return (one.identifier for one in held if one.status is IdentifierStatus.ACTIVE)

    def _username(self) -> None:
        said, then, new = self._said.username, self._then.username, self._incoming.person.username
        names = {one.shown: one for one in self._active() if one.kind == "username"}
        if said == then or (new and any(one.key == new.key for one in self._active())):
            return
        if new is None:
            self._leave(ImportFault.DELTA_REMOVED, "username")
        elif set(names) != ({then} if then else set()):
            self._leave(ImportFault.DELTA_BOTH_CHANGED, "username")
        else:
            account_id, at = self._account.id, self._incoming.at
            self.found.changes.append(IdentifierAdded(account_id, new, at, self._tombstones))
            self.found.changes += [IdentifierRetired(account_id, one.key, at) for one in names.values()]

    def _status(self) -> None:
        said, here = Status(self._said.status), self._account.status
        if self._said.status == self._then.status or said is here:
            return
        self.found.changes.append(StatusChanged(self._account.id, here, said))
        if said is Status.DISABLED:
            self._end_sessions()

    def _password(self) -> None:
        said, then, here = self._said.hash_digest, self._then.hash_digest, self._known.password_hash
        new = self._incoming.password_hash
        stored = digest_of(here)
        if compare_digest(said, then) or compare_digest(said, stored):
            return
        if new is None:
            self._leave(ImportFault.DELTA_REMOVED, "password_hash", "hash_digest")
        elif not (self._wrapped or compare_digest(stored, then)):
            self._leave(ImportFault.DELTA_BOTH_CHANGED, "password_hash", "hash_digest")
        else:
            self.found.changes.append(PasswordReplaced(self._account.id, here, new, self._incoming.hash_kind))
            self._end_sessions()

    def _end_sessions(self) -> None:
        self.found.changes += [EpochAdvanced(self._account.id), SessionsClosed(self._account.id)]
