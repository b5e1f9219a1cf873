"""A plan as lines of JSON: a header, then one line an account. Reading is strict.

Each account's line ends with a running checksum, so that a line that was edited, left out, moved or added is named.
The checksums find accidents. The header's SHA-256 of all lines is what a run remembers of a plan.
"""

import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from json.encoder import encode_basestring_ascii as quoted
from operator import itemgetter
from typing import Any, Final, TypeVar

from cityauth.core.accounts import AccountId
from cityauth.core.migration import StepAction
from cityauth.core.migration_plan import AccountClass, Collision, Decision, PlanHeader, PlanLine
from cityauth.errors import PlanError
from cityauth.policy.realms import Phase

FORMAT: Final = 1
"""The version of the file's own form."""

NO_DIGEST: Final = "0" * 64
"""What stands in the header before all lines are written; as long as a digest."""

_TAIL: Final = b',"check":"%08x"}'
_CHECK_LENGTH: Final = len(_TAIL % 0)
_LONGEST_LINE: Final = 1_000_000
"""Characters; no account has more accounts beside it than fit."""

_DECODE: Final = json.JSONDecoder().raw_decode
"""Reads the value at the beginning of a text. `json.loads` looks for blanks around it as well."""

E = TypeVar("E", bound=StrEnum)


def header_text(header: PlanHeader) -> str:
    """Return the header's line, without its line break. Its length does not depend on the digest."""
    return json.dumps(
        {
            "plan": header.plan_id,
            "format": FORMAT,
            "version": header.version,
            "population": header.population,
            "at": header.at.isoformat(),
            "accounts": header.accounts,
            "classes": dict(header.classes),
            "warnings": dict(header.warnings),
            "actions": dict(header.actions),
            "decisions": dict(header.decisions),
            "refused_decisions": header.refused_decisions,
            "phase": header.phase,
            "exempt": list(header.exempt),
            "domains_checked": header.domains_checked,
            "digest": header.digest or NO_DIGEST,
        }
    )


def line_text(line: PlanLine) -> str:
    """Return an account's line as `checked` completes it: printable ASCII without the closing brace."""
    account, external_id, account_class, reasons, identifier, others, key, contact, phase, action, *rest = line
    address = _text(identifier)
    text = (
        f'{{"account":{quoted(account)},"external_id":{_text(external_id)},"class":"{account_class}",'
        f'"reasons":{_texts(reasons)},"identifier":{address},"with":{_texts(others)},"key":{_text(key)},'
        f'"contact":{address if contact == identifier else _text(contact)},"phase":{_text(phase)},'
        f'"action":{_text(action)}'
    )
    return f"{text}{_rest_of(line)}" if any(rest) else text


def _rest_of(line: PlanLine) -> str:
    """The fields that few lines have."""
    text = ""
    if line.decision:
        text += f',"decision":"{line.decision}"'
    if line.collision:
        text += f',"collision":"{line.collision}"'
    if line.similar:
        text += f',"similar":{_texts(line.similar)}'
    if line.right_domain:
        text += f',"right_domain":{quoted(line.right_domain)}'
    return text


def _text(value: str | None) -> str:
    return "null" if value is None else quoted(value)


def _texts(values: Iterable[str]) -> str:
    return f"[{','.join(map(quoted, values))}]" if values else "[]"


def checked(text: bytes, check: int) -> tuple[bytes, int]:
    """Complete what `line_text` returned with the running checksum; return the line and the new checksum."""
    check = zlib.crc32(text, check)
    return text + _TAIL % check + b"\n", check


