"""Which domains take mail, by the answers of a DNS that the test plays."""

import pytest

pytest.importorskip("dns", reason="the check of domains needs the extra 'dns'")

import dns.exception
import dns.resolver
from dns.rdatatype import MX, A

from cityauth.mailers import DnsDomainCheck
from cityauth.ports.services import DomainCheck, DomainState

ALIVE, DEAD, UNKNOWN = DomainState.ALIVE, DomainState.DEAD, DomainState.UNKNOWN


class Exchange:
    """A record that names a mail server."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange


class Resolver:
    """Plays the DNS: for each domain, its records by kind, or the error that asking for it raises."""

    def __init__(self, zone: dict[str, object]) -> None:
        self.zone = zone
        self.asked: list[str] = []

    def resolve(self, name: object, kind: object, *, lifetime: float, search: bool) -> object:
        """Answer one question as dnspython does."""
        assert (lifetime, search) == (1.5, False)
        domain = str(name).rstrip(".")
        self.asked.append(domain)
        known = self.zone.get(domain, dns.resolver.NXDOMAIN())
        if isinstance(known, Exception):
            raise known
        assert isinstance(known, dict)
        if kind not in known:
            raise dns.resolver.NoAnswer
        return known[kind]


ZONE: dict[str, object] = {
    "mail.example": {MX: [Exchange("mx.mail.example.")]},
    "bare.example": {A: ["192.0.2.1"]},
    "none.example": {MX: [Exchange(".")]},
    "empty.example": {},
    "slow.example": dns.exception.Timeout(),
    "broken.example": dns.resolver.NoNameservers(),
    "unreachable.example": OSError("network is unreachable"),
}


def check(zone: dict[str, object]) -> tuple[DnsDomainCheck, Resolver]:
    """A check, and the DNS that it asks."""
    resolver = Resolver(zone)
    return DnsDomainCheck(seconds=1.5, resolver=resolver), resolver  # type: ignore[arg-type]  # plays one


@pytest.mark.parametrize(
    ("domain", "state"),
    [
        ("mail.example", ALIVE),
        ("bare.example", ALIVE),
        ("none.example", DEAD),
        ("empty.example", DEAD),
        ("missing.example", DEAD),
        ("slow.example", UNKNOWN),
        ("broken.example", UNKNOWN),
        ("unreachable.example", UNKNOWN),
        (f"{'x' * 70}.example", UNKNOWN),
        ("..", UNKNOWN),
    ],
)
def test_only_the_dns_itself_makes_a_domain_dead(domain: str, state: DomainState) -> None:
    """A domain is dead only by an answer of the DNS that it has no mail server and no address, or takes no mail."""
    checked, _ = check(ZONE)
    assert checked.check([domain]) == {domain: state}


def test_a_domain_is_asked_for_once() -> None:
    """Answers are kept: the second question about a domain asks nobody, also within one call."""
    checked, resolver = check(ZONE)
    for _ in range(2):
        assert checked.check(["mail.example", "mail.example", "slow.example"]) == {
            "mail.example": ALIVE,
            "slow.example": UNKNOWN,
        }
    assert sorted(resolver.asked) == ["mail.example", "slow.example"]


def test_a_resolver_that_never_answers_is_given_up() -> None:
    """When nobody answers for long, the rest of the domains stay unknown and are not asked for."""
    domains = [f"d{number}.example" for number in range(500)]
    checked, resolver = check({domain: dns.exception.Timeout() for domain in domains})
    assert set(checked.check(domains).values()) == {UNKNOWN}
    assert len(resolver.asked) < 60


def test_all_calls_together_are_bounded() -> None:
    """When the time for all questions is used up, the other domains stay unknown and are not asked for."""
    resolver = Resolver(ZONE)
    checked = DnsDomainCheck(seconds=1.5, seconds_in_all=0, resolver=resolver)  # type: ignore[arg-type]  # plays one
    assert checked.check(["mail.example", "missing.example"]) == {"mail.example": UNKNOWN, "missing.example": UNKNOWN}
    assert resolver.asked == []


def test_a_machine_without_a_resolver_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has no configuration of the DNS, every domain is unknown and none is dead."""

    def fail() -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", fail)
    checked: DomainCheck = DnsDomainCheck()
    assert checked.check(["mail.example"]) == {"mail.example": UNKNOWN}


def test_the_machines_own_resolver_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a resolver of the host's, the machine's configuration is read once."""
    made: list[Resolver] = []

    def make() -> Resolver:
        made.append(Resolver({"a.example": {MX: [Exchange("mx.")]}, "b.example": {}}))
        return made[-1]

    monkeypatch.setattr(dns.resolver, "Resolver", make)
    checked = DnsDomainCheck(seconds=1.5)
    assert checked.check(["a.example"]) == {"a.example": ALIVE}
    assert checked.check(["b.example"]) == {"b.example": DEAD}
    assert len(made) == 1
