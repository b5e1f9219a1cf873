"""`AsyncCityAuth`, the asynchronous API, awaited under asyncio.

Generated from ``_sync`` by ``tools/generate_async.py``: change that file. A synchronous port works too:
it runs in a worker thread, so that neither a hash nor a query holds the event loop.
"""

from collections.abc import Container, Sequence

from cityauth.api._async.accounts import Accounts
from cityauth.api._async.jobs import Housekeeping, Outbox
from cityauth.api._async.migration import Migration
from cityauth.api._async.population import Population
from cityauth.api._async.sign_in import Identifiers, Login, Passwords, Recovery, Sessions
from cityauth.api.assembly import Supplies, assemble
from cityauth.api.drivers import run_async, wire_async
from cityauth.core.check import Acceptance, Finding
from cityauth.core.hashing import HashMix
from cityauth.core.identifiers import BUILT_IN, IdentifierKind
from cityauth.flows import check
from cityauth.policy import Policy
from cityauth.ports.services import AuditSink, BreachChecker, Clock, Entropy, Mailer, PasswordHasher
from cityauth.ports.stores import AnyStore, AnyThrottleStore


class AsyncCityAuth:
    """The library, asynchronous.

    Attributes:
        login: Sign-in in two steps.
        sessions: Sessions.
        identifiers: Explains what an identifier is and whose it is.
        passwords: New passwords.
        accounts: What people do with their own account, and what customer service does.
        recovery: Forgotten username or password.
        outbox: Sends queued mail.
        housekeeping: Deletes what has expired.
        migration: The move of a population from usernames to e-mail addresses.
        population: Importing the people of an older system.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each thing that a host may supply
        self,
        store: AnyStore,
        secrets: Sequence[str | bytes],
        *,
        policy: Policy | None = None,
        kinds: Sequence[IdentifierKind] = BUILT_IN,
        hash_mix: HashMix | None = None,
        mailer: Mailer | None = None,
        hasher: PasswordHasher | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        audit: AuditSink | None = None,
        common: Container[str] | None = None,
        tombstone_secret: str | bytes | Sequence[str | bytes] | None = None,
        throttle: AnyThrottleStore | None = None,
        outbox: AnyStore | None = None,
        breaches: BreachChecker | None = None,
    ) -> None:
        """Put a deployment together.

        Args:
            store: Accounts and sessions: `MemoryStore`, `SqlStore` or the host's own.
            secrets: The signing secrets, oldest first, newest last; at least 32 random bytes each.
            policy: The settings; the defaults when ``None``.
            kinds: The kinds of identifier; a host's own are added as ``(*BUILT_IN, MyKind())``.
            hash_mix: Which kinds of hashes are stored, and how many of each, so that an unknown identifier takes
                as long as a known one. When ``None``, the store counts them; where it is no `HashCountStore`,
                hashes of the policy's profile alone.
            mailer: Sends mail. Without a mailer, mail stays in the outbox, and pages say that it cannot be sent.
            hasher: Hashes and verifies passwords; Argon2id with the policy's profile when ``None``.
            clock: The time; the machine's when ``None``.
            entropy: Randomness; the operating system's when ``None``.
            audit: What gets the audit events besides the store; the log when ``None``.
            common: Common passwords that no new password may be; the bundled list when ``None``.
            tombstone_secret: Key of the tombstones, the digests that are kept of erased accounts' identifiers: at
                least 32 random bytes that outlive every signing secret. A list holds the oldest key first: the
                newest makes new tombstones, and all find old ones. When ``None``, the key is derived from the
                oldest signing secret, and that secret must stay in *secrets*.
            throttle: Counts what is limited, such as `AsyncValkeyThrottle`; the *store* when ``None``. While it
                cannot be reached, each process counts by itself, more strictly.
            outbox: What mails are sent from; only the *store* itself can be it, because a mail is queued by the
                commit that it belongs to.
            breaches: Is asked about every new password, such as `cityauth.breaches.PwnedPasswords`; nothing is asked
                when ``None``.

        Raises:
            SecretError: a secret, *tombstone_secret* among them, is missing, short or a known sample.
            PolicyError: two kinds have one name, or the hash profile is over the limits.
            ConfigurationError: the mailer's server is another machine, but ``mail.base_url`` leads to this one;
                or *outbox* is another object than *store*.
            WiringError: a port lacks a method.
        """
        assembly = assemble(
            Supplies(
                store,
                secrets,
                policy,
                kinds,
                hash_mix,
                hasher,
                mailer,
                clock,
                entropy,
                audit,
                common,
                tombstone_secret,
                throttle,
                outbox,
                breaches,
            ),
            wire_async,
        )
        self._assembly = assembly
        self.login: Login = Login(assembly)
        self.sessions: Sessions = Sessions(assembly)
        self.identifiers: Identifiers = Identifiers(assembly)
        self.passwords: Passwords = Passwords(assembly)
        self.accounts: Accounts = Accounts(assembly)
        self.recovery: Recovery = Recovery(assembly)
        self.outbox: Outbox = Outbox(assembly)
        self.housekeeping: Housekeeping = Housekeeping(assembly)
        self.migration: Migration = Migration(assembly)
        self.population: Population = Population(assembly)

    async def check(self, accepted: Sequence[Acceptance] = ()) -> list[Finding]:
        """Look for what is wrong with this deployment: its settings, its host and what is stored. Nothing is written.

        It may read whole tables and ask the mail server, so call it from a job or a command, and not in a request.

        Args:
            accepted: Findings that the operator accepts for a time; their reasons are in `Finding.accepted`.

        Returns:
            The findings in the order of their numbers, accepted ones included; empty if nothing is wrong. A store that
            does not answer is a finding, and raises no error.
        """
        return await run_async(
            check.check(self._assembly.deployment, self._assembly.survey(), accepted), self._assembly.answers
        )