def parse_header(text: str) -> PlanHeader:
    """Read the first line of a plan.

    Raises:
        PlanError: it is no header of a plan, or one of another form.
    """
    found = _object(text, 1)
    form = found.get("format")
    if "plan" not in found or not isinstance(form, int):
        raise PlanError("line 1 is no header of a plan; make the plan with `cityauth migrate plan`", 1)
    if form != FORMAT:
        raise PlanError(f"line 1: the plan has form {form}, and this release reads form {FORMAT}; make it again", 1)
    take = _Taker(found, 1)
    return PlanHeader(
        plan_id=take.text("plan"),
        version=take.text("version"),
        population=take.text("population"),
        at=take.moment("at"),
        accounts=take.count("accounts"),
        classes=take.counts("classes", AccountClass),
        phase=take.phase("phase"),
        exempt=take.texts("exempt"),
        warnings=take.counts("warnings", str),
        actions=take.counts("actions", StepAction),
        decisions=take.counts("decisions", Decision),
        refused_decisions=take.count("refused_decisions"),
        domains_checked=bool(found.get("domains_checked")),
        digest=take.text("digest"),
    )


def parse_line(text: str, number: int) -> PlanLine:
    """Read one account's line; *number* is its number in the file.

    Raises:
        PlanError: a field is missing, unknown or of the wrong type.
    """
    found = _object(text, number)
    return (_plain_line(found) if len(found) == len(_PLAIN_FIELDS) else None) or _any_line(found, number)


def _plain_line(found: dict[str, Any]) -> PlanLine | None:
    """Read a line in which nothing is unusual, at a third of the cost; ``None`` where something is."""
    try:
        account, external_id, class_name, reasons, identifier, collides_with, key, contact, phase, action, _ = _TAKE(
            found
        )
        account_class, own_phase, step = _CLASS_OF[class_name], _PHASE_OF[phase], _ACTION_OF[action]
    except (KeyError, TypeError):
        return None
    texts = (external_id, identifier, key, contact)
    if reasons or collides_with or type(account) is not str or not _TEXT_TYPES.issuperset(map(type, texts)):
        return None
    return PlanLine(AccountId(account), external_id, account_class, (), identifier, (), key, contact, own_phase, step)


def _any_line(found: dict[str, Any], number: int) -> PlanLine:
    take = _Taker(found, number)
    line = PlanLine(
        account=AccountId(take.text("account")),
        external_id=take.text_or_none("external_id"),
        account_class=take.member("class", AccountClass),
        reasons=take.texts("reasons"),
        identifier=take.text_or_none("identifier"),
        collides_with=take.texts("with"),
        key=take.text_or_none("key"),
        contact=take.text_or_none("contact"),
        phase=take.member_or_none("phase", Phase),
        action=take.member_or_none("action", StepAction),
    )
    if unknown := sorted(found.keys() - _FIELDS):
        raise PlanError(f"line {number} has an unknown field {unknown[0]!r}", number)
    return line._replace(
        decision=take.member_or_none("decision", Decision),
        collision=take.member_or_none("collision", Collision),
        similar=take.texts("similar") if "similar" in found else (),
        right_domain=take.text_or_none("right_domain") if "right_domain" in found else None,
    )


_PLAIN_FIELDS: Final = (
    *("account", "external_id", "class", "reasons", "identifier", "with", "key", "contact", "phase", "action"),
    "check",
)
"""What every line has."""

_FIELDS: Final = {*_PLAIN_FIELDS, "decision", "collision", "similar", "right_domain"}
_TAKE: Final = itemgetter(*_PLAIN_FIELDS)
_CLASS_OF: Final = {one.value: one for one in AccountClass}
_PHASE_OF: Final[Mapping[str | None, Phase | None]] = {None: None, **{one.value: one for one in Phase}}
_ACTION_OF: Final[Mapping[str | None, StepAction | None]] = {None: None, **{one.value: one for one in StepAction}}
_TEXT_TYPES: Final = {str, type(None)}


