"""Every Python example in README.md and docs/ is a test. The blocks of one page share their names and run in order.

With pytest-xdist they need one worker for each page: ``--dist loadscope``.
"""

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
).pytest()
