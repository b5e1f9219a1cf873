"""Tombstones: found for as long as the service lives, whatever is rotated meanwhile."""

import pytest

from cityauth import CityAuth, MemoryStore, NewAccount
from cityauth.core import identifiers
from cityauth.core.changes import AccountErased, Committed
from cityauth.core.identifiers import USERNAME, Identifier, register
from cityauth.core.tombstones import TombstoneKeys
from cityauth.errors import SecretError
from cityauth.flows.identifiers import AccountRefused
from tests.support.fakes import NOON
from tests.support.service import KEY, OTHER_KEY

OLD, NEW = bytes(range(32)), bytes(range(100, 132))


def erkki() -> Identifier:
    """The identifier as this release reads it."""
    found = register("erkki", USERNAME)
    assert isinstance(found, Identifier)
    return found


def test_another_key_version_finds_the_same_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tombstone stands when the version of the identifiers' keys changes."""
    before = TombstoneKeys.of(OLD).digest(erkki())
    monkeypatch.setattr(identifiers, "KEY_VERSION", 2)
    assert erkki().key == "2:erkki"
    assert TombstoneKeys.of(OLD).digest(erkki()) == before


def test_a_new_key_makes_new_tombstones_and_old_ones_are_found() -> None:
    """The newest key makes the digest, and the digests of all keys are looked for."""
    before = TombstoneKeys.of(OLD).digest(erkki())
    ring = TombstoneKeys.of([OLD, NEW])
    assert ring.digest(erkki()) != before
    assert ring.digests(erkki()) == (before, ring.digest(erkki()))
    assert repr(ring) == "TombstoneKeys(2 keys)"


@pytest.mark.parametrize("weak", [b"x", b"", "", [], [b"x"], [OLD, b"x"], b"a" * 64, "secret" * 10], ids=ascii)
def test_a_weak_secret_is_refused(weak: object) -> None:
    """A tombstone secret is held to the same rules as a signing secret, and never shown."""
    with pytest.raises(SecretError, match=r"^tombstone_secret: "):
        CityAuth(MemoryStore(), [KEY], tombstone_secret=weak)  # type: ignore[arg-type]  # a host's types may lie


def test_an_erased_identifier_stays_refused_through_every_rotation() -> None:
    """With a tombstone secret of its own, no change of the signing secrets frees an erased identifier."""
    store = MemoryStore()

    def erase(auth: CityAuth, name: str) -> None:
        account = auth.accounts.add(NewAccount("Erkki", usernames=[name]))
        assert not isinstance(account, AccountRefused)
        (held,) = store.account_identifiers(account.id)
        digest = auth.accounts._deployment.tombstones.digest(held.identifier)
        assert store.commit([AccountErased(account.id, 0, (digest,), NOON)]) == Committed()

    erase(CityAuth(store, [KEY], tombstone_secret=OLD), "erkki")
    erase(CityAuth(store, [OTHER_KEY], tombstone_secret=[OLD, NEW]), "eero")
    for secrets in ([KEY], [KEY, OTHER_KEY], [OTHER_KEY]):
        auth = CityAuth(store, secrets, tombstone_secret=[OLD, NEW])
        for name in ("erkki", "eero"):
            assert isinstance(auth.accounts.add(NewAccount("Toinen", usernames=[name])), AccountRefused)


def test_a_rotation_without_a_tombstone_secret_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """While the oldest secret still makes the key, the log says what must happen before it is removed."""
    CityAuth(MemoryStore(), [KEY])
    assert not [line for line in caplog.messages if "tombstone_secret" in line]
    CityAuth(MemoryStore(), [KEY, OTHER_KEY])
    assert [line for line in caplog.messages if "tombstone_secret is not given" in line]
