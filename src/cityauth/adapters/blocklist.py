"""The bundled list of common passwords."""

import gzip
from functools import cache


@cache
def common_passwords() -> frozenset[str]:
    """Return the common passwords that no new password may be, by their `comparison_key`.

    Tens of thousands of entries, read once, at the first call. They hold the most frequent leaked
    passwords of at least 15 code points, the 3,000 most frequent ones for every shorter minimum down
    to 8, and what people make of short ones to reach 15, in Finnish and Swedish too.
    ``tools/make_blocklist.py`` says where they come from and makes the file again.

    A host may give any other ``Container[str]`` in its place, or a larger set that includes this one.
    """
    from importlib.resources import files

    packed = (files("cityauth.adapters") / "common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().splitlines())
