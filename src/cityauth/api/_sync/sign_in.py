"""Sign in, stay signed in, and get in again with a mailed link."""

from collections.abc import Iterable

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import Answers, run
from cityauth.core.accounts import AccountId
from cityauth.core.answers import Done, MailOutcome, Refused
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.hashing import HashDefect
from cityauth.core.links import LinkOutcome, LinkRefused
from cityauth.core.login import Authenticated, LoginStep
from cityauth.core.resolution import Resolution
from cityauth.core.secret import SecretStr
from cityauth.core.sessions import LiveSession, Session, is_fresh, require_live
from cityauth.flows import (
    identifiers,
    login,
    own_password,
    passwords,
    recovery,
    sessions,
)


class Login(Namespace[Answers]):
    """Sign-in in two steps: `identify`, then `submit_password`."""

    def identify(self, entered: object) -> LoginStep:
        """Take an identifier and ask for the password.

        Args:
            entered: What the person typed, as it came in; any type.

        Returns:
            `PasswordRequired`, the same for every identifier, known or not; `Refused` only for text
            that cannot be an identifier.
        """
        return run(login.identify(self._deployment, entered), self._answers)

    def submit_password(
        self,
        pending: object,
        password: object,
        *,
        identifier: object = None,
        remember: bool = False,
        client: ClientContext = UNKNOWN_CLIENT,
        session_token: object = None,
        device_token: object = None,
    ) -> LoginStep:
        """Try a password.

        Args:
            pending: The signed pending login of the last step.
            password: What the person typed, as it came in; any type, any size.
            identifier: What stands in the editable identifier field now; ``None`` when the page has none.
            remember: Whether the person chose to be remembered on this computer.
            client: Where the request comes from.
            session_token: The session cookie that the request brought, if any; it ends at sign-in.
            device_token: The cookie with the `Authenticated.device_token` of an earlier sign-in, if the request brought
                one. Attempts with it have a budget of their own, which strangers cannot use up. It signs nobody in.

        Returns:
            `Authenticated`; `PasswordRequired` with a problem, and with `retry_after` if a limit is reached; or
            `Refused`, if the pending login has expired or is not genuine, or the text cannot be an identifier. The
            problem is the same for an unknown, ambiguous or retired identifier, a disabled account, an account without
            a password and a wrong password. Only if the identifier is retired and the password is right, it names the
            new address, masked.

        Raises:
            UsageError: *pending* is a whole step; give its ``pending``.
            StoreError: the store cannot answer; answer 503, for everyone alike.
            HasherBusyError: there is not enough memory to verify the password now; answer 503.
        """
        return run(
            login.submit_password(
                self._deployment,
                pending,
                password,
                identifier=identifier,
                remember=remember,
                client=client,
                session_token=session_token,
                device_token=device_token,
            ),
            self._answers,
        )


