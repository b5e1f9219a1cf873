"""Every contender of the performance lab does the job that it is timed for."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from benchmarks.arena import Arena
from benchmarks.peers import MODULES, Peer
from benchmarks.population import PASSWORD, WRONG_PASSWORD, email, sample
from cityauth.stores.sql import SqlStore

NEEDS = {"django": "django", "flask_security": "flask_security"}
PEOPLE = 5
ABSENT = email(PEOPLE)

NEEDED = (SqlStore,)  # a run without extras leaves this file out


INSTALLED = [name for name in MODULES if find_spec(NEEDS.get(name, "cityauth"))]
"""The peers of the dependency group 'bench' take part where they are."""


@pytest.fixture(scope="module", params=INSTALLED)
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A contender with a few people."""
    with Arena(tmp_path_factory.mktemp("arena"), PEOPLE, [("it", request.param)]).peers() as opened:
        yield opened["it"]


def test_a_sign_in_is_verified_and_stored(peer: Peer) -> None:
    """The right password opens one session, which finds its person; a session of nobody finds nobody."""
    for n in range(PEOPLE):
        before = peer.sessions()
        token = peer.sign_in(email(n), PASSWORD)
        assert token is not None
        assert peer.check(token) == email(n)
        assert peer.sessions() == before + 1
    assert peer.check("x" * 43) is None


@pytest.mark.parametrize(("who", "password"), [(email(1), WRONG_PASSWORD), (ABSENT, PASSWORD)])
def test_a_refused_attempt_opens_nothing(peer: Peer, who: str, password: str) -> None:
    """A wrong password and an unknown address are refused and leave no session."""
    before = peer.sessions()
    assert peer.sign_in(who, password) is None
    assert peer.sessions() == before


def test_an_identifier_finds_its_person_alone(peer: Peer) -> None:
    """Everybody is found by the address, and nobody by another one."""
    assert [peer.resolve(email(n)) for n in range(PEOPLE)] == [email(n) for n in range(PEOPLE)]
    assert peer.resolve(ABSENT) is None


def test_everybody_has_a_session_to_begin_with(peer: Peer) -> None:
    """The sessions are as many as the people, but where a session is a cookie and nothing is stored."""
    assert peer.sessions() >= (0 if peer.name == "Flask-Security" else PEOPLE)


def test_the_sample_is_the_same_in_every_run() -> None:
    """All contenders, and all runs, are asked about the same people."""
    assert sample(1000, 10) == sample(1000, 10)
    assert len(set(sample(1000, 10))) == 10
    assert sorted(sample(3, 10)) == [0, 1, 2]
