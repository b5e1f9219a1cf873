"""Signed tokens: genuine, of one purpose and one deployment, within their age; anything else is nothing."""

import hashlib
import hmac
import json
import secrets
import string
import zlib
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode

from cityauth.core.characters import MAX_BYTES as MAX_IDENTIFIER_BYTES
from cityauth.core.signing import (
    LEEWAY,
    MAX_BYTES,
    MIN_SECRET_BYTES,
    KeyRing,
    Purpose,
    SignedPayload,
    TokenDefect,
    TokenSigner,
)
from cityauth.errors import SecretError
from tests.support.fakes import NOON
from tests.support.service import KEY, OTHER_KEY
from tests.support.timing import quickest

SIGNER = TokenSigner(KeyRing((KEY,)), "city")
AGE = timedelta(minutes=15)
PENDING = Purpose.PENDING_LOGIN
PAYLOAD = {"entered": "Åsa_83"}
TOKEN = SIGNER.sign(PENDING, PAYLOAD, NOON)
SECOND = timedelta(seconds=1)


def signed(body: str | bytes, purpose: Purpose = PENDING, key: bytes = KEY) -> str:
    """A token with a genuine signature over any body at all."""
    signer = Signer(key, salt=f"cityauth:v1:4:city:{purpose}", key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.sign(base64_encode(body)).decode()


def opens(token: object, signer: TokenSigner = SIGNER, purpose: Purpose = PENDING) -> SignedPayload | TokenDefect:
    """What opening a token at once gives."""
    return signer.open(purpose, token, NOON, AGE)


def test_what_was_signed_is_opened() -> None:
    """A token opens to what was signed and when; its text is URL-safe ASCII."""
    assert opens(TOKEN) == SignedPayload(PAYLOAD, NOON)
    assert set(TOKEN) <= {*string.ascii_letters, *string.digits, "-", "_", "."}


def test_the_token_is_signed_as_it_says() -> None:
    """The signature is HMAC-SHA-256 under a purpose and a deployment with its length in front (ASVS 9.1.1, 11.4.1)."""
    body = json.dumps({**PAYLOAD, "iat": int(NOON.timestamp())}, ensure_ascii=False, separators=(",", ":"))
    assert signed(body) == TOKEN


@pytest.mark.parametrize("signed", Purpose)
def test_a_token_is_good_for_its_purpose_alone(signed: Purpose) -> None:
    """Of the matrix of purposes only the diagonal opens (B-33, ASVS 6.6.2, 9.2.2)."""
    token = SIGNER.sign(signed, {"a": 1}, NOON)
    assert [one for one in Purpose if isinstance(opens(token, purpose=one), SignedPayload)] == [signed]


@pytest.mark.parametrize(
    "salt", ["cityauth:v1:4:city:reset", "cityauth:v2:4:city:pending_login", "itsdangerous.Signer", ""]
)
def test_a_signature_under_another_salt_is_nothing(salt: str) -> None:
    """What the same key signed for anything else does not open (B-33, ASVS 9.2.2)."""
    signer = Signer(KEY, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
    assert opens(signer.sign(TOKEN.rpartition(".")[0]).decode()) is TokenDefect.INVALID


def test_sha_1_is_refused() -> None:
    """A token signed with the library's default, SHA-1, is not accepted (F7, ASVS 11.4.1, 9.1.2)."""
    body = TOKEN.rpartition(".")[0]
    weak = Signer(KEY, salt="cityauth:v1:4:city:pending_login", key_derivation="hmac")
    assert opens(weak.sign(body).decode()) is TokenDefect.INVALID
    assert opens(URLSafeTimedSerializer(KEY).dumps(PAYLOAD)) is TokenDefect.INVALID


def test_another_deployment_and_another_key_are_refused() -> None:
    """A token of another service, environment or key is nothing (ASVS 9.2.3)."""
    assert opens(TOKEN, TokenSigner(KeyRing((KEY,)), "town")) is TokenDefect.INVALID
    assert opens(TOKEN, TokenSigner(KeyRing((OTHER_KEY,)), "city")) is TokenDefect.INVALID


@given(st.text(max_size=12), st.text(max_size=12))
def test_deployments_never_run_into_each_other(one: str, other: str) -> None:
    """However a deployment is named, its tokens open nowhere else: the salt is injective (B-34)."""
    token = TokenSigner(KeyRing((KEY,)), one).sign(PENDING, PAYLOAD, NOON)
    assert isinstance(opens(token, TokenSigner(KeyRing((KEY,)), other)), SignedPayload) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"), [("ab", "a"), ("a:1", "a"), ("1:a", "a"), ("", ":pending_login"), ("a", "a:pending_login")]
)
def test_a_deployment_cannot_borrow_from_the_purpose(one: str, other: str) -> None:
    """Names that would join to the same text without their lengths sign differently (B-34)."""
    token = TokenSigner(KeyRing((KEY,)), one).sign(PENDING, PAYLOAD, NOON)
    assert opens(token, TokenSigner(KeyRing((KEY,)), other)) is TokenDefect.INVALID


def test_no_character_can_be_changed() -> None:
    """Any other character at any place is refused, or, in unused bits, opens to the very same (ASVS 7.2.1, 9.1.1, F2)."""
    for position, other in product(range(len(TOKEN)), "A_-.=z0 \n\0é"):
        changed = TOKEN[:position] + other + TOKEN[position + 1 :]
        found = opens(changed)
        if changed != TOKEN and position < len(TOKEN) - 1:
            assert found is TokenDefect.INVALID, changed
        assert found is TokenDefect.INVALID or found == SignedPayload(PAYLOAD, NOON)


def test_malleated_copies_are_the_same_token() -> None:
    """Copies that differ in padding or unused bits carry the same content, so nothing hangs on the text (F2, C-02)."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    twin = TOKEN[:-1] + alphabet[alphabet.index(TOKEN[-1]) ^ 1]
    copies = [TOKEN, twin, TOKEN + "=", TOKEN + "=="]
    opened = [opens(copy) for copy in copies]
    assert [found for found in opened if found is not TokenDefect.INVALID].count(SignedPayload(PAYLOAD, NOON)) >= 2
    assert all(found is TokenDefect.INVALID or found == SignedPayload(PAYLOAD, NOON) for found in opened)


@pytest.mark.parametrize(
    ("late", "opened"),
    [
        (timedelta(0), True),
        (AGE - SECOND, True),
        (AGE, False),
        (timedelta(days=4000), False),
        (-SECOND, True),
        (-LEEWAY, True),
        (-LEEWAY - SECOND, False),
    ],
)
def test_a_token_has_an_age(late: timedelta, opened: bool) -> None:
    """It opens until its age is reached, and from a clock at most 60 seconds behind (F7, C-35, ASVS 9.2.1, B-27, B-28)."""
    found = SIGNER.open(PENDING, TOKEN, NOON + late, AGE)
    assert found == (SignedPayload(PAYLOAD, NOON) if opened else TokenDefect.EXPIRED)
    assert timedelta(seconds=60) == LEEWAY


def test_rotation_keeps_old_tokens_until_the_old_key_goes() -> None:
    """The newest key signs, every key verifies, and a removed key's tokens are dead (B-37, C-38, ASVS 11.2.2, 13.3.4)."""
    both, new = TokenSigner(KeyRing((KEY, OTHER_KEY)), "city"), TokenSigner(KeyRing((OTHER_KEY,)), "city")
    after = both.sign(PENDING, PAYLOAD, NOON)
    assert isinstance(opens(TOKEN, both), SignedPayload)
    assert isinstance(opens(after, new), SignedPayload)
    assert opens(after, SIGNER) is TokenDefect.INVALID
    assert opens(TOKEN, new) is TokenDefect.INVALID


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        0,
        False,
        1.5,
        "",
        " ",
        "0",
        "null",
        "undefined",
        ".",
        "..",
        b"",
        TOKEN.encode(),
        [TOKEN],
        {"token": TOKEN},
        ...,
    ],
    ids=repr,
)
def test_what_is_no_token_is_refused_by_its_type(hostile: object) -> None:
    """Nothing, numbers, bytes, lists and blank texts are no token (B-31, B-32, ASVS 15.3.5)."""
    assert opens(hostile) is TokenDefect.INVALID


