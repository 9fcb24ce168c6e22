"""Settings of the documentation; build it with ``make docs``."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from numpydoc.xref import DEFAULT_LINKS

project = "cvxnn"
author = "the cvxnn developers"
copyright = "the cvxnn developers"
release = installed_version("cvxnn")
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
]
language = "en_GB"
templates_path = ["_templates"]
exclude_patterns = ["_build"]

# A single backtick names a Python object; what is no object of this package stays plain.
default_role = "py:obj"

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections state types and shapes
autodoc_member_order = "bysource"
add_module_names = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # but for the public names, below

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "cvxnn"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_copyright = False
html_copy_source = False

# Where each public name is documented; the top level comes last, and wins.
ROOMS = (
    "linear_maps",
    "patterns",
    "atoms",
    "programs",
    "solvers",
    "certificates",
    "training",
    "interpretation",
    "exports",
    "tables",
    "plots",
    "testing",
)
MODULES = [import_module(name) for name in (*(f"cvxnn.{room}" for room in ROOMS), "cvxnn")]
HOMES = {name: f"{module.__name__}.{name}" for module in MODULES for name in module.__all__}
# What functions return is documented where it lives: the reference names it with its file.
REFERENCE = Path(__file__).with_name("reference").joinpath("api.rst").read_text(encoding="utf-8")
ROOM_OR_FILE = re.compile(r"^\.\. currentmodule:: (?P<room>\S+)$|^   ~(?P<path>\S+)$", re.MULTILINE)
current_room = "cvxnn"
for entry in ROOM_OR_FILE.finditer(REFERENCE):
    current_room = entry["room"] or current_room
    if path := entry["path"]:
        HOMES[path.rpartition(".")[2]] = f"{current_room}.{path}"

# numpydoc would send these words to other projects' glossaries, which are not fetched.
numpydoc_xref_aliases = {word: word for word in DEFAULT_LINKS} | HOMES


def link_public_name(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Resolve a reference to a public name that is given without its room, or by the file it lives in."""
    target = str(node.get("reftarget", ""))
    home = HOMES.get(target.rpartition(".")[2])
    if node.get("refdomain") != "py" or home in (None, target):
        return None
    return env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], home, node, contnode
    )


def close_samples(_app: Any, _docname: str, source: list[str]) -> None:
    """Drop the blank line at the end of a sample, which doctest needs and a reader does not."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def setup(app: Any) -> None:
    """Connect both."""
    app.connect("source-read", close_samples)
    app.connect("missing-reference", link_public_name)
