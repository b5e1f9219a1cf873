"""Accounts: who signs in. The id never changes; a person's case history hangs on it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from cityauth.policy.realms import Phase

AccountId = NewType("AccountId", str)
"""Opaque, immutable, never reused; made by cityauth or given by the host at import."""


class Status(StrEnum):
    """Whether an account may sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """What a host may know of an account: everything but its password hash.

    Attributes:
        id: See `AccountId`.
        realm: ``citizen``, ``official`` or the host's own; decides which kinds sign in.
        display_name: The person's name as shown.
        language: ``fi``, ``sv`` or ``en``: the language of pages and mails.
        status: Whether the account may sign in.
        epoch: Advanced whenever all of the account's sessions must end.
        contact: The verified e-mail address that mail goes to, or ``None``.
        phase: The account's own phase, or ``None`` for the realm's.
    """

    id: AccountId
    realm: str
    display_name: str
    language: str = "fi"
    status: Status = Status.ACTIVE
    epoch: int = 0
    contact: str | None = None
    phase: Phase | None = None
