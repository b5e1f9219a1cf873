"""The code points of Unicode, thinned where thousands in a row are alike."""

import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby

LONG = 1024
"""A run of so many neighbours of one category is a block of ideographs or syllables, of private use, or unassigned."""
ENDS = 64
STEP = 97


@cache
def code_points() -> tuple[str, ...]:
    """Every code point, but of a long run of one category only the ends and each 97th between them."""
    return tuple(_thinned())


def _thinned() -> Iterator[str]:
    for _, run in groupby(map(chr, range(sys.maxunicode + 1)), unicodedata.category):
        alike = list(run)
        if len(alike) <= LONG:
            yield from alike
        else:
            yield from (*alike[:ENDS], *alike[ENDS:-ENDS:STEP], *alike[-ENDS:])
