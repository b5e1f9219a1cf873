"""From when `CityAuth.check` reports something: how late a job may be, and what a new hash must cost at least."""

from datetime import timedelta
from typing import Final

OUTBOX_WAIT: Final = timedelta(minutes=30)
"""A mail that has waited for longer is a finding. By default the outbox tries each mail every 15 minutes at least."""

PURGE_DELAY: Final = timedelta(days=3)
"""A session that is stored for this long after its end is a finding: the nightly job has failed three times."""

CLOCK_DIFFERENCE: Final = timedelta(seconds=60)
"""How far the clocks of a service and its database may differ; links and sessions allow as much between two hosts."""

LONG_RESET: Final = timedelta(hours=1)
"""A reset link that is valid for longer is a finding: whoever reads the mailbox later can use it."""

LEAST_HASH_COSTS: Final = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))
"""KiB of memory and time cost of Argon2id that OWASP's Password Storage Cheat Sheet names as the least, all alike."""
