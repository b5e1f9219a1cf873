"""Import people of an older system: good rows are committed in batches, the others come back with their faults."""

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from cityauth.core.accounts import Account, AccountId
from cityauth.core.audit import AuditEventType, audit_event
from cityauth.core.changes import Change, Committed, IdentifierAdded, Precondition
from cityauth.core.characters import strip_invisible
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext, RequestContext
from cityauth.core.hash_kinds import HashOrigin, PasswordEncoding, is_salted_by_username, salted_by_username
from cityauth.core.hashing import HashDefect
from cityauth.core.identifiers import Identifier
from cityauth.core.import_delta import Incoming, compare, is_password_compared, is_renamed, source_record
from cityauth.core.import_fault import ImportFault, RowFault
from cityauth.core.import_file import row_of
from cityauth.core.import_row import UNREADABLE, ImportRow, ImportRules, SourcePerson, read_row
from cityauth.core.population import (
    MOST_IN_A_BATCH,
    ImportedPerson,
    ImportOptions,
    ImportReport,
    KeyUse,
    NewPerson,
    PeopleAdded,
)
from cityauth.core.quarantine import QuarantinedRow
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.errors import UsageError
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment, begin, commit_with
from cityauth.flows.hash_kinds import kind_of_hash
from cityauth.ports.services import Entropy, HashImporter, PasswordHasher
from cityauth.ports.stores import AccountStore, PopulationStore

_AT_ONCE: Final = 500
"""How many keys one look-up takes."""

_MOST_ORIGINS: Final = 1000
"""How many pairs of a format and an encoding are remembered; a real export has a few."""

_ID_BYTES: Final = 15
"""As for any account: 120 random bits make 24 characters."""

_SAID_OF_HASH: Final = {"", "password_hash", "password_format", "password_encoding"}
"""If one of these columns, or the whole row, has a fault, the stored hash is not checked as well."""

_DEFECTS: Final = {
    HashDefect.UNKNOWN_SCHEME: ImportFault.HASH_UNKNOWN_FORMAT,
    HashDefect.NOT_INSTALLED: ImportFault.HASH_NOT_INSTALLED,
    HashDefect.PLAIN_TEXT: ImportFault.HASH_PLAIN_TEXT,
    HashDefect.CORRUPT: ImportFault.HASH_CORRUPT,
    HashDefect.OVER_LIMIT: ImportFault.HASH_OVER_LIMIT,
}


OnQuarantined: TypeAlias = Callable[[QuarantinedRow], object]
OnProgress: TypeAlias = Callable[[ImportReport], object]
K = TypeVar("K")
T = TypeVar("T")


def ignore(_: object) -> None:
    """Do nothing, for a caller that wants no report."""


@dataclass(slots=True)
class _Piece:
    """One good row that is not yet in the store.

    Attributes:
        row: The row.
        person: The new person; ``None`` when the account is there already.
        changes: What to write of an account that is there.
        faults: What is left to people although the rest is written.
    """

    row: ImportRow
    person: NewPerson | None = None
    changes: Sequence[Change] = ()
    faults: Sequence[RowFault] = ()

    def usernames(self) -> list[Identifier]:
        """Return the usernames that the store is to keep."""
        held = self.person.account_identifiers if self.person else ()
        added = [change.identifier for change in self.changes if isinstance(change, IdentifierAdded)]
        return [one.identifier for one in held] + added


def import_people(
    deployment: Deployment,
    rows: Iterable[ImportRow | Mapping[str, object]],
    options: ImportOptions,
    *,
    on_quarantined: OnQuarantined,
    on_progress: OnProgress,
    client: ClientContext = UNKNOWN_CLIENT,
    adopts: bool = True,
) -> Flow[ImportReport]:
    """Import *rows*, a batch in each commit.

    It may stop after any commit and be run again from the first row: people who were imported before are compared.
    *on_quarantined* gets each row that has a fault, *on_progress* the report after each batch. *adopts* says whether
    the hasher is a `HashImporter`; a host's own may verify only what it makes itself.

    Raises:
        UsageError: the batch is not 1 to 10,000.
    """
    if not 1 <= options.batch <= MOST_IN_A_BATCH:
        raise UsageError(f"batch is 1 to {MOST_IN_A_BATCH} rows")
    work = _Import(deployment, options, on_quarantined, client, adopts=adopts)
    numbered = _numbered(rows)
    while batch := list(islice(numbered, options.batch)):
        yield from work.land(batch)
        on_progress(work.report())
    return work.report()


