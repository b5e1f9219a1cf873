"""`AuditSink`: where committed audit events go besides the store."""

from typing import Protocol

from cityauth.core.audit import AuditEvent


class AuditSink(Protocol):
    """Hears of every audit event after it was committed: a log, a monitor."""

    def emit(self, event: AuditEvent) -> None:
        """Pass *event* on. Must not block for long, and must not raise: the commit has happened."""
        ...
