"""Sections of the configuration file, read into the policy's dataclasses by the types of their fields.

Every field of the policy is a key of the file. There is no second list of keys to maintain.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, Final

from cityauth.config.validation import quoted, read_moment, read_one_of, readers_of
from cityauth.errors import ConfigurationError
from cityauth.policy import HashProfile, Policy, SessionPolicy
from cityauth.policy.realms import DatedPhase, Phase, RealmPolicy

PROFILES: Final[Mapping[str, Mapping[str, object]]] = {
    "hashing": {"rfc_9106": HashProfile.RFC_9106, "small": HashProfile.SMALL},
    "sessions": {"default": SessionPolicy(), "aal2": SessionPolicy.AAL2},
}
"""Sections whose key ``profile`` names a ready-made set of values to start from."""

_PROFILE: Final = "profile"
_DATED: Final = '{ since = 2027-01-01T00:00:00+02:00, phase = "email_only" }'


def read_policy(file: Mapping[str, object], besides: Iterable[str] = ()) -> Policy:
    """Return the policy that *file*, the whole of it, describes; what it leaves out keeps its default.

    Args:
        file: The tables and keys of the file.
        besides: Keys that the file may have and that are no part of the policy.

    Raises:
        ConfigurationError: a key is unknown, or a value is not what its key takes.
        PolicyError: a value is out of its range.
    """
    policy = Policy()
    readers = readers_of(policy)
    sections = {name: part for name in Policy.__slots__ if is_dataclass(part := getattr(policy, name))}
    refuse_unknown(file, {*readers, *sections, "realms", *besides})
    parts: dict[str, Any] = {name: readers[name](file[name], name) for name in readers if name in file}
    for name, part in sections.items():
        if name in file:
            parts[name] = _read_section(part, file[name], name)
    if "realms" in file:
        realms = _table(file["realms"], "realms")
        parts["realms"] = {**policy.realms, **{name: read_realm(realms[name], name) for name in realms}}
    return replace(policy, **parts)


def refuse_unknown(given: Iterable[str], known: Iterable[str], where: str = "") -> None:
    """Refuse the first key that is not *known*, and name the nearest one that is."""
    names = sorted(known)
    for key in given:
        if key not in names:
            (near,) = difflib.get_close_matches(key, names, n=1, cutoff=0)
            place = f" in [{where}]" if where else ""
            raise ConfigurationError(f"unknown key {key!r}{place}; the nearest known one is {near!r}")


def _read_section(part: Any, value: object, where: str) -> object:  # noqa: ANN401 - any of the policy's dataclasses
    """Return *part* with the section's values in it."""
    table = dict(_table(value, where))
    profiles = PROFILES.get(where, {})
    readers = readers_of(part)
    refuse_unknown(table, [*readers, *([_PROFILE] if profiles else [])], where)
    if profiles and _PROFILE in table:
        part = profiles[read_one_of(profiles, table.pop(_PROFILE), f"{where}.{_PROFILE}")]
    return replace(part, **{key: readers[key](given, f"{where}.{key}") for key, given in table.items()})


def read_realm(value: object, name: str) -> RealmPolicy:
    """Return the phases of the realm *name*.

    Raises:
        ConfigurationError: a key is unknown or missing, or a value is no phase or moment.
        PolicyError: the schedule is out of order.
    """
    where = f"realms.{name}"
    table = _table(value, where)
    refuse_unknown(table, ("initial", "schedule", "paused_at"), where)
    if "initial" not in table:
        raise ConfigurationError(f"[{where}] needs the key 'initial', one of {quoted(Phase)}")
    schedule = table.get("schedule", [])
    if not isinstance(schedule, list):
        raise ConfigurationError(f"{where}.schedule must be a list of tables such as {_DATED}")
    return RealmPolicy(
        Phase(read_one_of(Phase, table["initial"], f"{where}.initial")),
        tuple(_read_dated(one, f"{where}.schedule") for one in schedule),
        read_moment(table["paused_at"], f"{where}.paused_at") if "paused_at" in table else None,
    )


def _read_dated(value: object, where: str) -> DatedPhase:
    if not isinstance(value, dict) or value.keys() != {"since", "phase"}:
        raise ConfigurationError(f"{where} takes tables of exactly the keys since and phase, such as {_DATED}")
    since = read_moment(value["since"], f"{where}.since")
    return DatedPhase(since, Phase(read_one_of(Phase, value["phase"], f"{where}.phase")))


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table: put its keys under [{where}]")
    return value