def _numbered(rows: Iterable[ImportRow | Mapping[str, object]]) -> Iterator[ImportRow]:
    """Return every row as one of a file; a host's own mappings are numbered from 1."""
    for number, row in enumerate(rows, start=1):
        given: object = row  # a host may pass anything
        if not isinstance(given, ImportRow | Mapping):
            raise UsageError("a row is what read_people gives, or a mapping by column")
        yield given if isinstance(given, ImportRow) else row_of(given, line=number, number=number)


class _Import:
    """One import. It is a class because every row adds to its counts and to what is known of the rows before."""

    def __init__(
        self,
        deployment: Deployment,
        options: ImportOptions,
        on_quarantined: OnQuarantined,
        client: ClientContext,
        *,
        adopts: bool,
    ) -> None:
        self._adopts = adopts
        self._deployment = deployment
        self._options = options
        self._refuse = on_quarantined
        self._client = client
        self._rules = ImportRules(
            deployment.policy.realms, deployment.email, accept_invalid_email=options.accept_invalid_email
        )
        self._origins: dict[tuple[str, str], HashOrigin | None] = {}
        self._seen: dict[str, int] = {}
        self._keys: set[str] = set()
        self._refused: list[QuarantinedRow] = []
        self._counts = Counter[str]()
        self._codes = Counter[ImportFault]()

    def report(self) -> ImportReport:
        """Return the counts so far."""
        return ImportReport(**self._counts, codes=MappingProxyType(dict(self._codes)))

    def land(self, batch: Sequence[ImportRow]) -> Flow[None]:
        """Read a batch of rows, compare it with the store, and commit what is good."""
        context = yield from begin(self._client)
        self._counts["rows"] += len(batch)
        read = yield from self._read(batch, context)
        known = yield from _in_parts(_find_imported, [incoming.person.external_id for _, incoming in read])
        by_id = {one.row.account.external_id: one for one in known}
        new = [one for one in read if one[1].person.external_id not in by_id]
        pieces = yield from self._new_people(new)
        for row, incoming in read:
            if (found := by_id.get(incoming.person.external_id)) is not None:
                pieces += yield from self._compared(row, incoming, found)
        pieces.sort(key=lambda piece: piece.row.number)
        yield from self._commit(pieces, context)
        for refused in sorted(self._refused, key=lambda one: one.row.number):
            self._refuse(refused)
        self._refused.clear()

    def _read(self, batch: Sequence[ImportRow], context: RequestContext) -> Flow[list[tuple[ImportRow, Incoming]]]:
        """Judge every row, its stored hash among the rest; what has a fault goes to quarantine."""
        read = []
        for row in batch:
            found = read_row(row, self._rules)
            faults = [] if isinstance(found, SourcePerson) else list(found)
            kept = yield from self._hash(row, faults)
            faults += self._duplicate(row, faults)
            if faults or not isinstance(found, SourcePerson):
                self._quarantine(row, faults)
                continue
            kind = yield from kind_of_hash(self._deployment, kept)
            read.append((row, Incoming(found, kept, context.at, self._options.verified, self._rules.email, kind)))
        return read

    def _duplicate(self, row: ImportRow, faults: Sequence[RowFault]) -> Sequence[RowFault]:
        """Remember the external id of *row*; name it where an earlier row has it."""
        external_id = strip_invisible(row.cells.get("external_id", ""))
        if not external_id or any(fault.code in UNREADABLE for fault in faults):
            return ()
        first = self._seen.setdefault(external_id, row.number)
        if first == row.number:
            return ()
        return (RowFault(ImportFault.EXTERNAL_ID_DUPLICATE, "external_id", f"row {first}"),)

    def _hash(self, row: ImportRow, faults: list[RowFault]) -> Flow[SecretStr | None]:
        """Return the stored hash to keep, or add what is wrong with it to *faults*."""
        exported = strip_invisible(row.cells.get("password_hash", ""))
        if not exported or any(fault.column in _SAID_OF_HASH for fault in faults):
            return None
        origin = self._origin(row.cells.get("password_format", ""), row.cells.get("password_encoding", ""))
        if origin is None:
            faults.append(RowFault(ImportFault.HASH_UNKNOWN_ENCODING, "password_encoding"))
            return None
        if self._adopts and is_salted_by_username(exported, origin.format):
            salted = salted_by_username(exported, strip_invisible(row.cells.get("username", "")))
            if salted is None:
                faults.append(RowFault(ImportFault.HASH_NEEDS_USERNAME, "password_hash"))
                return None
            exported, origin = salted, replace(origin, format="")
        if self._adopts:
            kept: str | HashDefect = yield from ask(HashImporter.adopt, exported, origin)
        else:
            kept = (yield from ask(PasswordHasher.find_defect, exported)) or exported
        if isinstance(kept, HashDefect):
            if kept is not HashDefect.UNUSABLE:
                faults.append(RowFault(_DEFECTS.get(kept, ImportFault.HASH_CORRUPT), "password_hash"))
            return None
        return SecretStr(kept)

    def _origin(self, name: str, encoding: str) -> HashOrigin | None:
        """Return what is declared of a stored hash; ``None`` for an encoding that is not known here."""
        if (name, encoding) not in self._origins:
            known = PasswordEncoding.named(encoding)
            usable = known is not None and (self._adopts or known is PasswordEncoding.UTF_8)
            how = self._options
            origin = HashOrigin(strip_invisible(name), known, how.truncates, how.nul_ends) if known and usable else None
            if len(self._origins) >= _MOST_ORIGINS:
                self._origins.clear()
            self._origins[name, encoding] = origin
        return self._origins[name, encoding]

    def _new_people(self, new: Sequence[tuple[ImportRow, Incoming]]) -> Flow[list[_Piece]]:
        """Return the people whose usernames are free; the others go to quarantine."""
        keys = [one.person.username.key for _, one in new if one.person.username]
        uses = yield from _in_parts(_find_key_uses, keys)
        taken = {one.key for one in uses if one.kind != "contact"} | self._keys
        tombstones = [self._tombstones(one) for _, one in new]
        erased = yield from self._erased([one for _, one in new], tombstones)
        ids = yield from _account_ids(len(new))
        pieces = []
        for (row, incoming), account_id, digests in zip(new, ids, tombstones, strict=True):
            key = incoming.person.username.key if incoming.person.username else None
            if key is not None and (key in taken or key in erased):
                code = ImportFault.USERNAME_TAKEN if key in taken else ImportFault.USERNAME_ERASED
                self._quarantine(row, [RowFault(code, "username")])
                continue
            if key is not None:
                taken.add(key)
            pieces.append(_Piece(row, _new_person(incoming, account_id, digests)))
        return pieces

    def _tombstones(self, incoming: Incoming) -> tuple[bytes, ...]:
        username = incoming.person.username
        return self._deployment.tombstones.digests(username) if username else ()

    def _erased(self, new: Sequence[Incoming], tombstones: Sequence[tuple[bytes, ...]]) -> Flow[set[str]]:
        """Return the keys of usernames that erased accounts had: mostly none, so that all are asked for at once."""
        found = set[str]()
        if not (yield from _in_parts(_any_tombstone, [digest for one in tombstones for digest in one])):
            return found
        for one, digests in zip(new, tombstones, strict=True):
            if one.person.username and (yield from ask(AccountStore.has_tombstone, digests)):
                found.add(one.person.username.key)
        return found

    def _compared(self, row: ImportRow, incoming: Incoming, known: ImportedPerson) -> Flow[list[_Piece]]:
        """Return what to write of a person who is there already; count one who needs nothing."""
        wrapped = False
        if self._adopts and known.password_hash and is_password_compared(incoming, known):
            name = yield from ask(HashImporter.identify, known.password_hash.get_secret_value())
            wrapped = (name or "").startswith("wrapped ")
        tombstones = self._tombstones(incoming) if is_renamed(incoming, known) else ()
        difference = compare(incoming, known, tombstones=tombstones, wrapped=wrapped)
        if difference.changes:
            return [_Piece(row, None, difference.changes, difference.faults)]
        if difference.faults:
            self._quarantine(row, difference.faults)
        else:
            self._counts["unchanged"] += 1
        return []

    def _commit(self, pieces: Sequence[_Piece], context: RequestContext) -> Flow[None]:
        """Commit all pieces at once. If the store refuses, halve them until the row with the fault is found."""
        if not pieces:
            return
        why = None if self._options.dry_run else (yield from self._write(pieces, context))
        if why is None:
            for piece in pieces:
                self._landed(piece)
        elif len(pieces) == 1:
            self._quarantine(pieces[0].row, [*pieces[0].faults, (yield from self._why(pieces[0], why))])
        else:
            half = len(pieces) // 2
            for part in (pieces[:half], pieces[half:]):
                yield from self._commit(part, (yield from begin(self._client)))

    def _write(self, pieces: Sequence[_Piece], context: RequestContext) -> Flow[Precondition | None]:
        people = tuple(piece.person for piece in pieces if piece.person is not None)
        changes: list[Change] = [PeopleAdded(people, context.at)] if people else []
        changes += [change for piece in pieces for change in piece.changes]
        numbers = {"added": str(len(people)), "updated": str(len(pieces) - len(people))}
        event = audit_event(AuditEventType.PEOPLE_IMPORTED, context, detail=numbers)
        outcome = yield from commit_with(event, changes)
        return None if isinstance(outcome, Committed) else outcome.why

    def _why(self, piece: _Piece, why: Precondition) -> Flow[RowFault]:
        """Name the fault of a row that the store refused although every check before accepted it."""
        if why is not Precondition.IDENTIFIER_TAKEN:
            return RowFault(ImportFault.DELTA_MEANWHILE)
        digests = [digest for one in piece.usernames() for digest in self._deployment.tombstones.digests(one)]
        erased = bool(digests) and (yield from ask(AccountStore.has_tombstone, digests))
        return RowFault(ImportFault.USERNAME_ERASED if erased else ImportFault.USERNAME_TAKEN, "username")

    def _landed(self, piece: _Piece) -> None:
        if piece.faults:
            self._quarantine(piece.row, piece.faults)
        else:
            self._counts["added" if piece.person else "updated"] += 1
        if self._options.dry_run:
            self._keys |= {one.key for one in piece.usernames()}

    def _quarantine(self, row: ImportRow, faults: Sequence[RowFault]) -> None:
        self._counts["quarantined"] += 1
        self._codes.update({fault.code for fault in faults})
        self._refused.append(QuarantinedRow(row, tuple(faults)))


