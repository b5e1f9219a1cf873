"""Sends the mails of the outbox while the demo runs, and deletes what has expired."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from cityauth import CityAuth, ConfigurationError, MemoryMailer, StoreError
from cityauth.mailers.smtp import SmtpMailer
from flask_app.config import DemoError

EVERY = 0.5
"""Seconds between two looks at the outbox; a look at an empty one is a single query."""

TIDY_EVERY = 3600.0
"""Seconds between two rounds of clearing away."""

PATIENCE = 5.0
"""Seconds that the end waits for a mail that is being sent."""

SENDER = "ei-vastausta@example.com"

logger = logging.getLogger("flask_app.sending")


def mailer_for(smtp: str | None) -> MemoryMailer | SmtpMailer:
    """Return what sends the demo's mail: the SMTP server at ``HOST:PORT``, or without one the demo mailbox.

    A server on this computer is spoken to as it is, any other one under STARTTLS.

    Raises:
        DemoError: *smtp* is no host and port.
    """
    if smtp is None:
        return MemoryMailer()
    host, _, port = smtp.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - the highest port
        raise DemoError(f"{smtp} is no mail server; write its name and port, such as localhost:1025")
    local = host in {"localhost", "127.0.0.1", "::1"}
    try:
        return SmtpMailer(
            host, int(port), sender=SENDER, sender_name="Esimerkkilä", security="none" if local else "starttls"
        )
    except ConfigurationError as error:
        raise DemoError(str(error)) from error


@contextmanager
def sending(auth: CityAuth) -> Iterator[None]:
    """Send mail for the time of the block, in a thread of its own."""
    ended = Event()
    thread = Thread(target=_send_until, args=(ended, auth), name="outbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(PATIENCE)  # a mail server that does not answer must not keep the demo from ending


def _send_until(ended: Event, auth: CityAuth) -> None:
    """Look at the outbox again and again. A store that cannot answer is asked again, and nothing is lost."""
    tidied = -TIDY_EVERY
    while not ended.wait(EVERY):
        try:
            flushed = auth.outbox.flush()
            if flushed.postponed:
                logger.warning("%d mails could not be sent and wait", flushed.postponed)
            if time.monotonic() - tidied >= TIDY_EVERY:
                auth.housekeeping.purge()
                tidied = time.monotonic()
        except StoreError as error:
            logger.warning("the outbox cannot be read: %s", error)
