"""A deployment for tests that run flows without a driver, put together as `CityAuth` does it."""

from dataclasses import fields, replace
from typing import Any

from cityauth.api.assembly import Assembly, Supplies, assemble
from cityauth.core.identifiers import BUILT_IN
from cityauth.flows.deployment import Deployment
from tests.support.service import KEY, POLICY


def assembly(**given: Any) -> Assembly[dict[type[Any], object]]:
    """What a host's *given* supplies come to; the ready-made adapter for every other, and no common passwords."""
    nothing: dict[str, Any] = {field.name: None for field in fields(Supplies)}
    settled = {"store": object(), "secrets": [KEY], "policy": POLICY, "kinds": BUILT_IN, "common": frozenset[str]()}
    return assemble(Supplies(**(nothing | settled | given)), lambda ports: ports)


def deployment(**given: Any) -> Deployment:
    """The deployment of an `assembly`, or with fields of its own."""
    own = {field.name for field in fields(Deployment)} - {field.name for field in fields(Supplies)}
    changed = {name: value for name, value in given.items() if name in own}
    supplied = {name: value for name, value in given.items() if name not in own}
    return replace(assembly(**supplied).deployment, **changed)