@pytest.mark.parametrize(
    "hostile", ["\ud800", "ä" * 100, TOKEN + "\u200b", "\0", "A" * 10_000_000, "." * 3072, "=" * 3072]
)
def test_hostile_text_is_refused(hostile: str) -> None:
    """Lone surrogates, NUL, non-ASCII and ten megabytes are no token (C-47)."""
    assert opens(hostile) is TokenDefect.INVALID


def test_a_long_token_is_refused_before_it_is_parsed() -> None:
    """Over the cap not even the signature is looked at: ten megabytes cost less than 20 ms (C-51)."""
    body = base64_encode("x" * MAX_BYTES[PENDING])
    genuine = signed(json.dumps({"entered": "x" * MAX_BYTES[PENDING], "iat": int(NOON.timestamp())}))
    assert opens(genuine) is TokenDefect.INVALID
    huge = body.decode() * 2500
    assert opens(huge) is TokenDefect.INVALID
    assert quickest(lambda: opens(huge)) < 0.02


def test_a_zip_bomb_is_never_inflated() -> None:
    """A compressed payload, even a genuinely signed one, is not inflated but refused (C-51)."""
    bomb = base64_encode(zlib.compress(b"0" * 1_000_000, 9))
    signer = Signer(KEY, salt="cityauth:v1:4:city:pending_login", key_derivation="hmac", digest_method=hashlib.sha256)
    assert len(bomb) < MAX_BYTES[PENDING]
    assert opens(signer.sign(b"." + bomb).decode()) is TokenDefect.INVALID
    assert opens(signer.sign(bomb).decode()) is TokenDefect.INVALID


