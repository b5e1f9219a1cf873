"""The machine's own clock, entropy and log."""

import json
import logging
import secrets
import time
from datetime import UTC, datetime

from cityauth.core.audit import AuditEvent


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


class SystemSleeper:
    """Waits in the thread that asks."""

    def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""
        time.sleep(seconds)


class SystemEntropy:
    """The operating system's secure random generator."""

    def draw(self, count: int) -> bytes:
        """Return *count* random bytes."""
        return secrets.token_bytes(count)


class LogAudit:
    """Writes each audit event as one line of JSON to the logger ``cityauth.audit``.

    Everything but printable ASCII is escaped, so that no user agent can forge a second line.
    """

    def __init__(self) -> None:
        """Use the logger ``cityauth.audit``, level INFO."""
        self._logger = logging.getLogger("cityauth.audit")
        self._said_so = False

    def is_heard(self) -> bool:
        """Whether an event is written somewhere: the level is on, and a handler takes it."""
        if not self._logger.isEnabledFor(logging.INFO):
            return False
        logger: logging.Logger | None = self._logger
        while logger is not None:
            if any(not isinstance(one, logging.NullHandler) for one in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False

    def emit(self, event: AuditEvent) -> None:
        """Log *event*; where logging is not set up for it, say so once."""
        if self._logger.isEnabledFor(logging.INFO):
            self._logger.info("%s", as_json(event))
        elif not self._said_so:
            self._said_so = True
            self._logger.warning(
                "audit events are kept in the store but not logged: set the level of logger 'cityauth.audit' to INFO"
            )


def as_json(event: AuditEvent) -> str:
    """Return *event* as one line of ASCII JSON, the time in ISO 8601."""
    line = {name: value for name, value in _fields(event).items() if value}
    return json.dumps(line, ensure_ascii=True, separators=(",", ":"))


def _fields(event: AuditEvent) -> dict[str, object]:
    return {
        "what": event.what.value,
        "at": event.at.isoformat(),
        "account_id": event.account_id,
        "reason": event.reason,
        "identifier_hash": event.identifier_hash,
        "address": event.address,
        "user_agent": event.user_agent,
        "detail": dict(event.detail),
    }
