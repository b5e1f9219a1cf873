"""Find the account that an administrator means, show it, and ``cityauth identifiers``."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import click

from cityauth import CityAuth
from cityauth.cli.errors import MALFORMED, Refusal, characters_of, reason_of
from cityauth.cli.operations import Load
from cityauth.cli.output import say, show_fields, show_table
from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.changes import Precondition
from cityauth.core.client import ClientContext
from cityauth.core.identifiers import Malformed, look_up
from cityauth.core.resolution import AccountIdentifier, IdentifierResolver, Match, Resolution
from cityauth.flows.accounts import AccountRecord
from cityauth.flows.identifiers import AccountRefused
from cityauth.policy import Policy
from cityauth.policy.realms import Phase
from cityauth.ports.stores import Store

FROM_COMMAND = ClientContext(user_agent="the cityauth command")
"""What the audit trail says about where a change came from."""


class By(StrEnum):
    """How a text is to be read: as an identifier or as an account's id."""

    IDENTIFIER = "identifier"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Shown:
    """An account as the command shows it.

    Attributes:
        record: The account with its identifiers.
        phase: The phase that holds for it now; ``None`` when the configuration lacks its realm.
        judged: Each identifier with its explanation at that phase.
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
        """Find the accounts that *text* names, as an identifier and as an id, or only as *by* says."""
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


_NO_PASSWORD = "The account has no password: `cityauth account invite` makes a link that sets one."  # noqa: S105


def print_account(shown: Shown) -> None:
    """Print the account and its identifiers, each explained."""
    account = shown.record.account
    whose = "its own" if account.phase else f"of the realm {account.realm}"
    show_fields(
        [
            ("name", account.display_name),
            ("id", account.id),
            *([("external id", account.external_id)] if account.external_id else []),
            ("realm", account.realm),
            ("status", account.status),
            ("phase", f"{shown.phase}, {whose}" if shown.phase else "none: the configuration lacks the realm"),
            ("contact", _contact_of(account)),
            ("language", account.language),
            ("password", _password_of(shown)),
            *([("failures", f"{shown.record.failures} sign-ins in a row")] if shown.record.failures else []),
        ]
    )
    show_table(
        ("identifier", "kind", "status", "explained", "characters"),
        [
            (
                account_identifier.identifier.shown,
                account_identifier.identifier.kind,
                account_identifier.status,
                reason_of(resolution),
                characters_of(account_identifier.identifier),
            )
            for account_identifier, resolution in shown.judged
        ],
    )
    if account.status is Status.DISABLED:
        say("The account is disabled: nobody can sign in to it.", "yellow")
    elif not shown.has_password:
        say(_NO_PASSWORD, "yellow")


def finding_as_json(finding: Finding) -> dict[str, object]:
    """Return what was found, for `say_json`."""
    found = finding.resolution
    return {
        "resolution": found
        and {
            "entered": found.entered,
            "outcome": found.outcome,
            "reason": found.reason,
            "kind": found.kind,
        },
        "accounts": [shown_as_json(one) for one in finding.accounts],
    }


def _contact_of(account: Account) -> str:
    if account.contact is None:
        return "none"
    return account.contact if account.contact_verified else f"{account.contact} (not verified)"


def _password_of(shown: Shown) -> str:
    """Return whether there is a password, and whether it signs in."""
    if not shown.has_password:
        return "none"
    if shown.record.password_disabled:
        return "stored, but disabled after too many failed sign-ins: send the person a link for a new one"
    return "stored"


def shown_as_json(shown: Shown) -> dict[str, object]:
    """Return the account, for `say_json`."""
    account = shown.record.account
    return {
        "id": account.id,
        "name": account.display_name,
        "realm": account.realm,
        "status": account.status,
        "phase": shown.phase,
        "own_phase": account.phase,
        "contact": account.contact,
        "contact_verified": account.contact_verified,
        "external_id": account.external_id,
        "language": account.language,
        "has_password": shown.has_password,
        "password_disabled": shown.record.password_disabled,
        "failures": shown.record.failures,
        "identifiers": [
            _identifier_as_json(account_identifier, resolution) for account_identifier, resolution in shown.judged
        ],
    }


def _identifier_as_json(account_identifier: AccountIdentifier, resolution: Resolution) -> dict[str, object]:
    return {
        "shown": account_identifier.identifier.shown,
        "kind": account_identifier.identifier.kind,
        "key": account_identifier.identifier.key,
        "status": account_identifier.status,
        "outcome": resolution.outcome,
        "reason": resolution.reason,
        "characters": characters_of(account_identifier.identifier),
    }


@click.group()
def identifier() -> None:
    """Release identifiers: the exception to the rule that none passes to another account."""


@identifier.command()
@click.argument("text")
@click.option("--account", "account_id", metavar="ID", help="The id of the account that has retired it.")
@click.pass_obj
def release(load: Load, *, text: str, account_id: str | None) -> None:
    """Make the identifier TEXT free. The first person who registers it gets it.

    With --account it is a retired identifier of that account. Without it, it is one of an account that was erased. Make
    sure first that the person who asks for it owns it: the audit trail keeps the release.
    """
    with open_registry(load) as registry:
        whose = AccountId(account_id) if account_id is not None else None
        released = registry.auth.accounts.release_identifier(text, whose, client=FROM_COMMAND)
    if isinstance(released, AccountRefused):
        raise Refusal(_why_not_released(text, account_id, released))
    former = "an erased account" if released.account_id is None else f"the account {released.account_id}"
    say(f"Released {released.identifier.shown!r}, which {former} had: it can be registered again.", "green")


def _why_not_released(text: str, account_id: str | None, refused: AccountRefused) -> str:
    """Say why nothing was released, and what to do."""
    if isinstance(refused.why, Malformed):
        return f"{text[:80]!r} {MALFORMED[refused.why]}"
    if refused.why is Precondition.IDENTIFIER_TAKEN:
        return (
            f"{text!r} is an identifier of the account {refused.holder}: give --account if that account has retired it"
        )
    if account_id is None:
        return f"{text!r} is free already: no account has it, and no erased account had it"
    return f"{text!r} is no retired identifier of the account {account_id}; see `cityauth account show`"
