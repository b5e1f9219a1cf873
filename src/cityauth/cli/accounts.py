"""``cityauth account``: add, show, invite, disable and enable accounts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

import click

from cityauth import CityAuth
from cityauth.cli.errors import DEFECT, MALFORMED, PRECONDITION, Misuse, Refusal, reason_of
from cityauth.cli.identifiers import (
    FROM_COMMAND,
    By,
    Finding,
    Registry,
    Shown,
    finding_as_json,
    open_registry,
    print_account,
    shown_as_json,
)
from cityauth.cli.operations import Load
from cityauth.cli.output import say, say_json
from cityauth.core.accounts import Account, AccountId, read_name
from cityauth.core.answers import Problem, Refused
from cityauth.core.changes import Precondition
from cityauth.core.hashing import HashDefect
from cityauth.core.identifiers import Malformed
from cityauth.core.resolution import IdentifierStatus
from cityauth.flows.accounts import AccountOutcome, NewAccount
from cityauth.flows.identifiers import AccountRefused
from cityauth.messages import LANGUAGES, name_and_email
from cityauth.policy import Policy
from cityauth.policy.realms import Phase

_MOST_BYTES = 65536
"""A longer file is no stored hash."""

_by_option = click.option(
    "--by",
    type=click.Choice([by.value for by in By]),
    help="Take TEXT for an identifier or an id alone, where it might be both.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def account() -> None:
    """Add, show, invite, disable and enable accounts."""


@account.command()
@click.option("--name", required=True, help="The person's name as shown.")
@click.option("--email", help="The e-mail address that signs in; mail goes there too.")
@click.option("--contact", help="Where mail goes, if not to --email.")
@click.option("--username", "usernames", multiple=True, help="An old username; may be given again.")
@click.option("--retired-username", "retired", multiple=True, help="One that signs in no more; may be given again.")
@click.option("--realm", default="citizen", show_default=True, help="One of the realms of the configuration.")
@click.option("--language", type=click.Choice(LANGUAGES), default="fi", show_default=True)
@click.option(
    "--phase", type=click.Choice([phase.value for phase in Phase]), help="The account's own phase; else the realm's."
)
@click.option(
    "--password-hash-file",
    "hash_file",
    type=click.File("rb"),
    help="Import the stored hash in this file; - reads standard input. A password itself is never taken.",
)
@_json_option
@click.pass_obj
def add(  # noqa: PLR0913 - one for each option
    load: Load,
    *,
    name: str,
    email: str | None,
    contact: str | None,
    usernames: tuple[str, ...],
    retired: tuple[str, ...],
    realm: str,
    language: str,
    phase: str | None,
    hash_file: IO[bytes] | None,
    as_json: bool,
) -> None:
    """Add an account with its identifiers, or nothing of it."""
    if not (email or usernames):
        raise click.UsageError("an account needs something to sign in with: give --email or --username")
    with open_registry(load) as registry:
        _require_realm(registry.policy, realm)
        new = NewAccount(
            display_name=_name(name),
            realm=realm,
            language=language,
            email=email,
            contact=contact,
            usernames=usernames,
            retired_usernames=retired,
            password_hash=_stored_hash(hash_file, registry.auth),
            phase=Phase(phase) if phase else None,
        )
        added = registry.auth.accounts.add(new, client=FROM_COMMAND)
        if isinstance(added, AccountRefused):
            raise Refusal(_why_not_added(registry, added))
        shown = registry.show(added.id, _now())
    if shown is None:
        raise Refusal("the account was added, and removed again by somebody else")
    if as_json:
        say_json(shown_as_json(shown))
        return
    say(f"Added {_who(added)}.", "green")
    print_account(shown)


@account.command()
@click.argument("text")
@_by_option
@_json_option
@click.pass_obj
def show(load: Load, *, text: str, by: str | None, as_json: bool) -> None:
    """Show and explain the account that TEXT names: an identifier of any status, or an account's id."""
    with open_registry(load) as registry:
        finding = registry.find(text, By(by) if by else None, _now())
    if not finding.accounts:
        raise Refusal(_nobody(text, finding))
    if as_json:
        say_json(finding_as_json(finding))
        return
    if finding.resolution is not None:
        say(f"{text!r} as an identifier: {reason_of(finding.resolution)}.")
    for one in finding.accounts:
        print_account(one)
    if len(finding.accounts) > 1:
        say("These are different accounts: people must decide which one is meant.", "yellow")


