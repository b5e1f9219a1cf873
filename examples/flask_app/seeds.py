"""The people and cases of the demo, put into an empty database once."""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import date

from cityauth import AccountId, AccountRefused, CityAuth, NewAccount, Phase, Refused
from flask_app.cases import Case, Cases
from flask_app.config import DemoError


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has had an account since before the change of login.

    Attributes:
        id: The city's own number of the account.
        name: As shown.
        password: Printed at the start, so that anybody can try the demo.
        old_username: The username of the old days.
        email: The address that signs in; empty when none does.
        realm: ``citizen`` or ``official``.
        language: Of the pages.
        phase: Which identifiers sign in.
        django_hash: Whether the password is stored as the former system stored it.
        cases: The history.
    """

    id: str
    name: str
    password: str
    old_username: str
    cases: tuple[Case, ...]
    email: str = ""
    realm: str = "citizen"
    language: str = "fi"
    phase: Phase = Phase.EMAIL_PREFERRED
    django_hash: bool = False


PEOPLE = (
    Person(
        id="kunta-1001",
        name="Erkki Esimerkki",
        password="vanha salasana vuodelta 1998",
        old_username="erkki",
        email="erkki.esimerkki@example.com",
        cases=(
            Case("2009-000412", "daycare", date(2009, 3, 2), "granted"),
            Case("2012-002290", "school", date(2012, 1, 23), "granted"),
            Case("2013-001877", "building", date(2013, 5, 14), "granted"),
            Case("2019-004120", "tree", date(2019, 9, 30), "refused"),
            Case("2024-000951", "feedback", date(2024, 2, 7), "answered"),
        ),
    ),
    Person(
        id="kunta-1002",
        name="Åsa Öhman",
        password="lösenordet från sommaren 2011",
        old_username="åsa_83",
        email="asa.ohman@example.com",
        language="sv",
        phase=Phase.EMAIL_ONLY,
        cases=(
            Case("2011-003381", "boat", date(2011, 6, 17), "granted"),
            Case("2016-000704", "daycare", date(2016, 2, 11), "granted"),
            Case("2021-002655", "parking", date(2021, 8, 3), "granted"),
        ),
    ),
    Person(
        id="kunta-1003",
        name="Matti Meikäläinen",
        password="Ketunpoika7",
        old_username="Matti.M",
        email="matti.m@example.com",
        django_hash=True,
        cases=(
            Case("2010-001530", "allotment", date(2010, 4, 19), "granted"),
            Case("2018-003947", "parking", date(2018, 10, 5), "refused"),
            Case("2024-004418", "tree", date(2024, 11, 12), "open"),
        ),
    ),
    Person(
        id="kunta-9001",
        name="Virve Virkailija",
        password="virkamiehen pitkä salasana",
        old_username="virve.v",
        realm="official",
        phase=Phase.LEGACY_ONLY,
        cases=(
            Case("2014-000087", "keys", date(2014, 1, 7), "granted"),
            Case("2020-001112", "telework", date(2020, 3, 16), "granted"),
        ),
    ),
)
"""The demo's accounts. Their passwords are public: never serve them to anyone but yourself."""


def refuse_production() -> None:
    """Refuse to make the demo's accounts in production.

    Raises:
        DemoError: the environment says that this is production, however it writes that.
    """
    if os.environ.get("CITYAUTH_ENV", "").strip().lower() in {"production", "prod"}:
        raise DemoError("CITYAUTH_ENV is production, where accounts with public passwords have no place")


def seed(auth: CityAuth, cases: Cases) -> bool:
    """Add the people and their cases, unless they are there; what has changed since then stays as it is.

    Returns whether this was the first time.

    Raises:
        DemoError: this is production, or a person cannot be added.
    """
    refuse_production()
    if not cases.is_empty():
        return False
    for person in PEOPLE:
        # Refused for an account that an interrupted start has added: then only its cases are missing.
        outcome = auth.accounts.add(_account(auth, person))
        if isinstance(outcome, AccountRefused) and not auth.accounts.show(AccountId(person.id)):
            raise DemoError(f"{person.name} could not be added ({outcome.why}); use an empty database")
    cases.add({AccountId(person.id): person.cases for person in PEOPLE})
    return True


def _account(auth: CityAuth, person: Person) -> NewAccount:
    retired = person.phase is Phase.EMAIL_ONLY
    return NewAccount(
        id=person.id,
        display_name=person.name,
        realm=person.realm,
        language=person.language,
        email=person.email or None,
        usernames=() if retired else (person.old_username,),
        retired_usernames=(person.old_username,) if retired else (),
        password_hash=django_hash(person.password) if person.django_hash else _hash(auth, person),
        phase=person.phase,
    )


def _hash(auth: CityAuth, person: Person) -> str:
    hashed = auth.passwords.hash(person.password)
    if isinstance(hashed, Refused):
        raise DemoError(f"the password of {person.name} is not acceptable: {hashed.problems[0].code}")
    return hashed.get_secret_value()


def django_hash(password: str, iterations: int = 260_000) -> str:
    """Return *password* as Django 3.2 stored it, the hash that the former system left behind."""
    salt = secrets.token_urlsafe(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${base64.b64encode(digest).decode()}"
