"""``cityauth identifier``: release an identifier that would never pass to another account by itself."""

import click

from cityauth.cli.database import Load
from cityauth.cli.error_messages import MALFORMED
from cityauth.cli.errors import Refusal
from cityauth.cli.lookup import FROM_COMMAND, open_registry
from cityauth.cli.output import say
from cityauth.core.account import AccountId
from cityauth.core.change import Precondition
from cityauth.core.identifier import Malformed
from cityauth.flows.accounts import AccountRefused


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
        return f"{text!r} is an identifier of the account {refused.holder}: give --account if that has retired it"
    if account_id is None:
        return f"{text!r} is free already: no account has it, and no erased account had it"
    return f"{text!r} is no retired identifier of the account {account_id}; see `cityauth account show`"
