"""`CityAuth`: the synchronous public face. Each method runs the flow of the same name to its end.

The asynchronous face, `cityauth.run.awaiting`, is this file with ``await``, made by ``tools/mirror.py``.
"""

from collections.abc import Container, Iterable, Sequence

from cityauth.core.account import AccountId
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.ghost import GhostMix
from cityauth.core.identifier import BUILT_IN, IdentifierKind
from cityauth.core.login import LoginStep
from cityauth.core.resolution import Resolution
from cityauth.core.secret import Concealed
from cityauth.core.session import LiveSession, Session
from cityauth.flows import accounts, login, passwords, resolve, sessions
from cityauth.flows.accounts import AccountOutcome, AccountRecord, NewAccount
from cityauth.flows.passwords import PasswordRejected
from cityauth.policy import Policy
from cityauth.ports.audit import AuditSink
from cityauth.ports.clock import Clock, Entropy
from cityauth.ports.hasher import PasswordHasher
from cityauth.run.assembly import Assembly, Supplies, assemble
from cityauth.run.driving import run
from cityauth.run.stores import Store
from cityauth.run.wiring import wire


class _Part:
    """What the parts of `CityAuth` share: the deployment and the answers."""

    def __init__(self, assembly: Assembly) -> None:
        self._desk = assembly.desk
        self._answers = wire(assembly.ports)


class Login(_Part):
    """Sign-in in two steps: `identify`, then `submit_password`."""

    def identify(self, entered: object) -> LoginStep:
        """Take an identifier and ask for the password.

        Args:
            entered: What the person typed, as it came in; any type.

        Returns:
            `PasswordRequired`, the same for every identifier, known or not; `Refused` only for text
            that can be no identifier at all.
        """
        return run(login.identify(self._desk, entered), self._answers)

    def submit_password(
        self,
        pending: object,
        password: object,
        *,
        identifier: object = None,
        remember: bool = False,
        client: ClientContext = UNKNOWN_CLIENT,
        session_token: object = None,
    ) -> LoginStep:
        """Try a password.

        Args:
            pending: The sealed pending login of the last step.
            password: What the person typed, as it came in; any type, any size.
            identifier: What stands in the editable identifier field now; ``None`` when the page has none.
            remember: Whether the person chose to be remembered on this computer.
            client: Where the request comes from.
            session_token: The session cookie that the request brought, if any; it ends at sign-in.

        Returns:
            `Authenticated`; `PasswordRequired` whose problem is the uniform refusal (unknown,
            ambiguous, retired, disabled, no password, wrong password: the same) or, after the right
            password of a retired identifier, names the new one masked; `Refused` when the pending
            login has expired or is not genuine, or the identifier can be none.

        Raises:
            StoreError: the store cannot answer; answer 503, for everyone alike.
        """
        return run(
            login.submit_password(
                self._desk,
                pending,
                password,
                identifier=identifier,
                remember=remember,
                client=client,
                session_token=session_token,
            ),
            self._answers,
        )


class Sessions(_Part):
    """Sessions: check at each request, list, end."""

    def check(self, token: object) -> LiveSession | None:
        """Return the session of *token* with its account, or ``None`` for nobody.

        One query. Unknown, ended, timed out, of an earlier epoch, of a disabled account, or no token
        at all: nobody.

        Raises:
            StoreError: the store cannot answer: treat the person as nobody, and keep the cookie.
        """
        return run(sessions.check(self._desk, token), self._answers)

    def is_fresh(self, live: LiveSession) -> bool:
        """Whether a password was verified in the session recently enough for a sensitive change."""
        return run(sessions.fresh(self._desk, live), self._answers)

    def list(self, account_id: AccountId) -> tuple[Session, ...]:
        """Return the account's live sessions, the last used first; show handles, never digests."""
        return run(sessions.list_live(self._desk, account_id), self._answers)

    def sign_out(self, token: object, *, client: ClientContext = UNKNOWN_CLIENT) -> bool:
        """End the session of *token*; return whether there was one."""
        return run(sessions.sign_out(token, client), self._answers)

    def close(self, account_id: AccountId, handle: object, *, client: ClientContext = UNKNOWN_CLIENT) -> bool:
        """End one of the account's own sessions by its handle; return whether there was one."""
        return run(sessions.close(account_id, handle, client), self._answers)

    def close_all(
        self, account_id: AccountId, *, keep: object = None, client: ClientContext = UNKNOWN_CLIENT
    ) -> bool:
        """End all sessions of the account, or all but the one whose token is *keep*.

        Returns whether there is such an account.
        """
        return run(sessions.close_all(account_id, keep=keep, client=client), self._answers)

    def purge(self) -> int:
        """Delete sessions past every lifetime and return how many; for a nightly job."""
        return run(sessions.purge(self._desk), self._answers)


