"""Every value of the policy is checked when the policy is constructed."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cityauth.errors import PolicyError
from cityauth.policy import (
    DatedPhase,
    HashLimits,
    HashProfile,
    HashQueuePolicy,
    IdentifierPolicy,
    Limit,
    LinkPolicy,
    LoginPolicy,
    MailPolicy,
    OutboxPolicy,
    PasswordPolicy,
    Phase,
    Policy,
    RealmPolicy,
    SessionPolicy,
    ThrottlePolicy,
)

MINUTE = timedelta(minutes=1)
OUT_OF_RANGE: list[Callable[[], object]] = [
    lambda: OutboxPolicy(batch=0),
    lambda: OutboxPolicy(batch=-1),
    lambda: Limit(-1, MINUTE),
    lambda: Limit(1, timedelta()),
    lambda: Limit(1, -MINUTE),
    lambda: Limit(1, timedelta.max),
    lambda: Limit(1, 60),  # type: ignore[arg-type]  # a host's types may lie
    lambda: Limit("1", MINUTE),  # type: ignore[arg-type]  # a host's types may lie
    lambda: Limit(True, MINUTE),
    lambda: ThrottlePolicy(mail_per_account=Limit(1, MINUTE)),  # type: ignore[arg-type]  # a host's types may lie
    lambda: ThrottlePolicy(mail_per_account=(1,)),  # type: ignore[arg-type]  # a host's types may lie
    lambda: LinkPolicy(reset=timedelta()),
    lambda: LinkPolicy(reset=3600),  # type: ignore[arg-type]  # a host's types may lie
    lambda: LoginPolicy(timedelta()),
    lambda: SessionPolicy(per_account=0),
    lambda: SessionPolicy(touch_every=-MINUTE),
    lambda: SessionPolicy(fresh=timedelta()),
    lambda: PasswordPolicy(min_length=7),
    lambda: PasswordPolicy(context_words="kaupunki"),  # type: ignore[arg-type]  # a host's types may lie
    lambda: HashLimits(scrypt_p=0),
    lambda: HashProfile(memory_cost=0, time_cost=1, parallelism=1),
    lambda: HashProfile(memory_cost=64, time_cost=1, parallelism=1, salt_bytes=10**12),
    lambda: HashProfile(memory_cost=64, time_cost=1, parallelism=1, salt_bytes=65),
    lambda: HashProfile(memory_cost=64, time_cost=1, parallelism=1, salt_bytes=15),
    lambda: HashProfile(memory_cost=64, time_cost=1, parallelism=1, hash_bytes=10**12),
    lambda: HashQueuePolicy(slots=0),
    lambda: HashQueuePolicy(slots=-1),
    lambda: HashQueuePolicy(slots=True),
    lambda: HashQueuePolicy(slots=1025),
    lambda: HashQueuePolicy(length=0),
    lambda: HashQueuePolicy(length=100_001),
    lambda: HashQueuePolicy(max_wait=timedelta()),
    lambda: HashQueuePolicy(max_wait=timedelta(seconds=61)),
    lambda: HashQueuePolicy(max_wait=10),  # type: ignore[arg-type]  # a host's types may lie
    lambda: Policy(hash_queue=HashQueuePolicy(memory_budget=0)),
    lambda: Policy(hash_queue=HashQueuePolicy(memory_budget=256 * 1024 - 1)),
    lambda: Policy(hash_limits=HashLimits(argon2_memory_cost=2**20)),
    lambda: Policy(hash_limits=HashLimits(scrypt_n=2**20)),
    lambda: Policy(hashing=HashProfile(memory_cost=600 * 1024, time_cost=1, parallelism=1)),
    lambda: IdentifierPolicy("no"),  # type: ignore[arg-type]  # a host's types may lie
    lambda: MailPolicy(service=None),  # type: ignore[arg-type]  # a host's types may lie
    lambda: RealmPolicy("both"),  # type: ignore[arg-type]  # a host's types may lie
    lambda: RealmPolicy(Phase.BOTH, "2026"),  # type: ignore[arg-type]  # a host's types may lie
    lambda: DatedPhase("2026-01-01", Phase.BOTH),  # type: ignore[arg-type]  # a host's types may lie
    lambda: Policy(realms={"citizen": Phase.BOTH}),  # type: ignore[dict-item]  # a host's types may lie
    lambda: Policy(sign_up_realm="nobody"),
    lambda: Policy(keep_tombstones=None),  # type: ignore[arg-type]  # a host's types may lie
]


@pytest.mark.parametrize("make", OUT_OF_RANGE, ids=[str(number) for number in range(len(OUT_OF_RANGE))])
def test_a_value_out_of_its_range_is_refused(make: Callable[[], object]) -> None:
    """A wrong value raises `PolicyError` at construction, not at the first request that uses it."""
    with pytest.raises(PolicyError):
        make()


def test_every_field_of_every_section_is_checked_for_its_type() -> None:
    """A value of no known type is refused in each field, so that no new field is forgotten."""

    class Nothing:
        """A value that fits no field."""

    whole = Policy()
    sections = [value for one in fields(whole) if is_dataclass(value := getattr(whole, one.name))]
    assert len(sections) >= 9
    for section in [whole, *sections]:
        kind: Any = type(section)
        kept = {one.name: getattr(section, one.name) for one in fields(kind)}
        for name in kept:
            with pytest.raises(PolicyError):
                kind(**{**kept, name: Nothing()})


def test_the_edges_of_the_ranges_are_taken() -> None:
    """Zero uses, one mail at a time and a schedule as a list are values like any other."""
    assert Limit(0, MINUTE).count == 0
    assert OutboxPolicy(batch=1).batch == 1
    schedule = [DatedPhase(datetime(2027, 1, 1, tzinfo=UTC), Phase.EMAIL_ONLY)]
    assert RealmPolicy(Phase.BOTH, schedule).schedule == schedule
