"""What goes through a mailbox."""

from cityauth.api._async.namespace import Namespace
from cityauth.api.drivers import run_async
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.link import Done, LinkDead, LinkOutcome, MailOutcome
from cityauth.core.mail import OutboxStatus
from cityauth.flows import (
    outbox,
    recovery,
)
from cityauth.flows.outbox import Flushed
from cityauth.flows.passwords import PasswordRejected


class Recovery(Namespace):
    """Forgotten username or password: `request` a link, `inspect` it, `complete` with a new password."""

    async def request(self, entered: object, *, client: ClientContext = UNKNOWN_CLIENT) -> MailOutcome:
        """Mail a link to whoever *entered* names, at the stored and verified address.

        Returns:
            `MailAwaited`, the same whatever is stored; `MailerDown`, the same for everyone, while mail
            cannot be sent (what was asked for stays queued); `Declined` for text that can be no identifier.
        """
        return await run_async(recovery.request(self._deployment, entered, client), self._answers)

    async def inspect(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> LinkOutcome:
        """Look at the link of a reset or an invitation; nothing is used up, however often.

        Returns:
            `LinkLive` with the login name, or `LinkDead`.
        """
        return await run_async(recovery.inspect(self._deployment, token, client), self._answers)

    async def complete(
        self, token: object, password: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> Done | PasswordRejected | LinkDead:
        """Set a new password with the link, once.

        Returns:
            `Done`: every session has ended and nobody is signed in; `PasswordRejected`: nothing was used
            up; `LinkDead`.
        """
        return await run_async(recovery.complete(self._deployment, token, password, client), self._answers)


class Outbox(Namespace):
    """Mail on its way: send it from a job that runs every few seconds, outside any request."""

    async def flush(self) -> Flushed:
        """Send the mails that are due, a batch of them; return what came of it. Never raises for a mailer that is down.

        Raises:
            StoreError: the store cannot answer; nothing is lost.
        """
        return await run_async(outbox.flush(self._deployment), self._answers)

    async def status(self) -> OutboxStatus:
        """Return how the outbox stands."""
        return await run_async(outbox.status(), self._answers)
