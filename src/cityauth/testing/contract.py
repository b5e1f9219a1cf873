"""`StoreContract`: all promises of the ports that store, together."""

from cityauth.testing.accounts import AccountContract
from cityauth.testing.identifiers import IdentifierContract
from cityauth.testing.one_time_tokens import OneTimeTokenContract
from cityauth.testing.outbox import OutboxContract
from cityauth.testing.races import RaceContract
from cityauth.testing.sessions import SessionContract
from cityauth.testing.throttle import ThrottleContract


class StoreContract(
    AccountContract,
    IdentifierContract,
    SessionContract,
    OneTimeTokenContract,
    OutboxContract,
    ThrottleContract,
    RaceContract,
):
    """Every promise of a store of everything. Each test takes an empty one from the fixture ``store``.

    A store of one kind alone takes the part that concerns it: `ThrottleContract` for a ``ThrottleStore``.
    A store that outlives its process overrides `reopen`.
    """
