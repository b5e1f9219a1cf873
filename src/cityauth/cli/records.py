"""An account as the command shows it: in columns for a person, as JSON for a program."""

from cityauth.cli.error_messages import characters_of, reason_of
from cityauth.cli.lookup import Finding, Shown
from cityauth.cli.output import say, show_fields, show_table
from cityauth.core.account import Status
from cityauth.core.resolution import AccountIdentifier, Resolution

_NO_PASSWORD = "The account has no password: `cityauth account invite` makes a link that sets one."  # noqa: S105


def print_account(shown: Shown) -> None:
    """Print the account and its identifiers, each explained."""
    account = shown.record.account
    whose = "its own" if account.phase else f"of the realm {account.realm}"
    show_fields(
        [
            ("name", account.display_name),
            ("id", account.id),
            ("realm", account.realm),
            ("status", account.status),
            ("phase", f"{shown.phase}, {whose}" if shown.phase else "none: the configuration lacks the realm"),
            ("contact", account.contact or "none"),
            ("language", account.language),
            ("password", "stored" if shown.has_password else "none"),
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
        "language": account.language,
        "has_password": shown.has_password,
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
