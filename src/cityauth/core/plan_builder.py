"""Builds a plan's file from accounts that come page by page, without keeping all of them in memory.

Lines wait in a scratch file. Three numbers for each account stay in memory: where its line begins, its domain, and the
family of similar addresses that it belongs to. A million accounts take some tens of megabytes. Only the lines that get
a warning are made anew at the end.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, Final, TypeAlias

from cityauth.core.migration import StepAction
from cityauth.core.migration_plan import AccountClass, Collision, Decision, PlanHeader, PlanLine
from cityauth.core.plan_file import checked, header_text, line_text, parse_line
from cityauth.core.similarity import AddressWarning, DomainTypos, family_of, resembling

_BATCH: Final = 2000
"""How many lines are written at once."""

_Warned: TypeAlias = dict[int, tuple[set[AddressWarning], list[int]]]
"""For the number of a line: its warnings, and the numbers of the lines that they are about."""


class PlanBuilder:
    """Takes the accounts in the order of their ids, and writes the plan when all are there.

    It is a class because a scratch file, the counts and the traces of addresses grow together.

    Attributes:
        accounts: How many accounts it has taken.
    """

    def __init__(self, scratch: BinaryIO, out: BinaryIO) -> None:
        """Take two empty files that can be read, written and sought in; the caller closes them.

        Args:
            scratch: Holds the lines while accounts come.
            out: Gets the plan.
        """
        self._out = out
        self.accounts: int = 0
        self._scratch = scratch
        self._starts = array("Q")
        self._families = array("q")
        self._end = 0
        self._classes: Counter[str] = Counter()
        self._actions: Counter[str] = Counter()
        self._decisions: Counter[str] = Counter()
        self._domains: dict[str, int] = {"": 0}
        self._domain_of = array("I")
        self._seen = hashlib.sha256()

    def add(self, lines: Sequence[tuple[PlanLine, str]]) -> None:
        """Take the next accounts, each with everything in the store that its line depends on."""
        texts = [f"{line_text(line)}\n".encode("ascii") for line, _ in lines]
        self._scratch.write(b"".join(texts))
        for text in texts:
            self._starts.append(self._end)
            self._end += len(text)
        self._seen.update("".join([f"{seen}\x1e" for _, seen in lines]).encode("utf-8", "surrogatepass"))
        self._classes.update([line.account_class for line, _ in lines])
        self._actions.update([line.action for line, _ in lines if line.action])
        self._decisions.update([line.decision for line, _ in lines if line.decision])
        domains, numbers, families = self._domains, self._domain_of, self._families
        for line, _ in lines:
            address = "" if line.key is None else line.key.partition(":")[2]
            numbers.append(domains.setdefault(address.rpartition("@")[2], len(domains)))
            families.append(hash(family_of(address)) or 1 if address else 0)
        self.accounts += len(lines)

    def finish(self, begin: PlanHeader, progress: Callable[[int], None]) -> PlanHeader:
        """Write the plan and return its header.

        Args:
            begin: The header as far as it is known: its counts, digests and warnings are filled in here.
            progress: Called after each batch with the number of lines that are written.
        """
        warned = self._resemblances()
        typos = self._typos()
        warnings = Counter(warning for found, _ in warned.values() for warning in found)
        warnings[AddressWarning.TYPO_DOMAIN] = sum(number in typos for number in self._domain_of)
        header = replace(
            begin,
            population=self._seen.hexdigest(),
            accounts=self.accounts,
            classes={one: self._classes[one] for one in AccountClass},
            warnings={one: warnings[one] for one in AddressWarning},
            actions={one: self._actions[one] for one in StepAction},
            decisions={one: self._decisions[one] for one in Decision},
        )
        header = replace(header, digest=self._write(header, self._lines(warned, typos), progress))
        self._out.seek(0)
        self._out.write(f"{header_text(header)}\n".encode("ascii"))
        return header

    def _write(self, header: PlanHeader, lines: Iterator[bytes], progress: Callable[[int], None]) -> str:
        """Write the header without its digest, and all lines; return the digest."""
        first = f"{header_text(header)}\n".encode("ascii")
        digest, check = hashlib.sha256(first), 0
        self._out.write(first)
        written = 0
        while batch := list(islice(lines, _BATCH)):
            for place, text in enumerate(batch):
                batch[place], check = checked(text, check)
            block = b"".join(batch)
            digest.update(block)
            self._out.write(block)
            written += len(batch)
            progress(written)
        return digest.hexdigest()

    def _lines(self, warned: _Warned, typos: Mapping[int, str]) -> Iterator[bytes]:
        """The lines in order, those with warnings made anew."""
        names = {number: self._line(number).reference for _, others in warned.values() for number in others}
        self._scratch.seek(0)
        for number, (raw, domain) in enumerate(zip(self._scratch, self._domain_of, strict=True)):
            text = raw[:-1]
            right = typos.get(domain)
            if right is None and number not in warned:
                yield text
                continue
            found, others = warned.get(number, (set(), []))
            similar = tuple(sorted(names[one] for one in others))
            line = _with_warnings(_parse(text, number), found, similar, right)
            yield line_text(line).encode("ascii")

    def _resemblances(self) -> _Warned:
        """Find similar addresses, by their families."""
        warned: _Warned = {}
        for members in self._families_of_several():
            named = [(number, self._address(number)) for number in members]
            warned.update(resembling(named))
        return warned

    def _families_of_several(self) -> Iterator[list[int]]:
        """The numbers of the lines in each family with more than one line."""
        repeated: set[int] = set()
        last = 0
        for family in sorted(self._families):
            if family == last != 0:
                repeated.add(family)
            last = family
        members: dict[int, list[int]] = {}
        for number, family in enumerate(self._families):
            if family in repeated:
                members.setdefault(family, []).append(number)
        yield from members.values()

    def _typos(self) -> dict[int, str]:
        """For the number of each misspelt domain: the right spelling."""
        counted = Counter(self._domain_of)
        finder = DomainTypos({domain: counted[number] for domain, number in self._domains.items() if domain})
        found = ((number, finder.right_spelling(domain)) for domain, number in self._domains.items() if domain)
        return {number: right for number, right in found if right is not None}

    def _line(self, number: int) -> PlanLine:
        self._scratch.seek(self._starts[number])
        return _parse(self._scratch.readline()[:-1], number)

    def _address(self, number: int) -> str:
        return (self._line(number).key or "").partition(":")[2]


def _with_warnings(line: PlanLine, found: set[AddressWarning], similar: tuple[str, ...], right: str | None) -> PlanLine:
    """Return the line with its warnings after its other reasons."""
    if right is not None:
        found = {*found, AddressWarning.TYPO_DOMAIN}
    return line._replace(
        reasons=(*line.reasons, *(one for one in AddressWarning if one in found)),
        similar=similar,
        right_domain=right,
        collision=line.collision or (None if right is None else Collision.TYPO),
    )


def _parse(text: bytes, number: int) -> PlanLine:
    """Read a line of the scratch file, which has no checksum yet."""
    return parse_line(f'{text.decode("ascii")},"check":""}}', number)