class Identifiers(_Part):
    """Identifiers, explained."""

    def resolve(self, entered: object) -> Resolution:
        """Explain *entered*: which identifier, which kind, which stage, and why not.

        For customer service and the host. Never show the outcome to a person who is not signed in.
        """
        return run(resolve.resolve(self._desk, entered), self._answers)


class Passwords(_Part):
    """New passwords."""

    def hash(self, password: object, *, context: Iterable[str] = ()) -> Concealed | PasswordRejected:
        """Return the hash of a *new* password, or `PasswordRejected` with everything that is wrong with it.

        Args:
            password: The new password as typed.
            context: The person's own e-mail, username and name, refused as a whole password.
        """
        return run(passwords.hash_new(self._desk, password, context), self._answers)


class Accounts(_Part):
    """Accounts, for a host and its customer service."""

    def add(self, new: NewAccount, *, client: ClientContext = UNKNOWN_CLIENT) -> AccountOutcome:
        """Add an account with all its identifiers, or nothing of it.

        Returns:
            The account, or `AccountRefused`: an identifier that can be none, or one that is taken,
            retired ones included.

        Raises:
            UsageError: the realm is not in the policy.
        """
        return run(accounts.add(self._desk, new, client), self._answers)

    def show(self, account_id: AccountId) -> AccountRecord | None:
        """Return the account with its identifiers, or ``None`` when there is none of that id."""
        return run(accounts.show(account_id), self._answers)

    def disable(self, account_id: AccountId, *, client: ClientContext = UNKNOWN_CLIENT) -> AccountOutcome:
        """Disable the account and end its sessions; `AccountRefused` when it is not active or missing."""
        return run(accounts.disable(account_id, client), self._answers)

    def enable(self, account_id: AccountId, *, client: ClientContext = UNKNOWN_CLIENT) -> AccountOutcome:
        """Enable the account; `AccountRefused` when it is not disabled or missing."""
        return run(accounts.enable(account_id, client), self._answers)


class CityAuth:
    """The library, synchronous.

    Attributes:
        login: Sign-in in two steps.
        sessions: Sessions.
        identifiers: Identifiers, explained.
        passwords: New passwords.
        accounts: Accounts.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each thing that a host may supply
        self,
        store: Store,
        secrets: Sequence[str | bytes],
        *,
        policy: Policy | None = None,
        kinds: Sequence[IdentifierKind] = BUILT_IN,
        ghosts: GhostMix | None = None,
        hasher: PasswordHasher | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        audit: AuditSink | None = None,
        common: Container[str] | None = None,
    ) -> None:
        """Wire a deployment.

        Args:
            store: Accounts and sessions: `MemoryStore`, `SqlStore` or the host's own.
            secrets: The signing secrets, oldest first, newest last; at least 32 random bytes each.
            policy: The tunables; the defaults when ``None``.
            kinds: The kinds of identifier; a host's own are added as ``(*BUILT_IN, MyKind())``.
            ghosts: Which stored hashes the population has, so that unknown identifiers cost the
                same; the policy's profile alone when ``None``.
            hasher: Passwords; Argon2id with the policy's profile when ``None``.
            clock: The time; the machine's when ``None``.
            entropy: Randomness; the operating system's when ``None``.
            audit: Who hears of audit events besides the store; the log when ``None``.
            common: Common passwords that no new password may be; the bundled list when ``None``.

        Raises:
            SecretError: a secret is missing, short or a known sample.
            PolicyError: two kinds have one name, or the hash profile is over the ceilings.
            WiringError: a port lacks a method, or is asynchronous.
        """
        assembly = assemble(
            Supplies(store, secrets, policy, kinds, ghosts, hasher, clock, entropy, audit, common)
        )
        self.login = Login(assembly)
        self.sessions = Sessions(assembly)
        self.identifiers = Identifiers(assembly)
        self.passwords = Passwords(assembly)
        self.accounts = Accounts(assembly)
