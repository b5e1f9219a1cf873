"""How people are imported, and what an import came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cityauth.core.import_fault import ImportFault

MOST_IN_A_BATCH: Final = 10_000
"""The most people of one commit."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How people are imported.

    Attributes:
        batch: How many rows land in one commit; 1 to 10,000.
        verified: Whether the older system has verified the addresses: then reset links may go there at once.
        accept_invalid_email: Whether a person whose address does not pass is added without one.
        dry_run: Whether everything is done but the commits.
        truncates: Whether the older system let bcrypt cut a password at 72 bytes, or DES crypt at 8; ``None`` leaves it
            to `cityauth.policy.LegacyHashPolicy`.
        nul_ends: Whether the older system ended a password at its first NUL.
    """

    batch: int = 1000
    verified: bool = False
    accept_invalid_email: bool = False
    dry_run: bool = False
    truncates: bool | None = None
    nul_ends: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to. Each row counts once: as added, updated, unchanged or quarantined.

    Attributes:
        rows: Rows that were read.
        added: People who were added.
        updated: People who were there already, and of whom the source said something new.
        unchanged: People who were there already as the source has them.
        quarantined: Rows with a fault. Of a person who was there already, what had no fault was taken over.
        codes: How many rows had each fault.
    """

    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    codes: Mapping[ImportFault, int] = field(default_factory=lambda: MappingProxyType({}))