IAT = int(NOON.timestamp())
ODD = [
    {},
    {"entered": "x"},
    {"iat": None},
    {"iat": "12"},
    {"iat": str(IAT)},
    {"iat": True},
    {"iat": IAT + 0.5},
    {"iat": [IAT]},
    {"iat": {}},
    {"iat": 10**30},
    {"iat": -(10**30)},
    {"iat": 10**15},
    {"iat": IAT, "entered": ["x"]},
    {"iat": IAT, "entered": None},
    {"iat": IAT, "entered": {"x": 1}},
    [],
    [IAT],
    "iat",
    IAT,
    None,
    True,
]


@pytest.mark.parametrize("body", ODD, ids=repr)
def test_a_genuine_token_with_an_odd_content_is_refused(body: Any) -> None:
    """A signature says who wrote it, not that it is well formed: odd contents are refused, never raised (B-28, C-47)."""
    assert opens(signed(json.dumps(body))) is TokenDefect.INVALID


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"NaN", b'{"iat":NaN}', b'{"iat":1e999}', b"[" * 2200, b"1" * 2200]
)
def test_a_genuine_token_that_is_no_json_is_refused(body: bytes) -> None:
    """Signed bytes that no parser takes are refused, however deep or long (B-28, C-47)."""
    assert opens(signed(body)) is TokenDefect.INVALID


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.lists(st.text()), st.text("AZaz09-_.=")))
def test_opening_never_raises(token: object) -> None:
    """Whatever comes in, of any type, the answer is a value (B-31, B-32, C-47)."""
    assert opens(token) is TokenDefect.INVALID


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["iat", "entered", "x"]), inner),
    max_leaves=8,
)


@given(JSON)
def test_opening_signed_contents_never_raises(body: Any) -> None:
    """Whatever stands inside a genuine signature, the answer is a value (B-28, C-47)."""
    found = opens(signed(json.dumps(body)))
    assert isinstance(found, TokenDefect | SignedPayload)
    if isinstance(found, SignedPayload):
        assert all(isinstance(value, str | int) for value in found.payload.values())


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(2**63), 2**63))
def test_every_payload_survives(entered: str, number: int) -> None:
    """Any text and number comes back as it was signed, when it is within the cap."""
    payload: dict[str, str | int] = {"entered": entered, "number": number}
    token = SIGNER.sign(PENDING, payload, NOON)
    assert len(token) > MAX_BYTES[PENDING] or opens(token) == SignedPayload(payload, NOON)


