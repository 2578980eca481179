"""Settings of the documentation; `sphinx-build -W -b html docs docs/_build/html`."""

from __future__ import annotations

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
exclude_patterns = ["_build", "changes", "developers/decisions/template.md"]

root_doc = "index"
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
default_role = "code"  # numpydoc names parameters in single backticks

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc gives the types in words
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
html_theme_options = {"navigation_with_keys": False}
html_title = f"skdrift {version}"
