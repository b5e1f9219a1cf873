"""What no source of the package may use, read from the sources themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cityauth"
GUESSABLE = {"random", "uuid"}
UNSAFE = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}

GUARDED = {"digest", "hexdigest", "token", "secret", "signature", "mac", "hash"}
#: A name that ends like this tells how long something is.
SIZES = {"bytes", "length"}
#: What `==` and `!=` may compare all the same, as it is written, and why no time of it tells a secret.
PLAIN = {
    "core/login.py": {
        "found.password_hash != event.verified_hash": "both are `SecretStr`, whose `==` is `hmac.compare_digest`",
    },
    "flows/migration.py": {
        "mine.digest != self._header.digest": "the digest of a plan stands in its file and guards nothing secret",
    },
    "hashing/recipes.py": {
        "found != token": "a token is a word of a recipe, which the configuration holds",
        "token == 'hmac'": "a token is a word of a recipe",
        "token == 'repeat'": "a token is a word of a recipe",
    },
    "hashing/yescrypt.py": {
        "len(text) == len(setting) + _DIGEST_LETTERS": "lengths of a format are no secret",
    },
    "stores/memory/store.py": {
        "row.hash_kind == hash_kind": "the kind of a hash is its format and cost",
    },
    "stores/memory/changes.py": {
        "one_time_token.account_id == change.account_id": "account ids are no secret",
        "row.password_hash != change.was": "both are `SecretStr`, whose `==` is `hmac.compare_digest`",
        "one_time_token.epoch == row.account.epoch": "epochs are no secret",
    },
}


def sources() -> dict[str, str]:
    """Every module of the package by its path in it."""
    found = {
        path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))
    }
    assert len(found) > 80
    return found


def imported(source: str) -> set[str]:
    """The first names of everything that a source imports."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


def test_a_planted_import_is_seen() -> None:
    """The rule below can fail, also for an import inside a function."""
    assert imported("def late():\n    from random import random\n    import pickle") == {"random", "pickle"}


def test_randomness_is_secure_and_nothing_is_unpickled() -> None:
    """No module draws guessable numbers or reads a format that runs code (ASVS 6.5.3, 11.5.1, 1.5.2, B-93)."""
    found = {name: imported(source) & (GUESSABLE | UNSAFE) for name, source in sources().items()}
    assert {name: modules for name, modules in found.items() if modules} == {}


def names_in(operand: ast.expr) -> Iterator[str]:
    """The names that a value goes by, a column's key included, and without what is handed to a call."""
    match operand:
        case ast.Name(id=name):
            yield name
        case ast.Attribute(value=inner, attr=name):
            yield name
            yield from names_in(inner)
        case ast.Call(func=inner):
            yield from names_in(inner)
        case ast.Subscript(value=inner, slice=key):
            yield from names_in(inner)
            if isinstance(key, ast.Constant):
                yield str(key.value)
        case _:
            for part in ast.iter_child_nodes(operand):
                if isinstance(part, ast.expr):
                    yield from names_in(part)


def is_guarded(name: str) -> bool:
    """Whether a name speaks of a secret, or of what is made of one, and not of its size."""
    words = name.lower().strip("_").split("_")
    return words[-1] not in SIZES and not GUARDED.isdisjoint(word.removesuffix("s") for word in words)


def plainly_compared(source: str) -> set[str]:
    """Every `==` and `!=` on a secret, but for those of a table's column, which the database runs as a look-up."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
            names = {name for operand in [node.left, *node.comparators] for name in names_in(operand)}
            in_sql = any(isinstance(one, ast.Attribute) and one.attr == "c" for one in ast.walk(node))
            if any(map(is_guarded, names)) and not in_sql:
                found.add(ast.unparse(node))
    return found


FAULTS = (
    "digest == parameters.digest",
    "c == digest",
    "session_token != kept",
    "kept == self._secrets[0]",
    "row['signature'] == given",
    "hmac.new(key, text).digest() == given",
    "hashlib.sha256(text).hexdigest() != given",
    "token.get_secret_value().encode() == given",
    "made[:16] == mac",
    "account.password_hash == given",
    "digest_of(given) == kept",
    "(account, token) == (other, given)",
)
HARMLESS = (
    "hmac.compare_digest(digest, parameters.digest)",
    "len(token) != TOKEN_LENGTH",
    "digest_bytes == 23",
    "digest is None",
    "digest in tombstones",
    "kind == 'token'",
    "machine == cache",
    "session.c.digest == bindparam('which')",
)


def test_a_planted_comparison_is_seen() -> None:
    """The rule below can fail, wherever in an operand the secret stands."""
    assert [
        fault for fault in FAULTS if plainly_compared(f"def late(self):\n    return x and {fault}") != {fault}
    ] == []


def test_what_tells_no_secret_is_let_pass() -> None:
    """Sizes, look-ups, other words and the constant-time comparison itself are no finding of the rule."""
    assert [text for text in HARMLESS if plainly_compared(text)] == []


def test_secrets_are_compared_in_constant_time_only() -> None:
    """No digest, token, secret, signature or hash meets `==` or `!=`, but for the explained few (B-60, ASVS 11.2.4)."""
    read = {
        name: source for name, source in sources().items() if not name.startswith("testing/")
    }  # asserts guard nothing
    found = {name: plainly_compared(source) for name, source in read.items()}
    assert {name: faults for name, faults in found.items() if faults} == {name: set(why) for name, why in PLAIN.items()}