def _in_parts(find: Callable[[Sequence[K]], Flow[Sequence[T]]], keys: Sequence[K]) -> Flow[list[T]]:
    """Ask for *keys*, some hundreds at a time, and return all that was found."""
    found: list[T] = []
    for at in range(0, len(keys), _AT_ONCE):
        found += yield from find(keys[at : at + _AT_ONCE])
    return found


def _find_imported(external_ids: Sequence[str]) -> Flow[Sequence[ImportedPerson]]:
    return ask(PopulationStore.find_imported, external_ids)


def _find_key_uses(keys: Sequence[str]) -> Flow[Sequence[KeyUse]]:
    return ask(PopulationStore.find_key_uses, keys)


def _any_tombstone(digests: Sequence[bytes]) -> Flow[Sequence[bytes]]:
    return digests if (yield from ask(AccountStore.has_tombstone, digests)) else ()


def _new_person(incoming: Incoming, account_id: AccountId, tombstones: tuple[bytes, ...]) -> NewPerson:
    person = incoming.person
    account = Account(
        account_id,
        person.realm,
        person.display_name,
        person.language,
        person.status,
        contact=person.address,
        external_id=person.external_id,
        contact_verified=incoming.verified,
    )
    held = (AccountIdentifier(person.username, IdentifierStatus.ACTIVE),) if person.username else ()
    said = source_record(incoming, account)
    return NewPerson(account, held, incoming.password_hash, said, tombstones, incoming.hash_kind)


def _account_ids(count: int) -> Flow[list[AccountId]]:
    """Return random account ids, sorted: a store writes rows faster in the order of their keys."""
    if not count:
        return []
    drawn = yield from ask(Entropy.draw, count * _ID_BYTES)
    letters = base64.b32encode(drawn).decode().lower()  # no id ends within a letter: five bytes make eight letters
    length = len(letters) // count
    return sorted(AccountId(letters[at : at + length]) for at in range(0, len(letters), length))
