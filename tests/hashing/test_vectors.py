"""Hashes that others published with their passwords: nothing here was made by code that these tests share."""

import pytest

pytest.importorskip("bcrypt", reason="one of the published hashes is of bcrypt")

from cityauth.hashing.hasher import Argon2Hasher
from cityauth.policy import HashProfile
from cityauth.ports.services import Verdict
from tests.support.hashes import password

HASHER = Argon2Hasher(HashProfile(memory_cost=64, time_cost=1, parallelism=1))

HASHCAT = [
    "$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf",
    "$P$984478476IagS59wHZvyQMArzfx58u.",
    "$1$28772684$iEwNOgGugqO9.bIz5sk8k/",
    "$apr1$71850310$gh9m4xcAn3MGxogwX/ztb.",
    "$6$52450745$k5ka2p8bFuSmoVT1tzOyyuaREkkKBcCNqoDKzYiJL9RaE8yMnPgh2XzzF0NDrUhgrcLwg78xs1w5pJiypEdFX/",
    "$5$rounds=5000$GX7BopJZJxPc/KEK$le16UF8I2Anb.rOrn22AUPWvzUETDGefUmAV8AZkGcD",
    "{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=",
    "{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==",
    "{ssha}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==",
    "{SSHA256}OZiz0cnQ5hgyel3Emh7NCbhBRCQ+HVBwYplQunHYnER7TLuV",
    "{SSHA512}ALtwKGBdRgD+U0fPAy31C28RyKYx7+a8kmfksccsOeLknLHv2DBXYI7TDnTolQMBuPkWDISgZr2cHfnNPFjGZTEyNDU4OTkw",
    "0x010018102152f8f28c8499d8ef263c53f8be369d799f931b2fbe",
    (
        "0x02000102030434ea1b17802fd95ea6316bd61d2c94622ca3812793e8fb1672487b5c904a45a31b2a"
        "b4a78890d563d2fcf5663e46fe797d71550494be50cf4915d3f4d55ec375"
    ),
    "*fcf7c1b8749cf99d88e5f34271d636178fb5d130",
    "$3$$b4b9b02e6f09a9bd760f388b67351e2b",
    "sha1$fe76b$02d5916550edf7fc8c886f044887f4b1abf9b013",
    "pbkdf2_sha256$20000$H0dPx8NeajVu$GiC4k5kqbbR9qWBlsRgDywNqC2vd9kqfk7zdorEnNas=",
    "{CRYPT}48c/R8JAv757A",
    "{PKCS5S2}NzIyNzM0NzY3NTIwNjI3MdDDis7wPxSbSzfFqDGf7u/L00kSEnupbz36XCL0m7wa",
]
"""The examples of hashcat's documentation, whose password is always "hashcat"."""

ASPNET = [
    "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
    "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M",
    "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=",
    "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
]
"""The examples of ASP.NET Core's own tests, whose password is "my password"."""

SPRING = [
    "{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG",
    "{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc",
]
"""The examples of Spring Security's reference, whose password is "password"."""


DJANGO = [
    "pbkdf2_sha256$1000000$qedda9jSPLaIcQtzNklpQV$2bqZqhIZysDKBO1rYjgkWVlYPo5wEfinRwunSKwyFBI=",
    "pbkdf2_sha1$1000000$CWakrChrD31w1j9TiBrfhq$dvj733vKfAlcnRbkK3EMkNRyZ38=",
    (
        "argon2$argon2id$v=19$m=102400,t=2,p=8$MXNRUTAzVnpoZmxpTHY2dzNGRmR3Mw$s"
        "jykzS9QnIt9YSSxmSetFp7xBREvjOdAfMQqcVJgTgA"
    ),
    "bcrypt_sha256$$2b$12$KaVyJVC8J.r693Pqy1usx.ArS87ImYx9iOnpkMyQZbQAh5KByV/J.",
    "bcrypt$$2b$12$M8YgbzTgA4BjJEEfwoKB1uPOwvqxzE0Atxhsk.29L.cU6yoOeqXbm",
    (
        "scrypt$16384$yxu3tMsyOF88SH4e3B8AkY$8$5$7lPT5bWpXLc+VDwWLwF+zlHcuRd+QJ"
        "+R5UEs4H4ec75jRUBe5k7zRHrC5bvgmaOcuQwveAs02+5L8XxSPWwXog=="
    ),
    "md5$YeYrqMaIvWax6W9gYYL0oR$d9929ecfa4326b76d0555bba53679eb7",
]
"""Made by Django 5.2, whose password is "kesäyö"."""


@pytest.mark.parametrize("stored", DJANGO)
def test_a_hash_of_django_verifies(stored: str) -> None:
    """What Django itself made matches when it is typed in NFD, and nothing else does (C-49)."""
    assert HASHER.find_defect(stored) is None
    assert HASHER.verify(password("kesa\u0308yo\u0308"), stored).matched
    assert HASHER.verify(password("kesayo"), stored) == Verdict(matched=False)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        *((stored, "hashcat") for stored in HASHCAT),
        *((stored, "my password") for stored in ASPNET),
        *((stored, "password") for stored in SPRING),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
    ],
)
def test_a_published_hash_verifies(stored: str, text: str) -> None:
    """A published hash matches its password, is to be replaced, and matches no other password (C-49)."""
    assert HASHER.verify(password(text), stored) == Verdict(matched=True, outdated=True)
    assert HASHER.verify(password(text + "x"), stored) == Verdict(matched=False)
