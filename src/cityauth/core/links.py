"""Mailed links: what the page of one may show, and what a mailed link may do, once.

The link holds a signed random id; the store holds its digest. Using a token is a conditional write that
can lose, and that is what single-use means.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from cityauth.core.accounts import AccountId
from cityauth.core.answers import Refused
from cityauth.core.signing import Purpose

ID_BYTES = 16
"""128 random bits (ASVS 11.5.1)."""


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """One outstanding link, as stored.

    Attributes:
        digest: SHA-256 of the id that the link holds, 32 bytes; the store's key.
        purpose: What it is for.
        account_id: Whose account, or ``None``: a sign-up has none yet, a dummy never one.
        epoch: The account's epoch when it was issued. The token works at no other epoch: any change of password,
            e-mail, username or status. ``None`` for what must work after such changes: the undo of an
            e-mail change, and one-time tokens without an account.
        address: The login address that the link confirms or restores, as registered; else ``None``. An undo restores
            every address that signed in, one a line, and the username that the new address replaced.
        contact: The address that mail goes to again once an undo was used; else ``None``.
        issued_at: When it was issued; its lifetime counts from here, whenever the mail arrives.
        expires_at: When it ends by itself.
        issued_epoch: The account's epoch when it was issued; ``None`` without an account. It orders the links of one
            account. Times would not: two hosts' clocks differ.
    """

    digest: bytes
    purpose: Purpose
    account_id: AccountId | None
    epoch: int | None
    address: str | None
    issued_at: datetime
    expires_at: datetime
    contact: str | None = None
    issued_epoch: int | None = None


def id_of(entropy: bytes) -> str:
    """Return the id that the link holds, as text."""
    return base64.urlsafe_b64encode(entropy).rstrip(b"=").decode()


def digest_of_id(token_id: object) -> bytes | None:
    """Return the digest under which a one-time token is stored, or ``None`` for what can be no id."""
    if not isinstance(token_id, str) or not token_id:
        return None
    return hashlib.sha256(b"one_time_token:" + token_id.encode()).digest()


@dataclass(frozen=True, slots=True)
class LinkLive:
    """The link may be used. Looking at it has used nothing up.

    Attributes:
        purpose: What it is for.
        login_name: The account's login name, for the password manager; for a sign-up and for a change of
            address the address that the link confirms or restores.
        address: The address that the link confirms or restores, if it does.
        account: What the account signs in with now, masked, such as ``e•••@example.com``: the page names the
            account by it. Empty where nothing signs in. Two answers are equal whatever it says.
    """

    purpose: Purpose
    login_name: str
    address: str | None = None
    account: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LinkRefused(Refused):
    """The link does nothing: unknown, forged, used, overtaken or too old. The page forgets it and offers a new one."""


LinkOutcome: TypeAlias = LinkLive | LinkRefused
