"""Whether the time of a refusal tells what an identifier is: nobody's, or somebody's of which kind."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import thread_time_ns

from benchmarks.harness import Samples
from benchmarks.result import Goal, Result, Table, tabulate
from cityauth import AccountId, CityAuth, ClientContext, NewAccount, PasswordRequired, Refused
from cityauth.policy import HashProfile, Limit, Policy, ThrottlePolicy
from cityauth.stores.sql import SqlStore

ROUNDS = 1_000
ACCOUNTS = 1_000
"""Of each class, so that no account is asked for twice."""

CHEAP = HashProfile(memory_cost=64, time_cost=1, parallelism=1)
OLD = HashProfile(memory_cost=8, time_cost=1, parallelism=1)
UNKNOWN, PLANTED = "unknown", "unknown, and 20 µs planted"
CLASSES = ("wrong password", "old hash", "no password", "disabled", "retired")
PLANT_MICROS = 20
CLOSE = 0.03
"""How far from a half the probability may lie that an answer takes longer than a stranger's."""

NEAR = 15
"""Microseconds between the medians."""

FAST = 0.05
"""The share of strangers' answers that count as fast."""

RESAMPLES = 200
WARM_UP = 50

ABOUT = (
    "Refused sign-ins and requests for a reset link, as library calls on SQLite with a cheap hash, by turns in a random order. The "
    "time is the processor time of the thread: it leaves out the waits for the disk and for other programs, which hide differences from "
    "an attacker. Each class is "
    "compared with unknown identifiers. AUC is the probability that an answer of the class takes longer than one of the others: "
    "0.5 tells nothing. In brackets is the interval that 95 % of bootstrap samples fall into. Since AUC hides one fast answer in "
    "twenty, the share of answers that are faster than 95 % of the strangers' is compared as well. The last row shows that the "
    "measurement would find a difference: 20 µs are planted into answers to unknown identifiers. If it is missed, the others mean nothing."
)


def measure(rounds: int, accounts: int) -> Result:
    """Time every class of sign-ins, then of resets."""
    with TemporaryDirectory() as folder:
        auth = _city(Path(folder), accounts)
        tables, goals = [], []
        for title, prepare in (("sign-in", _sign_in), ("reset", _reset)):
            samples = _time(lambda who, n, prepare=prepare: prepare(auth, who, n), rounds, accounts)  # type: ignore[misc]  # bound at once
            table, found = _judge(title, samples)
            tables.append(table)
            goals += found
    return Result("equal_time", ABOUT, tables, goals)


def _city(folder: Path, accounts: int) -> CityAuth:
    """Return a city with *accounts* people of each class."""
    store = SqlStore(f"sqlite:///{folder / 'city.db'}")
    store.create_schema()
    many = (Limit(1_000_000, timedelta(minutes=1)),)
    key = bytes(range(32))
    former = CityAuth(store, [key], policy=Policy(hashing=OLD))
    old = _hash(former)
    auth = CityAuth(store, [key], policy=Policy(hashing=CHEAP, throttle=ThrottlePolicy(mail_per_network=many)))
    new = _hash(auth)
    for number in range(accounts):
        for kind in CLASSES:
            name = f"{kind.replace(' ', '-')}-{number}"
            stored = {"no password": None, "old hash": old}.get(kind, new)
            address, former_address = f"{name}@example.com", f"new-{name}@example.com"
            retired = kind == "retired"
            auth.accounts.add(
                NewAccount(
                    "Person",
                    id=name,
                    email=former_address if retired else address,
                    retired_usernames=[address] if retired else [],
                    password_hash=stored,
                )
            )
            if kind == "disabled":
                auth.accounts.disable(AccountId(name))
    return auth


def _hash(auth: CityAuth) -> str:
    hashed = auth.passwords.hash("vanha salasana vuodelta 1998")
    if isinstance(hashed, Refused):
        raise TypeError(hashed)
    return hashed.get_secret_value()


