"""The sentences: there is one for every code, and look-alikes are made visible."""

import pytest

from cityauth.cli.errors import DEFECT, MALFORMED, PRECONDITION, Unavailable, characters_of, reason_of, telling
from cityauth.core.changes import Precondition
from cityauth.core.hashing import HashDefect
from cityauth.core.identifiers import BUILT_IN, Identifier, Malformed, look_up
from cityauth.core.resolution import Outcome, Reason, Resolution
from cityauth.errors import HasherBusyError
from cityauth.policy.realms import Phase


def test_every_code_has_its_sentence() -> None:
    """No refusal of the library leaves the command without words."""
    assert MALFORMED.keys() == set(Malformed)
    assert PRECONDITION.keys() == set(Precondition)
    assert DEFECT.keys() == set(HashDefect)
    phase = Phase.EMAIL_ONLY
    reasons = [reason_of(Resolution("x", Outcome.UNKNOWN, reason, phase=phase)) for reason in Reason]
    assert len(set(reasons)) == len(Reason)
    assert sum("email_only" in reason for reason in reasons) == 2


@pytest.mark.parametrize(
    ("entered", "characters"),
    [
        ("erkki", ""),
        ("Matti.M", ""),
        ("erkki@example.com", ""),
        ("åsa_83", "Latin, xn--sa_83-lra"),
        ("аdmin", "Cyrillic + Latin, xn--dmin-43d"),
        ("админ", "Cyrillic, xn--80aimpg"),
        ("a@bücher.example", "Latin, a@xn--bcher-kva.example"),
        ("a@xn--80aimpg.example", "Cyrillic + Latin, a@xn--80aimpg.example"),
        ("väinö@example.com", "Latin, xn--vin-qla6g@example.com"),
        ("xn--no punycode!", "Latin, xn--no punycode!"),
        ("☃", "xn--n3h"),
    ],
)
def test_look_alikes_are_made_visible(entered: str, characters: str) -> None:
    """An identifier outside ASCII is shown with its scripts and in Punycode, in whatever form it came (B-14)."""
    readings = look_up(entered, BUILT_IN)
    assert not isinstance(readings, Malformed)
    assert characters_of(readings[0]) == characters


def test_what_is_not_punycode_is_no_error() -> None:
    """A label that only looks encoded is taken as it is."""
    assert characters_of(Identifier("username", "xn--\xff", "1:xn--\xff")).endswith("xn--xn---jsa")


@pytest.mark.parametrize("reason", ["there is not enough memory to run Argon2 now", ""])
def test_a_busy_hasher_is_no_misuse(reason: str) -> None:
    """The command line was right: status 3, as for a store that is down, and the seconds (C-44)."""
    with pytest.raises(Unavailable, match=r".+: try again in 7 s$") as told, telling():
        raise HasherBusyError(reason, retry_after=7)
    assert told.value.exit_code == 3
