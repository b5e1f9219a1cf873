"""Ready-made mailers: `SmtpMailer` for a service, `MemoryMailer` for tests and demonstrations.

`DnsDomainCheck` says which domains take mail, for a plan of a migration; it needs the extra ``dns``.
"""

from typing import TYPE_CHECKING

from cityauth._lazy import attach as _attach

if TYPE_CHECKING:
    from cityauth.mailers.domains import DnsDomainCheck
    from cityauth.mailers.memory import MemoryMailer
    from cityauth.mailers.smtp import SmtpMailer

__all__ = ["DnsDomainCheck", "MemoryMailer", "SmtpMailer"]

if not TYPE_CHECKING:  # a type checker would take every name for a public one
    _HOMES = {
        "DnsDomainCheck": "cityauth.mailers.domains",
        "MemoryMailer": "cityauth.mailers.memory",
        "SmtpMailer": "cityauth.mailers.smtp",
    }
    __getattr__, __dir__ = _attach(__name__, _HOMES)