def _sign_in(auth: CityAuth, address: str, number: int) -> Callable[[], object]:
    step = auth.login.identify(address)
    if not isinstance(step, PasswordRequired):
        raise TypeError(step)
    client = _client(number)
    return lambda: auth.login.submit_password(step.pending, "väärä salasana", client=client)


def _reset(auth: CityAuth, address: str, number: int) -> Callable[[], object]:
    client = _client(number)
    return lambda: auth.recovery.request(address, client=client)


def _client(number: int) -> ClientContext:
    """Return a device of a network of its own, so that no limit of a network is reached."""
    return ClientContext(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")


def _time(prepare: Callable[[str, int], Callable[[], object]], rounds: int, accounts: int) -> Samples:
    """Return the microseconds of each class's answers."""
    kinds = [UNKNOWN, *CLASSES, PLANTED]
    samples: dict[str, list[float]] = {kind: [] for kind in kinds}
    chance = random.Random(20)
    for number in range(rounds + WARM_UP):
        for place, kind in enumerate(chance.sample(kinds, len(kinds))):
            address = f"{kind.partition(',')[0].replace(' ', '-')}-{number % accounts}@example.com"
            if kind == PLANTED:
                address = f"planted-{address}"
            call = prepare(address, number * len(kinds) + place)
            started = thread_time_ns()
            call()
            if kind == PLANTED:
                _wait(PLANT_MICROS)
            spent = thread_time_ns() - started
            if number >= WARM_UP:
                samples[kind].append(spent / 1000)
    return samples


def _wait(micros: int) -> None:
    end = thread_time_ns() + micros * 1000
    while thread_time_ns() < end:
        pass


def _judge(title: str, samples: Samples) -> tuple[Table, list[Goal]]:
    """Return the table of times, and for each class whether it can be told from the strangers."""
    goals = []
    strangers = samples[UNKNOWN]
    bound = quantiles(strangers, n=round(1 / FAST), method="inclusive")[0]
    for kind in CLASSES:
        middle, low, high = interval(samples[kind], strangers)
        away = abs(median(samples[kind]) - median(strangers))
        goals.append(Goal(f"{title}, {kind}: µs between the medians", away, NEAR))
        fast = sum(one < bound for one in samples[kind]) / len(samples[kind])
        goals.append(
            Goal(
                f"{title}, {kind}: AUC {middle:.3f} ({low:.3f} to {high:.3f}), away from 0.5", abs(middle - 0.5), CLOSE
            )
        )
        goals.append(Goal(f"{title}, {kind}: {fast:.1%} fast answers, away from {FAST:.0%}", abs(fast - FAST), CLOSE))
    middle, low, high = interval(samples[PLANTED], strangers)
    text = f"{title}, 20 µs planted: AUC {middle:.3f} ({low:.3f} to {high:.3f}), its lower end"
    goals.append(Goal(text, low, 0.5 + CLOSE, least=True))
    return tabulate(f"{title}, refused", samples, UNKNOWN), goals


def auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the probability that one of *ones* is greater than one of *others*; equal ones count half."""
    ranked = sorted([(value, True) for value in ones] + [(value, False) for value in others])
    total = 0.0
    smaller = first = 0
    while first < len(ranked):
        last = first
        while last < len(ranked) and ranked[last][0] == ranked[first][0]:
            last += 1
        ours = sum(mine for _, mine in ranked[first:last])
        theirs = last - first - ours
        total += ours * (smaller + theirs / 2)
        smaller += theirs
        first = last
    return total / (len(ones) * len(others))


def interval(ones: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Return the AUC and the ends of its bootstrapped interval of 95 %."""
    chance = random.Random(7)
    drawn = sorted(
        auc(chance.choices(ones, k=len(ones)), chance.choices(others, k=len(others))) for _ in range(RESAMPLES)
    )
    tail = len(drawn) // 40
    return auc(ones, others), drawn[tail], drawn[-1 - tail]
