"""A whole population for the demo: invented people of an older system, with every class of a plan among them.

The same count and seed always give the same people. All of them have one password, which the start of the demo prints.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random  # noqa: TID251 - invented people need no secret numbers
from typing import Final, TypeAlias

from flask_app.seeds import refuse_production

PASSWORD: Final = "kesäyö Saimaalla 1998"
"""The password of everybody in the population. It is public: never serve these accounts to anyone but yourself."""

MOST: Final = 1_000_000
"""The most people that the demo makes."""

SLOW_HASHES: Final = {
    "pbkdf2 of Django": "pbkdf2_sha256$260000$Esimerkkila1$zzgPIoVJr0/a2hDmSFzoLwsIEnOqAXx0ADhvNedO/qg=",
    "bcrypt of PHP": "$2y$10$isczTp/4IN6XreToSMjOyeWLRLfURuK11QDXuJNO7OFKKH/hJvMK2",
    "SHA-512 of Unix": (
        "$6$Esimerkkila1$6uPtTUOpYDhvaiQSDx8ju2ZK0/MXPyda484ze7mKyf0I7ABZo36C62MAVVK/ryCjV8ZKXJM8ZlWe4Xb.6sVrC0"
    ),
    "phpass of WordPress": "$P$BEsimerkkhF0ac7I8Edj8ywUcYExFM1",
}
"""`PASSWORD` as older systems stored it. One hash for each format, because making one for each person takes minutes."""

FAST_HASHES: Final = {
    "SHA-1 of LDAP": "{SSHA}V+pdVt3Yj/Qy5MyXNGV8wdT958NFc2ltZXJraw==",
    "SHA-1 of Django": "sha1$Esimerkkila$b8f7a1fa0ccaad9a6bbabb197cdcc738c473ba09",
    "MD5, in Latin-1": "8e29be994b053f85eadb696b856af960",
}
"""The same in formats that are guessed fast. Few people have one, because wrapping a hash in Argon2id takes time."""

_DECLARED: Final = {"MD5, in Latin-1": {"password_format": "md5", "password_encoding": "ISO-8859-1"}}

_FIRST_FI: Final = (
    "Aino", "Antti", "Eero", "Eeva", "Emilia", "Hannu", "Heikki", "Helmi", "Ilona", "Jari", "Juhani", "Kaisa", "Lauri",
    "Liisa", "Marja", "Matti", "Mikko", "Onni", "Päivi", "Pekka", "Raija", "Sanna", "Seppo", "Tuula", "Väinö", "Ville",
)  # fmt: skip
_LAST_FI: Final = (
    "Aalto", "Halonen", "Heikkinen", "Hämäläinen", "Järvinen", "Karjalainen", "Korhonen", "Koskinen", "Laine",
    "Lehtonen", "Mäkelä", "Nieminen", "Niemi", "Pöyhönen", "Räsänen", "Salonen", "Turunen", "Virtanen", "Väisänen",
)  # fmt: skip
_FIRST_SV: Final = ("Anders", "Åsa", "Björn", "Erik", "Gunilla", "Göran", "Ingrid", "Karin", "Märta", "Örjan", "Sven")
_LAST_SV: Final = ("Ahlfors", "Björklund", "Grönholm", "Holmström", "Lindqvist", "Nyström", "Söderholm", "Åkerblom")
_DOMAINS: Final = ("posti.example",) * 6 + ("mejl.example",) * 2 + ("example.com", "example.org")
_ASCII: Final = str.maketrans("åäöé", "aaoe")

Row: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Somebody of the population with whom one can try the demo.

    Attributes:
        username: What signs in before the move.
        email: The address on file; empty when there is none.
        remark: What is special.
    """

    username: str
    email: str
    remark: str


def people(count: int, seed: int = 1998) -> Iterator[Row]:
    """Give *count* rows for `CityAuth.population.import_people`; with 24 or more, every kind of person is among them.

    Raises:
        DemoError: this is production, where accounts with a public password have no place.
    """
    refuse_production()
    for number, (row, _) in enumerate(_drawn(seed)):
        if number == count:
            return
        yield row


def samples(count: int, seed: int = 1998) -> list[Sample]:
    """Return the first of each kind among *count* people."""
    found: dict[str, Sample] = {}
    for number, (row, remark) in enumerate(_drawn(seed)):
        if number >= min(count, 100):
            break
        found.setdefault(remark, Sample(row["username"], row["email"], remark))
    return list(found.values())


