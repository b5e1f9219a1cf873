"""OneTimeTokens: what a link's id is stored under."""

import pytest

from cityauth.core.links import digest_of_id, id_of


def test_an_id_has_one_digest() -> None:
    """Sixteen random bytes make a text, and its digest is no part of it (ASVS 11.5.1)."""
    name = id_of(bytes(range(16)))
    assert len(name) == 22
    digest = digest_of_id(name)
    assert digest is not None
    assert len(digest) == 32
    assert digest != digest_of_id(id_of(bytes(16)))


@pytest.mark.parametrize("hostile", [None, "", 0, False, b"x", [], {}], ids=repr)
def test_what_is_no_id_has_no_digest(hostile: object) -> None:
    """Nothing empty, numeric or of another type is looked up (B-31, B-32)."""
    assert digest_of_id(hostile) is None
