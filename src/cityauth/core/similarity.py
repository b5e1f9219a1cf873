"""Addresses that resemble each other: look-alikes, twins with a tag or a dot, and misspelt domains.

What is found here is a warning for people. No address is changed, merged or refused because of it.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from cityauth.core.mail import mailbox_of


class AddressWarning(StrEnum):
    """What a plan says of an address that may move all the same."""

    LOOKALIKE = "lookalike"
    """Another account's address looks the same: ``l`` and ``1``, ``rn`` and ``m``, Latin and Cyrillic ``a``."""
    PLUS_TWIN = "plus_twin"
    """Another account's address differs only by what follows a plus sign."""
    DOT_TWIN = "dot_twin"
    """Another account's address differs only by dots before the at sign."""
    TYPO_DOMAIN = "typo_domain"
    """The domain is one letter away from a much more frequent one."""


_ASCII_LOOKALIKES: Final = (("0", "o"), ("1", "l"), ("|", "l"), ("m", "rn"), ("w", "vv"))

_A_LABEL: Final = "xn--"

_LONGEST_LISTED: Final = 20
"""How many of the addresses that resemble one address are named with it."""


def family_of(address: str) -> str:
    """Return what *address* has in common with every address that resembles it.

    The cost is a few string operations for ASCII, and a look-up for each other character.

    Args:
        address: A canonical address, as `cityauth.core.email.canonical_address` returns it.
    """
    local, _, domain = address.rpartition("@")
    if "+" in local:
        local = local.partition("+")[0] or local
    return f"{_lookalikes_replaced(local.replace('.', ''))}@{_family_of_domain(domain)}"


@functools.lru_cache(maxsize=65_536)
def _family_of_domain(domain: str) -> str:
    return _lookalikes_replaced(_decoded(domain) if _A_LABEL in domain else domain)


def _lookalikes_replaced(text: str) -> str:
    if not text.isascii():
        text = "".join(char if char.isascii() else _lookalike_of(char) for char in text)
    for char, alike in _ASCII_LOOKALIKES:
        text = text.replace(char, alike)
    return text


def undotted(address: str) -> str:
    """Return *address* without a ``+tag`` and without the dots before the at sign."""
    if "+" in address:
        address = mailbox_of(address)
    local, at, domain = address.rpartition("@")
    return f"{local.replace('.', '')}{at}{domain}" if "." in local else address


def resembling(members: Sequence[tuple[int, str]]) -> dict[int, tuple[set[AddressWarning], list[int]]]:
    """Say for each member of one family which warnings hold, and which members it resembles.

    Args:
        members: A number of the caller's own for each account, with its canonical address.

    Returns:
        For each number that resembles another: the warnings, and at most 20 numbers of others. Accounts of the same
        address share it, which is a collision and no resemblance.
    """
    addresses = {address for _, address in members}
    if len(addresses) == 1:
        return {}
    found: dict[int, tuple[set[AddressWarning], list[int]]] = {}
    mailboxes = _count(mailbox_of(address) for address in addresses)
    bare = _count(undotted(address) for address in addresses)
    by_bare = _count(undotted(mailbox) for mailbox in mailboxes)
    for number, address in members:
        warnings = set()
        if mailboxes[mailbox_of(address)] > 1:
            warnings.add(AddressWarning.PLUS_TWIN)
        if by_bare[undotted(address)] > 1:
            warnings.add(AddressWarning.DOT_TWIN)
        if len(bare) > 1:
            warnings.add(AddressWarning.LOOKALIKE)
        found[number] = warnings, _others(members, number, address)
    return found


def _others(members: Sequence[tuple[int, str]], number: int, address: str) -> list[int]:
    """The first few members of another address; the cost is bounded by those that are listed."""
    others: list[int] = []
    for other, theirs in members[: 2 * _LONGEST_LISTED]:
        if other != number and theirs != address:
            others.append(other)
    return others[:_LONGEST_LISTED]


