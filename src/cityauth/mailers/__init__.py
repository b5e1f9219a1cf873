"""Ready-made mailers: `SmtpMailer` for a service, `MemoryMailer` for tests and demonstrations."""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.mailers.memory import MemoryMailer
    from cityauth.mailers.smtp import SmtpMailer

__all__ = ["MemoryMailer", "SmtpMailer"]

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOMES = {"MemoryMailer": "cityauth.mailers.memory", "SmtpMailer": "cityauth.mailers.smtp"}
    __getattr__, __dir__ = _attach(__name__, _HOMES)
