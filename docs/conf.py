"""Settings of the documentation; `sphinx-build -W -b html docs docs/_build/html`."""

from __future__ import annotations

import re
from typing import Any

from skdrift._version import __version__

project = "skdrift"
author = "skdrift developers"
project_copyright = "2026, skdrift developers"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "changes", "developers/decisions/template.md"]

root_doc = "index"
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
default_role = "code"  # numpydoc names parameters in single backticks

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc gives the types in words
nitpick_ignore = [
    ("py:class", "sklearn.utils.Bunch"),  # on pages of scikit-learn's own
    ("py:obj", "classes_"),  # numpydoc links properties, and pages leave out inherited
]
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "header_links_before_dropdown": 3,  # more take a second line
    "navigation_with_keys": False,
}
html_static_path = ["_static"]
html_css_files = ["skdrift.css"]
html_title = f"skdrift {version}"


def skip_member(
    app: object, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave out scikit-learn's `set_<method>_request`, which refer to its own pages."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Any) -> None:
    app.connect("autodoc-skip-member", skip_member)
