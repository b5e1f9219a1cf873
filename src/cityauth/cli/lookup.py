"""Find the account that an administrator means: by an identifier of any status, or by its id."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cityauth import CityAuth
from cityauth.cli.database import Load
from cityauth.core.account import Account, AccountId
from cityauth.core.client import ClientContext
from cityauth.core.identifier import Malformed, look_up
from cityauth.core.resolution import AccountIdentifier, IdentifierResolver, Match, Resolution
from cityauth.flows.accounts import AccountRecord
from cityauth.policy import Policy
from cityauth.policy.realms import Phase
from cityauth.ports.stores import Store

FROM_COMMAND = ClientContext(user_agent="the cityauth command")
"""What the audit trail says about where a change came from."""


class By(StrEnum):
    """What a text is to be taken for."""

    IDENTIFIER = "identifier"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Shown:
    """An account as the command shows it.

    Attributes:
        record: The account with its identifiers.
        phase: The phase that holds for it now; ``None`` when the configuration lacks its realm.
        judged: Each identifier with what it is at that phase.
        has_password: Whether a hash is stored.
    """

    record: AccountRecord
    phase: Phase | None
    judged: tuple[tuple[AccountIdentifier, Resolution], ...]
    has_password: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        resolution: The text explained as an identifier; ``None`` when it was taken for an id alone.
        accounts: The accounts that it names, as an identifier or as an id; more than one is for people to
            decide, never for the command.
    """

    resolution: Resolution | None
    accounts: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Registry:
    """The deployment as the command reads it."""

    auth: CityAuth
    store: Store
    policy: Policy

    def find(self, text: str, by: By | None, now: datetime) -> Finding:
        """Find what *text* names, as an identifier and as an id, unless *by* says as which."""
        ids: list[AccountId] = []
        resolution = None
        if by is not By.ID:
            resolution = self.auth.identifiers.resolve(text)
            ids += (
                [one.account.id for one in self.holders(text)]
                if resolution.holder is None
                else [resolution.holder.account.id]
            )
        if by is not By.IDENTIFIER and text.isprintable():
            ids.append(AccountId(text))
        shown = (self.show(account_id, now) for account_id in dict.fromkeys(ids))
        return Finding(resolution, tuple(one for one in shown if one is not None))

    def holders(self, text: str) -> Sequence[Match]:
        """Return who holds *text* as an identifier of any status."""
        readings = look_up(text)
        return () if isinstance(readings, Malformed) else self.store.find([one.key for one in readings])

    def show(self, account_id: AccountId, now: datetime) -> Shown | None:
        """Return the account of that id, or ``None`` when there is none."""
        record = self.auth.accounts.show(account_id)
        if record is None:
            return None
        resolver = IdentifierResolver(self.policy.realms)
        judged = tuple((held, _explain(resolver, record.account, held, now)) for held in record.account_identifiers)
        return Shown(
            record,
            resolver.phase_of(record.account, now) if resolver.has_phase(record.account) else None,
            judged,
            has_password=self.store.password_hash(account_id) is not None,
        )


def _explain(resolver: IdentifierResolver, account: Account, held: AccountIdentifier, now: datetime) -> Resolution:
    """Explain one identifier of *account* by itself."""
    found = Match(account, held, None)
    return resolver.explain(held.identifier.shown, (held.identifier,), [found], now)


@contextmanager
def open_registry(load: Load) -> Iterator[Registry]:
    """Open the deployment for the time of one command."""
    configuration = load()
    with closing(configuration.store()) as store:
        yield Registry(configuration.auth(store, check_mailer=False), store, configuration.policy)
