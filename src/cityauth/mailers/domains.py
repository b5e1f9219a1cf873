"""`DnsDomainCheck`: which domains take mail, by the DNS. Needs the extra ``dns``."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, final

from cityauth.errors import MissingExtraError
from cityauth.ports.services import DomainState

try:
    import dns.exception
    import dns.name
    import dns.rdatatype
    import dns.resolver
except ImportError:
    raise MissingExtraError("dns", "DnsDomainCheck") from None

_ADDRESSES: Final = (dns.rdatatype.A, dns.rdatatype.AAAA)
_AT_ONCE: Final = 16
_GIVE_UP_AFTER: Final = 20
"""So many domains in a row without an answer: the resolver is not reached, and the rest stay unknown."""


@final
class DnsDomainCheck:
    """Looks up mail servers and addresses of domains. Each domain is asked for once.

    A domain is dead where the DNS says that it does not exist, that it has neither a mail server nor an address, or
    that it takes no mail (RFC 7505). It is unknown where nobody answers in time, so a resolver that cannot be reached
    makes no domain dead.

    It is a class because it keeps the answers, and the resolver.
    """

    def __init__(
        self, *, seconds: float = 3.0, seconds_in_all: float = 600.0, resolver: dns.resolver.Resolver | None = None
    ) -> None:
        """Set the limits.

        Args:
            seconds: How long one question may take.
            seconds_in_all: How long all calls of `check` together may take. Domains that are left then stay unknown.
            resolver: Asks the DNS; the machine's own configuration when ``None``.
        """
        self._seconds = seconds
        self._left = seconds_in_all
        self._resolver = resolver
        self._known: dict[str, DomainState] = {}
        self._silent = 0

    def check(self, domains: Sequence[str]) -> Mapping[str, DomainState]:
        """See `DomainCheck.check`. Sixteen domains are asked for at once."""
        resolver = self._resolver or self._make_resolver()
        wanted = [domain for domain in dict.fromkeys(domains) if domain not in self._known]
        if resolver is not None and wanted:
            begun = time.monotonic()
            until = begun + self._left
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                found = pool.map(lambda domain: self._ask(resolver, domain, until), wanted)
                self._known.update(zip(wanted, found, strict=True))
            self._left -= time.monotonic() - begun
        return {domain: self._known.get(domain, DomainState.UNKNOWN) for domain in domains}

    def _make_resolver(self) -> dns.resolver.Resolver | None:
        try:
            self._resolver = dns.resolver.Resolver()
        except (dns.exception.DNSException, OSError):
            return None
        return self._resolver

    def _ask(self, resolver: dns.resolver.Resolver, domain: str, until: float) -> DomainState:
        """Ask for one domain, unless time is up or nobody has answered for long."""
        if self._silent >= _GIVE_UP_AFTER or time.monotonic() >= until:
            return DomainState.UNKNOWN
        state = self._state_of(resolver, domain)
        self._silent = self._silent + 1 if state is DomainState.UNKNOWN else 0
        return state

    def _state_of(self, resolver: dns.resolver.Resolver, domain: str) -> DomainState:
        try:
            name = dns.name.from_text(domain)
            servers = self._look_up(resolver, name, dns.rdatatype.MX)
            if servers is not None:
                takes_none = all(str(server.exchange) == "." for server in servers)
                return DomainState.DEAD if takes_none else DomainState.ALIVE
            found = any(self._look_up(resolver, name, kind) is not None for kind in _ADDRESSES)
            return DomainState.ALIVE if found else DomainState.DEAD
        except dns.resolver.NXDOMAIN:
            return DomainState.DEAD
        except (dns.exception.DNSException, OSError, ValueError):
            return DomainState.UNKNOWN

    def _look_up(
        self, resolver: dns.resolver.Resolver, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> dns.resolver.Answer | None:
        """Return the records of one kind, or ``None`` when the DNS says that there are none."""
        try:
            return resolver.resolve(name, kind, lifetime=self._seconds, search=False)
        except dns.resolver.NoAnswer:
            return None
