"""The population: what a migration plan reads, and what an import writes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import and_, bindparam, case, delete, exists, insert, literal, select

from cityauth.core.accounts import AccountId
from cityauth.core.changes import AccountAdded, Precondition
from cityauth.core.identifiers import USERNAME
from cityauth.core.population import ImportedPerson, KeyUse, PeopleAdded, PopulationRow, SourceRecord, SourceRecorded
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus
from cityauth.core.secret import SecretStr
from cityauth.stores.sql.accounts import ACCOUNT, ADD_ACCOUNT, account_of, values_of_account
from cityauth.stores.sql.hash_kinds import enter_kinds
from cityauth.stores.sql.identifiers import (
    ACCOUNT_IDENTIFIER,
    ADD_FIRST,
    account_identifier_of,
    refuse_tombstones,
    values_of_identifiers,
)
from cityauth.stores.sql.programs import Program, Read, Write, WriteMany, look_up
from cityauth.stores.sql.rows import Row
from cityauth.stores.sql.tables import account, has_contact, identifier, micros, moment, source

_OTHER = account.alias("other")
_HOLDER = identifier.alias("holder")
_NAME = identifier.alias("name")

_ON_FILE = select(source.c.email).where(source.c.external_id == account.c.external_id).scalar_subquery()
_SHARES_CONTACT = exists(literal(1)).where(_OTHER.c.contact_key == account.c.contact_key, _OTHER.c.id != account.c.id)
_NAME_IS_CONTACT = (
    exists(literal(1))
    .select_from(_NAME.join(_OTHER, _OTHER.c.contact_key == _NAME.c.key))
    .where(_NAME.c.account_id == account.c.id, _NAME.c.kind == USERNAME.name, _OTHER.c.id != account.c.id)
)
_HAS_SOURCE_CONTACT = exists(literal(1)).where(source.c.account_id == account.c.id, has_contact(source))
_ROWS: Final = select(
    *ACCOUNT,
    account.c.password_hash,
    account.c.contact_key,
    case((account.c.contact.is_(None), _ON_FILE)),
    _SHARES_CONTACT,
    _HOLDER.c.kind,
    _NAME_IS_CONTACT,
    _HAS_SOURCE_CONTACT,
).outerjoin_from(account, _HOLDER, and_(_HOLDER.c.key == account.c.contact_key, _HOLDER.c.account_id != account.c.id))
_PAGE: Final = _ROWS.where(account.c.id > bindparam("after")).order_by(account.c.id).limit(bindparam("most"))
_SOME: Final = _ROWS.where(account.c.id.in_(bindparam("ids", expanding=True)))
_IMPORTED: Final = _ROWS.where(account.c.external_id.in_(bindparam("ids", expanding=True)))
_HELD: Final = select(identifier.c.account_id, *ACCOUNT_IDENTIFIER).order_by(
    identifier.c.account_id, identifier.c.position
)
_HELD_IN_PAGE: Final = _HELD.where(
    identifier.c.account_id > bindparam("after"), identifier.c.account_id <= bindparam("last")
)
_HELD_BY_SOME: Final = _HELD.where(identifier.c.account_id.in_(bindparam("ids", expanding=True)))
_WHOSE = (account.c.id, account.c.external_id, account.c.display_name)
_CONTACTS: Final = select(account.c.contact_key, *_WHOSE).where(
    account.c.contact_key.in_(bindparam("keys", expanding=True))
)
_HOLDERS: Final = (
    select(identifier.c.key, *_WHOSE, identifier.c.kind, identifier.c.status)
    .join_from(identifier, account)
    .where(identifier.c.key.in_(bindparam("keys", expanding=True)))
)
_SOURCES: Final = select(source).where(source.c.external_id.in_(bindparam("ids", expanding=True)))
_ADD_SOURCE: Final = insert(source)
_DROP_SOURCE: Final = delete(source).where(source.c.external_id == bindparam("which"))

_STATUS = {one.value: one for one in IdentifierStatus}
_ACCOUNT_COLUMNS = len(ACCOUNT)


def read_population(after: str, most: int) -> Program[list[PopulationRow]]:
    """Return a page of accounts in the order of their ids."""
    rows = yield Read(_PAGE, {"after": after, "most": most})
    if not rows:
        return []
    held = yield Read(_HELD_IN_PAGE, {"after": after, "last": rows[-1][0]})
    return _population(rows, held)


def find_population(account_ids: Sequence[AccountId]) -> Program[list[PopulationRow]]:
    """Return those of the accounts that exist."""
    if not account_ids:
        return []
    rows = yield Read(_SOME, {"ids": list(account_ids)})
    held = yield Read(_HELD_BY_SOME, {"ids": list(account_ids)})
    return _population(rows, held)


def _population(rows: Sequence[Row], held: Sequence[Row]) -> list[PopulationRow]:
    identifiers: defaultdict[str, list[AccountIdentifier]] = defaultdict(list)
    for account_id, *one in held:
        identifiers[account_id].append(account_identifier_of(tuple(one)))
    return [_population_row(row, tuple(identifiers[row[0]])) for row in rows]


def _population_row(row: Row, account_identifiers: tuple[AccountIdentifier, ...]) -> PopulationRow:
    one = account_of(row[:_ACCOUNT_COLUMNS])
    password_hash, key, on_file, shares_contact, holder_kind, name_is_contact, has_source = row[_ACCOUNT_COLUMNS:]
    by_name = holder_kind == USERNAME.name
    return PopulationRow(
        one,
        account_identifiers,
        password_hash is not None,
        one.contact or on_file or "",
        key or "",
        bool(shares_contact) or (holder_kind is not None and not by_name),
        by_name,
        bool(name_is_contact),
        bool(has_source),
    )


def find_key_uses(keys: Sequence[str]) -> Program[list[KeyUse]]:
    """Return every use of *keys*, as a contact or as an identifier."""
    if not keys:
        return []
    contacts = yield from look_up(_contact_use, _CONTACTS, {"keys": list(keys)})
    return contacts + (yield from look_up(_identifier_use, _HOLDERS, {"keys": list(keys)}))


def _contact_use(row: Row) -> KeyUse:
    key, account_id, external_id, name = row
    return KeyUse(key, AccountId(account_id), external_id, name, "contact", None)


def _identifier_use(row: Row) -> KeyUse:
    key, account_id, external_id, name, kind, status = row
    return KeyUse(key, AccountId(account_id), external_id, name, kind, _STATUS[status])


def find_imported(external_ids: Sequence[str]) -> Program[list[ImportedPerson]]:
    """Return the accounts of these external ids, with what their last import said."""
    if not external_ids:
        return []
    rows = yield Read(_IMPORTED, {"ids": list(external_ids)})
    if not rows:
        return []
    held = yield Read(_HELD_BY_SOME, {"ids": [row[0] for row in rows]})
    sources = {one.external_id: one for one in (yield from look_up(_source_of, _SOURCES, {"ids": list(external_ids)}))}
    stored = [None if row[_ACCOUNT_COLUMNS] is None else SecretStr(row[_ACCOUNT_COLUMNS]) for row in rows]
    return [
        ImportedPerson(one, password_hash, sources.get(one.account.external_id or ""))
        for one, password_hash in zip(_population(rows, held), stored, strict=True)
    ]


def _source_of(row: Row) -> SourceRecord:
    external_id, account_id, username, email, contact, name, language, status, hash_digest, imported_at = row
    return SourceRecord(
        external_id,
        AccountId(account_id),
        username,
        email,
        contact,
        name,
        language,
        status,
        hash_digest,
        moment(imported_at),
    )


def add_people(change: PeopleAdded) -> Program[None]:
    """Insert every account, then all identifiers, then what the older system said."""
    added = [
        AccountAdded(one.account, one.account_identifiers, one.password_hash, change.at, (), one.hash_kind)
        for one in change.people
    ]
    yield WriteMany(ADD_ACCOUNT, [values_of_account(one) for one in added], taken=Precondition.ACCOUNT_EXISTS)
    yield from enter_kinds(one.hash_kind for one in added)
    rows = [row for one in added for row in values_of_identifiers(one)]
    yield WriteMany(ADD_FIRST, rows, taken=Precondition.IDENTIFIER_TAKEN)
    yield WriteMany(_ADD_SOURCE, [_values_of_source(one.source) for one in change.people])
    yield from refuse_tombstones([digest for one in change.people for digest in one.tombstones])


def record_source(change: SourceRecorded) -> Program[None]:
    """Put the record in the place of the former one."""
    yield Write(_DROP_SOURCE, {"which": change.source.external_id})
    yield Write(_ADD_SOURCE, _values_of_source(change.source))


def _values_of_source(one: SourceRecord) -> dict[str, Any]:
    return {
        "external_id": one.external_id,
        "account_id": one.account_id,
        "username": one.username,
        "email": one.email,
        "contact": one.contact,
        "display_name": one.display_name,
        "language": one.language,
        "status": one.status,
        "hash_digest": one.hash_digest,
        "imported_at": micros(one.imported_at),
    }
