"""The documentation's site, built by `make docs` (Sphinx); the pages are Markdown, and GitHub shows them as well."""

from __future__ import annotations

import re

import mksgn_neuro

project = "mksgn-neuro"
author = "the mksgn-neuro authors"
copyright = f"2026, {author}"
release = version = mksgn_neuro.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_click"]
exclude_patterns = ["results"]  # records, as JSON: pages link to them
suppress_warnings = ["myst.header"]  # a notebook's first heading may come after a code cell

myst_heading_anchors = 4  # as GitHub has them: pages link to sections
myst_enable_extensions = ["colon_fence"]
smartquotes = False  # "--seed" is an option, no dash
highlight_language = "default"  # Python where it parses, else plain text: most blocks are shell sessions

nb_execution_mode = "force"  # always with the code of today
nb_execution_in_temp = True  # what they write is not left here
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False  # not those of torch.nn.Module
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = f"mksgn-neuro {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

# Pages that lie beside docs/ in the repository, and under which names the site has them.
OUTSIDE = {"../CONTRIBUTING.md": "extending.md", "../CHANGELOG.md": "changelog.md", "../README.md": "index.md"}


def lead_inside(app: object, name: str, source: list[str]) -> None:
    """Links to the repository's own pages lead to the site's: "(../CONTRIBUTING.md" is "(extending.md" here."""
    up = "../" * name.count("/")
    for outside, inside in OUTSIDE.items():
        source[0] = source[0].replace(f"]({up}{outside}", f"]({up}{inside}")


def as_rst(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text with `code`, and with indented examples: what reStructuredText would read otherwise."""
    written: list[str] = []
    in_example = False
    for line in lines:
        is_example = line.startswith("    ") and (in_example or not written or not written[-1].strip())
        if is_example and not in_example:
            written += [".. code-block:: python", ""]
        in_example = is_example or (in_example and not line.strip())
        written.append(line if in_example else _escaped(line))
    lines[:] = written


def _escaped(line: str) -> str:
    """`code` as ``code``; outside of it nothing is markup, except an item's bullet."""
    bullet, text = re.match(r"((?:\s*[*-] )?)(.*)", line, re.S).groups()
    parts = re.split(r"(`[^`]+`)", text)
    plain = (re.sub(r"([*_|\\])", r"\\\1", part) for part in parts[::2])
    code = (f"`{part}`" for part in parts[1::2])
    return bullet + "".join(piece for pair in zip(plain, [*code, ""]) for piece in pair)


def without_classes(app: object, context: object, lines: list[str]) -> None:
    """A default that is a path, as one types it."""
    lines[:] = [re.sub(r"PosixPath\((.*?)\)", r"\1", line) for line in lines]


def setup(app: object) -> dict[str, bool]:
    """Sphinx calls it once."""
    app.connect("source-read", lead_inside)
    app.connect("autodoc-process-docstring", as_rst)
    app.connect("sphinx-click-process-options", without_classes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