def _drawn(seed: int) -> Iterator[tuple[Row, str]]:
    """Give people without end: first one group of each kind, then kinds as often as a city has them."""
    city = _City(seed)
    yield from city.with_old_hashes()
    for draw in _KINDS:
        yield from draw(city)
    kinds, shares = list(_KINDS), list(_KINDS.values())
    while True:
        yield from city.random.choices(kinds, shares)[0](city)


class _City:
    """Draws people. It is a class because each draw moves the random numbers and the count on."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - invented people need no secret numbers
        self._number = 0

    def person(self, **cells: str) -> Row:
        """Return the next person; *cells* replace what would be drawn."""
        self._number += 1
        swedish = self.random.random() < 0.12  # noqa: PLR2004 - the share of people who are served in Swedish
        first = self.random.choice(_FIRST_SV if swedish else _FIRST_FI)
        last = self.random.choice(_LAST_SV if swedish else _LAST_FI)
        plain = f"{first}.{last}".lower().translate(_ASCII)
        return {
            "external_id": f"vanha-{self._number:07}",
            "realm": "citizen",
            "username": f"{first.lower()}{last[0].lower()}{self._number}",
            "email": f"{plain}.{self._number}@{self.random.choice(_DOMAINS)}",
            "display_name": f"{first} {last}",
            "language": "sv" if swedish else "fi",
            "password_hash": self.random.choice(list(SLOW_HASHES.values())),
            **cells,
        }

    def with_old_hashes(self) -> Iterator[tuple[Row, str]]:
        """Give one person for each format of a stored hash."""
        for name, stored in {**SLOW_HASHES, **FAST_HASHES}.items():
            yield self.person(password_hash=stored, **_DECLARED.get(name, {})), f"password stored as {name}"


_Kind: TypeAlias = Callable[[_City], list[tuple[Row, str]]]


def _ordinary(city: _City) -> list[tuple[Row, str]]:
    return [(city.person(), "nothing: the address is free")]


def _own_address(city: _City) -> list[tuple[Row, str]]:
    row = city.person()
    return [({**row, "username": row["email"]}, "the username is the address")]


def _official(city: _City) -> list[tuple[Row, str]]:
    return [(city.person(realm="official"), "an official: does not move")]


def _disabled(city: _City) -> list[tuple[Row, str]]:
    return [(city.person(status="disabled"), "disabled: does not sign in")]


def _without_address(city: _City) -> list[tuple[Row, str]]:
    return [(city.person(email=""), "no address on file")]


def _wrong_address(city: _City) -> list[tuple[Row, str]]:
    row = city.person()
    return [({**row, "email": row["email"].replace("@", " at ")}, "the address on file is none")]


def _household(city: _City) -> list[tuple[Row, str]]:
    one = city.person()
    others = [city.person(email=one["email"]) for _ in range(city.random.choice((1, 1, 1, 2)))]
    return [(row, "one address for a household") for row in (one, *others)]


def _twice(city: _City) -> list[tuple[Row, str]]:
    one = city.person()
    two = city.person(email=one["email"].title(), display_name=one["display_name"], language=one["language"])
    return [(row, "one person with two accounts") for row in (one, two)]


def _stranger(city: _City) -> list[tuple[Row, str]]:
    one = city.person()
    two = city.person(username=one["email"])
    return [(one, "the address is another's username"), (two, "the username is another's address")]


def _similar(city: _City) -> list[tuple[Row, str]]:
    one = city.person()
    local, _, domain = one["email"].partition("@")
    texts = (one["email"], f"{local}+kaupunki@{domain}", f"{local.replace('.', '', 1)}@{domain}")
    rows = [one, *(city.person(email=text) for text in texts[1:])]
    return [(row, "an address that is like another one") for row in rows]


def _typo(city: _City) -> list[tuple[Row, str]]:
    row = city.person()
    local = row["email"].partition("@")[0]
    return [({**row, "email": f"{local}@psoti.example"}, "a slip in the domain of the address")]


def _dead_domain(city: _City) -> list[tuple[Row, str]]:
    row = city.person()
    local = row["email"].partition("@")[0]
    return [({**row, "email": f"{local}@lakkautettu.invalid"}, "a domain that does not exist (with --check-dns)")]


_KINDS: Final[Mapping[_Kind, float]] = {
    _ordinary: 880,
    _own_address: 15,
    _official: 20,
    _disabled: 8,
    _without_address: 35,
    _wrong_address: 8,
    _household: 7,
    _twice: 2,
    _stranger: 1,
    _similar: 1,
    _typo: 4,
    _dead_domain: 4,
}
"""How often each kind of draw comes, in a thousand draws: two people in a hundred share their address."""