def _count(values: Iterable[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for value in values:
        counted[value] = counted.get(value, 0) + 1
    return counted


def _decoded(domain: str) -> str:
    """The domain as people see it; a label that cannot be decoded stays as it is."""
    labels = []
    for label in domain.split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if label.startswith(_A_LABEL) else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


@functools.cache
def _lookalike_of(char: str) -> str:
    """One letter for all that look like *char*, an ASCII one where there is one. There are as many as Unicode has."""
    from confusable_homoglyphs.confusables import is_confusable

    found = is_confusable(char, greedy=True, preferred_aliases=[])
    alike: list[str] = [one["c"] for one in found[0]["homoglyphs"]] if found else []
    plain = [one.lower() for one in alike if one.isascii()]
    return min(plain) if plain else min([char, *alike])


# fmt: off
WELL_KNOWN_DOMAINS: Final = frozenset(
    {
        "aol.com", "elisanet.fi", "email.com", "fastmail.com", "gmail.com", "gmx.at", "gmx.ch", "gmx.com",
        "gmx.de", "gmx.net", "googlemail.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.es",
        "hotmail.fi", "hotmail.fr", "hotmail.it", "hotmail.no", "hotmail.se", "icloud.com", "inbox.ru",
        "jippii.fi", "kolumbus.fi", "live.com", "live.fi", "live.no", "live.se", "luukku.com", "mac.com",
        "mail.com", "mail.ru", "mailbox.org", "me.com", "msn.com", "netti.fi", "outlook.com", "outlook.de",
        "outlook.es", "outlook.fi", "outlook.fr", "outlook.se", "phnet.fi", "posteo.de", "pp.inet.fi",
        "proton.me", "protonmail.com", "rocketmail.com", "saunalahti.fi", "sci.fi", "suomi24.fi", "surffi.fi",
        "telia.com", "tutanota.com", "welho.com", "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.es",
        "yahoo.fi", "yahoo.fr", "yahoo.it", "yahoo.se", "yandex.ru", "ymail.com",
    }
)
# fmt: on
"""Providers of mail that people in Finland use; also names that are close to one of them and no misspelling."""

_ENDINGS: Final = {
    **dict.fromkeys(("con", "cmo", "ocm", "vom", "xom", "cim", "comm", "co", "om", "cm", "coml", "kom"), "com"),
    **dict.fromkeys(("fii", "if", "fl", "f", "di", "ffi"), "fi"),
}
"""How the last part of a domain is misspelt."""

_ONE_COUNTRY: Final = frozenset({"gmail", "luukku", "icloud"})
"""Providers that have one domain, so that their name with another ending is a misspelling."""

_FREQUENT: Final = 10
"""A domain that so many accounts have is one of the population's own."""

_MOST_MISSPELT: Final = 100
"""A domain that so many accounts have is no misspelling of a provider that hardly any account has."""

_RATIO: Final = 10
"""How many times more frequent the right spelling is than a misspelling of it."""

_MOST_TARGETS: Final = 200
_SHORTEST: Final = 6
"""Shorter domains are one letter from too many others."""


class DomainTypos:
    """Finds misspelt domains in a population. It is a class because it indexes the right spellings once."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Take how many accounts have each domain."""
        self._counts = counts
        frequent = sorted((one for one in counts if counts[one] >= _FREQUENT), key=lambda one: (-counts[one], one))
        self._targets: dict[str, set[str]] = {}
        for target in {*WELL_KNOWN_DOMAINS, *frequent[:_MOST_TARGETS]}:
            if len(target) >= _SHORTEST:
                for shape in _shapes(target):
                    self._targets.setdefault(shape, set()).add(target)

    def right_spelling(self, domain: str) -> str | None:
        """Return the domain that *domain* is probably a misspelling of, or ``None``.

        The cost grows with the length of *domain* alone.
        """
        if domain in WELL_KNOWN_DOMAINS:
            return None
        name, _, ending = domain.rpartition(".")
        if name in _ONE_COUNTRY and self._counts.get(domain, 0) < _MOST_MISSPELT:
            return f"{name}.com"
        candidates = set(self._near(domain))
        if ending in _ENDINGS:
            candidates.update(self._near(f"{name}.{_ENDINGS[ending]}"))
        right = [one for one in candidates if one != domain and self._outweighs(one, domain)]
        return min(right, key=lambda one: (-self._counts.get(one, 0), one), default=None)

    def _near(self, domain: str) -> Iterator[str]:
        for shape in _shapes(domain):
            for target in self._targets.get(shape, ()):
                if target == domain or _is_one_away(target, domain):
                    yield target

    def _outweighs(self, target: str, domain: str) -> bool:
        ours, theirs = self._counts.get(domain, 0), self._counts.get(target, 0)
        if theirs >= _FREQUENT and theirs >= _RATIO * ours:
            return True
        return target in WELL_KNOWN_DOMAINS and ours < _MOST_MISSPELT


def _shapes(domain: str) -> Iterator[str]:
    """The domain, and the domain without any one of its characters: two that are one slip apart share a shape."""
    yield domain
    for place in range(len(domain)):
        yield domain[:place] + domain[place + 1 :]


def _is_one_away(one: str, other: str) -> bool:
    """Whether one slip makes *other* of *one*, which share a shape: a letter more, less, wrong, or two swapped."""
    place = 0
    while place < min(len(one), len(other)) and one[place] == other[place]:
        place += 1
    left, right = one[place:], other[place:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:] and len(left) > 1
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]