@account.command()
@click.argument("text")
@_by_option
@click.pass_obj
def disable(load: Load, *, text: str, by: str | None) -> None:
    """Disable the account that TEXT names, and end all its sessions."""
    changed = _change(load, text, by, lambda auth, account_id: auth.accounts.disable(account_id, client=FROM_COMMAND))
    say(f"Disabled {_who(changed)}: nobody signs in to it, and all its sessions have ended.", "green")


@account.command()
@click.argument("text")
@_by_option
@click.pass_obj
def enable(load: Load, *, text: str, by: str | None) -> None:
    """Enable the disabled account that TEXT names. Its old sessions stay ended."""
    changed = _change(load, text, by, lambda auth, account_id: auth.accounts.enable(account_id, client=FROM_COMMAND))
    say(f"Enabled {_who(changed)}: its identifiers sign in again, and its old sessions stay ended.", "green")


@account.command()
@click.argument("text")
@_by_option
@click.option("--hand-over", is_flag=True, help="Mail nothing and print the link: for an address that no longer works.")
@click.pass_obj
def invite(load: Load, *, text: str, by: str | None, hand_over: bool) -> None:
    """Make a link with which the person sets the password; mail it, or print it where there is no address.

    The link works once, and earlier ones stop working. The password is never the administrator's choice.
    """
    with open_registry(load) as registry:
        one = _the_one(text, registry.find(text, By(by) if by else None, _now()))
        invited = registry.auth.accounts.invite(one.record.account.id, by_mail=not hand_over, client=FROM_COMMAND)
    if isinstance(invited, AccountRefused):
        raise Refusal(f"{_who(one.record.account)} cannot be invited: the account is not active")
    if isinstance(invited, Refused):
        raise Refusal(
            f"{_who(one.record.account)} is not invited: too many invitations went to {one.record.account.contact}"
            " lately; wait, or use --hand-over"
        )
    hours = registry.policy.links.invitation.total_seconds() / 3600
    if invited.link is None:
        say(f"Queued an invitation to {invited.mailed_to}, good for {hours:g} hours.", "green")
    else:
        say(f"Made an invitation, good once and for {hours:g} hours; hand it over in person:", "green")
        say(invited.link.get_secret_value())
        if registry.policy.mail.leads_here:
            say("It leads to this computer alone: set base_url under [mail] to where the service is reached.", "yellow")


@account.command()
@click.argument("text")
@_by_option
@click.option("--to", "address", metavar="ADDRESS", help="The e-mail address that mail goes to from now on.")
@click.option("--remove", is_flag=True, help="Let mail go nowhere.")
@click.pass_obj
def contact(load: Load, *, text: str, by: str | None, address: str | None, remove: bool) -> None:
    """Change the address to which mail to the account that TEXT names goes. What signs in stays as it is.

    Every session and every mailed link of the account ends, and a mail tells the former address.
    """
    if (address is None) is not remove:
        raise click.UsageError("give either --to with the new address, or --remove")
    with open_registry(load) as registry:
        one = _the_one(text, registry.find(text, By(by) if by else None, _now()))
        changed = registry.auth.accounts.change_contact(one.record.account.id, address, client=FROM_COMMAND)
    if isinstance(changed, AccountRefused):
        if isinstance(changed.why, Malformed):
            raise Refusal(f"the address {changed.entered[:80]!r} {MALFORMED[changed.why]}")
        raise Refusal(PRECONDITION[changed.why])
    where = f"Mail goes to {changed.contact}" if changed.contact else "No mail goes to the account"
    say(f"Changed {_who(changed)}. {where} from now on, and its sessions and mailed links have ended.", "green")