@pytest.mark.parametrize("character", ['"', "\\", "a", "ä", "😀"])
def test_the_longest_identifier_fits(character: str) -> None:
    """An identifier of the most bytes fits under the cap whatever its characters, escaped ones too (C-46)."""
    entered = character * (MAX_IDENTIFIER_BYTES // len(character.encode()))
    assert opens(SIGNER.sign(PENDING, {"entered": entered}, NOON)) == SignedPayload({"entered": entered}, NOON)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "non-empty list"),
        (None, "non-empty list"),
        (KEY, "non-empty list"),
        (KEY.hex(), "non-empty list"),
        ({KEY}, "non-empty list"),
        (7, "non-empty list"),
        ([KEY, 7], "secret 2 is neither text nor bytes"),
        ([None], "secret 1 is neither text nor bytes"),
        ([b""], "secret 1 is shorter than 32 bytes"),
        ([""], "secret 1 is shorter than 32 bytes"),
        ([KEY, KEY[:31]], "secret 2 is shorter than 32 bytes"),
        ([KEY, OTHER_KEY, "x" * 31], "secret 3 is shorter than 32 bytes"),
        (["a" * 64], "secret 1 repeats too few"),
        ([bytes(32)], "secret 1 repeats too few"),
        (
            ["\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h" * 2, "temporary_key_change_me_0987654321"],
            "secret 2 looks like a sample",
        ),
        (["my-SECRET-key-please-replace-0123456789"], "secret 1 looks like a sample"),
        (["django-insecure-x1y2z3w4v5u6t7s8r9q0p1o2n3"], "secret 1 looks like a sample"),
        (["correct-horse-qwertyuiop-battery-staple"], "secret 1 looks like a sample"),
        (["09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"], "secret 1 looks like a sample"),
        (["192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"], "secret 1 looks like a sample"),
        ([KEY, "\udcff\udcfe" * 40], "secret 2 is text that is not Unicode"),
    ],
)
def test_a_weak_secret_does_not_start(given: Any, said: str) -> None:
    """None, short, repeating or known secrets are refused at once, named by position and never by value (B-35, B-36)."""
    with pytest.raises(SecretError, match=said) as caught:
        KeyRing.of(given)
    parts = [part for part in (given if isinstance(given, list) else [given]) if isinstance(part, str | bytes) and part]
    for part in parts:
        text = part if isinstance(part, str) else part.hex()
        assert text not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_good_secrets_start() -> None:
    """Random keys as bytes, hexadecimal or base64 are taken, 200 draws of each without a refusal (B-35, B-36)."""
    for _ in range(200):
        ring = KeyRing.of([secrets.token_bytes(MIN_SECRET_BYTES), secrets.token_hex(32), secrets.token_urlsafe(32)])
        assert len(ring.keys) == 3


def test_the_ring_keeps_the_order() -> None:
    """The newest key stands last, which is the one that signs (B-37)."""
    assert KeyRing.of([KEY, OTHER_KEY.hex()]).keys == (KEY, OTHER_KEY.hex().encode())


def test_a_ring_shows_no_key() -> None:
    """Its repr tells how many keys there are and nothing of them (B-77, ASVS 16.2.5)."""
    assert repr(KeyRing.of([KEY, OTHER_KEY])) == "KeyRing(2 keys)"


def test_derived_keys_are_stable_and_apart() -> None:
    """A derived key depends on its purpose and the oldest key alone, so appending a key changes none."""
    one, grown = KeyRing((KEY,)), KeyRing((KEY, OTHER_KEY))
    assert one.derive("audit") == grown.derive("audit") != one.derive("dummy")
    assert one.derive("audit") != KeyRing((OTHER_KEY,)).derive("audit")
    assert one.derive("audit") == hmac.digest(KEY, b"cityauth.derive.v1:audit", hashlib.sha256)