class Sessions(Namespace[Answers]):
    """Sessions: check at each request, list, end."""

    def check(self, token: object) -> LiveSession | None:
        """Return the session of *token* with its account, or ``None`` if the token signs nobody in.

        That is so if the token is unknown or no token at all, if its session has ended, has timed out or is of an
        earlier epoch, and if the account is disabled. It takes one query.

        Raises:
            StoreError: the store cannot answer: treat the person as signed out, and keep the cookie.
        """
        return run(sessions.check(self._deployment, token), self._answers)

    def is_fresh(self, live: LiveSession) -> bool:
        """Whether a password was verified in the session recently enough for a sensitive change.

        It asks only the clock. So it is not awaited, not even in `AsyncCityAuth`.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return is_fresh(require_live(live).session, self._clock.now(), self._deployment.policy.sessions)

    def list(self, live: LiveSession) -> tuple[Session, ...]:
        """Return the signed-in person's live sessions, the last used first; show handles, never digests.

        Empty when *live* itself has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return run(sessions.list_own(self._deployment, live), self._answers)

    def confirm(
        self, live: LiveSession, password: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> Authenticated | Refused:
        """Verify the signed-in person's password once more, before a sensitive change.

        Returns:
            `Authenticated`: the session is fresh and has a new token, and the old token no longer works.
            `Refused`: the password is wrong, too many were tried, or the session has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return run(own_password.confirm(self._deployment, live, password, client), self._answers)

    def sign_out(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> bool:
        """End the session of *token*, even if the session has a newer token by now.

        Returns:
            Whether this call ended a session.
        """
        return run(sessions.sign_out(token, client), self._answers)

    def close(self, live: LiveSession, handle: object, *, client: ClientContext = UNKNOWN_CLIENT) -> Done | Refused:
        """End one of the signed-in person's own sessions, named by its handle.

        Returns:
            `Done`, also when there is no such session any more; `Refused` when *live* itself has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return run(sessions.close(self._deployment, live, handle, client), self._answers)

    def close_all(
        self, live: LiveSession, *, keep: bool = False, client: ClientContext = UNKNOWN_CLIENT
    ) -> Done | Refused:
        """End all sessions of the signed-in person; with ``keep=True`` all but *live* itself.

        Returns:
            `Done`, or `Refused` when *live* itself has ended.

        Raises:
            UsageError: *live* is not a `LiveSession`, but for example its token.
        """
        return run(sessions.close_all(self._deployment, live, keep=keep, client=client), self._answers)

    def list_of_account(self, account_id: AccountId) -> tuple[Session, ...]:
        """Return the account's live sessions, the last used first: for customer service."""
        return run(sessions.list_of_account(self._deployment, account_id), self._answers)

    def close_of_account(
        self, account_id: AccountId, handle: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> bool:
        """End one of the account's sessions by its handle: for customer service.

        Returns:
            Whether this call ended a session.
        """
        return run(sessions.close_of_account(account_id, handle, client), self._answers)

    def close_all_of_account(self, account_id: AccountId, *, client: ClientContext = UNKNOWN_CLIENT) -> bool:
        """End all sessions of the account: for customer service.

        Returns:
            Whether there is such an account.
        """
        return run(sessions.close_all_of_account(account_id, client), self._answers)


class Identifiers(Namespace[Answers]):
    """Explains what an identifier is and whose it is."""

    def resolve(self, entered: object) -> Resolution:
        """Explain *entered*: its identifier, kind and phase, and the reason if it does not sign in.

        For customer service and the host. Never show the outcome to a person who is not signed in.
        """
        return run(identifiers.explain(self._deployment, entered), self._answers)


class Passwords(Namespace[Answers]):
    """New passwords, and stored hashes that are to be imported."""

    def hash(self, password: object, *, context: Iterable[str] = ()) -> SecretStr | Refused:
        """Return the hash of a *new* password, or `Refused` with everything that is wrong with it.

        Args:
            password: The new password as typed.
            context: The person's own e-mail, username and name. A password that equals one of them is refused.

        Raises:
            HasherBusyError: there is not enough memory now; answer 503.
        """
        return run(passwords.hash_new(self._deployment, password, context), self._answers)

    def find_defect(self, stored: object) -> HashDefect | None:
        """Say why *stored* cannot be imported as a password hash, or ``None`` when it can.

        The hasher decides, so an account with the hash can sign in exactly when the answer is ``None``.
        Nothing is hashed.
        """
        return run(passwords.find_defect(stored), self._answers)


class Recovery(Namespace[Answers]):
    """Forgotten username or password: `request` a link, `inspect` it, `complete` with a new password."""

    def request(
        self, entered: object, *, proof: LiveSession | str | None = None, client: ClientContext = UNKNOWN_CLIENT
    ) -> MailOutcome:
        """Mail a link to the person whom *entered* names, at the stored address.

        An address that nobody has verified gets one unless ``LinkPolicy.reset_to_unverified`` is off.

        Args:
            entered: What the person typed.
            proof: Shows who asks, so that strangers cannot use up the person's mails: the live session of somebody
                who is signed in, or the token of a link that was mailed to the same mailbox within 30 days, even if
                the link is used or has expired. Anything else counts as no proof.
            client: The person's device.

        Returns:
            `MailAwaited`, whatever is stored; `MailerDown` for everybody while mail cannot be sent (the mail stays
            in the outbox); `Refused` for text that cannot be an identifier, and (``throttle.request``) if the network
            has asked for too many mails.
        """
        return run(recovery.request(self._deployment, entered, client, proof=proof), self._answers)

    def inspect(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> LinkOutcome:
        """Look at the link of a reset or an invitation; this does not use it up, however often.

        Returns:
            `LinkLive` with the login name, or `LinkRefused`.
        """
        return run(recovery.inspect(self._deployment, token, client), self._answers)

    def complete(
        self, token: object, password: object, *, client: ClientContext = UNKNOWN_CLIENT
    ) -> Done | Refused | LinkRefused:
        """Set a new password with the link, once.

        Returns:
            `Done`: every session has ended and nobody is signed in; `Refused`: the link can still be
            used; `LinkRefused`.
        """
        return run(recovery.complete(self._deployment, token, password, client), self._answers)