def _now() -> datetime:
    return datetime.now(UTC)


def _who(one: Account) -> str:
    """Return the account in one line: name, address and id."""
    return f"{name_and_email(one.display_name, one.contact)}, id {one.id}"


def _change(load: Load, text: str, by: str | None, how: Callable[[CityAuth, AccountId], AccountOutcome]) -> Account:
    """Change the one account that *text* names, and return it."""
    with open_registry(load) as registry:
        one = _the_one(text, registry.find(text, By(by) if by else None, _now()))
        changed = how(registry.auth, one.record.account.id)
    if isinstance(changed, AccountRefused):
        status = one.record.account.status
        if changed.why is Precondition.STATUS_CHANGED:
            raise Refusal(f"{_who(one.record.account)} is {status} already; nothing was changed")
        raise Refusal(PRECONDITION[Precondition(changed.why)])
    return changed


def _the_one(text: str, finding: Finding) -> Shown:
    """Return the one account that was found; refuse where there are several or none."""
    if not finding.accounts:
        raise Refusal(_nobody(text, finding))
    if len(finding.accounts) > 1:
        ids = " and ".join(one.record.account.id for one in finding.accounts)
        raise Refusal(f"{text!r} is the identifier of one account and the id of another ({ids}): say which with --by")
    (one,) = finding.accounts
    for account_identifier, _ in one.judged:
        resolved = finding.resolution
        if (
            account_identifier.status is IdentifierStatus.CONTESTED
            and resolved
            and resolved.identifier == account_identifier.identifier
        ):
            account_id = one.record.account.id
            raise Refusal(f"several accounts hold {text!r}: say which by its id, such as --by id {account_id}")
    return one


def _nobody(text: str, finding: Finding) -> str:
    if finding.resolution is None:
        return f"there is no account of the id {text!r}; look it up by an identifier"
    if finding.resolution.malformed:
        return f"{text!r} {MALFORMED[finding.resolution.malformed]}, and no account has it for its id"
    return f"no account has {text!r} for an identifier or id; check the spelling, look-alike letters differ"


def _name(given: str) -> str:
    name = read_name(given)
    if isinstance(name, Problem):
        raise Refusal(f"--name: {name.text('en')}")
    return name


def _require_realm(policy: Policy, realm: str) -> None:
    if realm not in policy.realms:
        known = ", ".join(policy.realms)
        raise Misuse(f"there is no realm {realm!r}; the configuration has {known}")


def _stored_hash(file: IO[bytes] | None, auth: CityAuth) -> str | None:
    """Read a stored hash, and refuse one that the deployment's hasher cannot verify."""
    if file is None:
        return None
    try:
        stored = file.read(_MOST_BYTES + 1).decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        stored = "?"  # of no known format
    defect = auth.passwords.find_defect(stored)
    if len(stored) > _MOST_BYTES:
        defect = HashDefect.CORRUPT
    if defect:
        raise Refusal(f"the stored hash {DEFECT[defect]}")
    return stored


def _why_not_added(registry: Registry, refused: AccountRefused) -> str:
    """Say which identifier stands in the way, and whose it is."""
    if isinstance(refused.why, Malformed):
        what = "contact address" if refused.about == "contact" else "identifier"
        return f"the {what} {refused.entered[:80]!r} {MALFORMED[refused.why]}"
    if refused.why is not Precondition.IDENTIFIER_TAKEN:
        return PRECONDITION[refused.why]
    never = "an identifier never passes to another account, also a retired one"
    for match in registry.holders(refused.entered):
        whose = f"the account {match.account.id}, {match.account_identifier.status}"
        return f"{refused.entered!r} is an identifier of {whose}: {never}; see `cityauth account show`"
    return (
        f"an identifier given belonged to an account that was erased, {refused.entered!r}: {never};"
        " `cityauth identifier release` is the exception"
    )