class PlanReader:
    """Reads a plan line by line. It is a class because the header comes before the lines, and is known with them.

    Attributes:
        header: The first line.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Take the lines of the file, with or without their line breaks, and read the first one.

        Raises:
            PlanError: there is no header of this form.
        """
        self._lines = iter(lines)
        first = next(self._lines, None)
        if first is None:
            raise PlanError("the plan is empty", 1)
        self.header: PlanHeader = parse_header(first)
        self._blank_header: str = first.rstrip("\r\n").replace(self.header.digest, NO_DIGEST)

    def __iter__(self) -> Iterator[PlanLine]:
        """Give each account, once.

        Raises:
            PlanError: a line was edited, left out, moved or added, an account stands there twice, or the file ends too
                early or too late. The message names the line. So a caller that acts on a plan reads all of it first.
        """
        digest, check, count, last = hashlib.sha256(f"{self._blank_header}\n".encode()), 0, 0, ""
        for number, raw in enumerate(self._lines, 2):
            text = raw.rstrip("\r\n")
            check = _verify(text, check, number, digest)
            line = parse_line(text, number)
            if line.account <= last:
                raise PlanError(
                    f"line {number}: the account {line.account!r} stands there twice or out of order", number
                )
            last = line.account
            count += 1
            if count > self.header.accounts:
                raise PlanError(f"line {number} is one more than the header says", number)
            yield line
        if count < self.header.accounts:
            raise PlanError(
                f"the plan ends after line {count + 1}, and its header says {self.header.accounts + 1} lines", count + 2
            )
        if not hmac.compare_digest(digest.hexdigest().encode(), self.header.digest.encode("utf-8", "replace")):
            raise PlanError("line 1 was edited, or is the header of another plan", 1)


def _verify(text: str, check: int, number: int, digest: "hashlib._Hash") -> int:
    """Check a line's checksum against the lines before it, return the new one, and add the line to *digest*."""
    if len(text) <= _LONGEST_LINE and text.isascii():
        written = text.encode("ascii")
        check = zlib.crc32(written[:-_CHECK_LENGTH], check)
        if written[-_CHECK_LENGTH:] == _TAIL % check:
            digest.update(written + b"\n")
            return check
    raise PlanError(f"line {number} was edited, or a line before it was left out, moved or added", number)


def _object(text: str, number: int) -> dict[str, Any]:
    try:
        found, end = _DECODE(text) if len(text) <= _LONGEST_LINE else (None, 0)
    except (ValueError, RecursionError):
        found, end = None, 0
    if not isinstance(found, dict) or text[end:].strip():
        raise PlanError(f"line {number} is no line of a plan", number)
    return found


class _Taker:
    """Takes typed fields out of one line. It is a class so that each fault names the field and the line."""

    __slots__ = ("_found", "_number")

    def __init__(self, found: Mapping[str, Any], number: int) -> None:
        self._found = found
        self._number = number

    def _wrong(self, name: str) -> PlanError:
        what = "is not as a plan has it" if name in self._found else "is missing"
        return PlanError(f"line {self._number}: the field {name!r} {what}", self._number)

    def text(self, name: str) -> str:
        value = self._found.get(name)
        if not isinstance(value, str):
            raise self._wrong(name)
        return value

    def text_or_none(self, name: str) -> str | None:
        value = self._found.get(name)
        if not (isinstance(value, str) or (value is None and name in self._found)):
            raise self._wrong(name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._found.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(name)
        return tuple(value)

    def count(self, name: str) -> int:
        value = self._found.get(name)
        if type(value) is not int or value < 0:
            raise self._wrong(name)
        return value

    def counts(self, name: str, of: Callable[[str], E | str]) -> dict[Any, int]:
        value = self._found.get(name)
        if not isinstance(value, dict) or not all(type(one) is int and one >= 0 for one in value.values()):
            raise self._wrong(name)
        try:
            return {of(key): number for key, number in value.items()}
        except ValueError:
            raise self._wrong(name) from None

    def member(self, name: str, of: type[E]) -> E:
        try:
            return of(self.text(name))
        except ValueError:
            raise self._wrong(name) from None

    def member_or_none(self, name: str, of: type[E]) -> E | None:
        return None if self._found.get(name) is None else self.member(name, of)

    def phase(self, name: str) -> Phase:
        phase = self.member(name, Phase)
        if phase is Phase.LEGACY_ONLY:  # whoever moves there would be locked out
            raise self._wrong(name)
        return phase

    def moment(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name) from None
        if moment.utcoffset() is None:
            raise self._wrong(name)
        return moment
