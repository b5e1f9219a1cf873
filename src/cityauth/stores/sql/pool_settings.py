"""The settings of the connections to a database server, checked when a store is made."""

from dataclasses import dataclass
from typing import Final, cast

from cityauth.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """The limits of the connections to a server; a file has none.

    Attributes:
        pool_size: The most connections that are open at once.
        pool_timeout: How many seconds a call waits for one of them to be free.
        statement_timeout: How many seconds one statement may take, waiting for locks included.
        prepare_threshold: After how many runs a statement is prepared; ``None`` for never.
    """

    pool_size: int
    pool_timeout: float
    statement_timeout: float
    prepare_threshold: int | None

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: a value is out of its range.
        """
        if not (_is_whole(self.pool_size) and 1 <= self.pool_size <= _MOST):
            raise ConfigurationError(f"pool_size must be a whole number from 1 to {_MOST}")
        for name in ("pool_timeout", "statement_timeout"):
            seconds: object = getattr(self, name)
            if not (_is_whole(seconds) or isinstance(seconds, float)) or not _LEAST <= cast("float", seconds) <= _MOST:
                raise ConfigurationError(f"{name} must be a number of seconds from {_LEAST} to {_MOST}")
        threshold = self.prepare_threshold
        if threshold is not None and not (_is_whole(threshold) and threshold >= 0):
            raise ConfigurationError("prepare_threshold must be a whole number from 0, or None for never")


_LEAST: Final = 0.1
_MOST: Final = 1000


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
