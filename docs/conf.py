"""How Sphinx builds the documentation. Nothing is fetched: the build works offline."""

import tomllib
from pathlib import Path

_PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "cityauth"
author = "The cityauth authors"
copyright = author  # noqa: A001 - Sphinx' name
release = version = _PROJECT["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.graphviz",
    "sphinx.ext.napoleon",
]
root_doc = "index"
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!cityauth).*"),  # other projects' names: their indexes would have to be fetched
    (
        "py:.*",
        r"cityauth\.(core|flows|api|messages|testing)\..*",
    ),  # not public: an annotation names them, no page does
]

html_theme = "furo"
html_title = f"cityauth {release}"
graphviz_output_format = "svg"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # the fields of a NamedTuple are members too: they would be described twice
