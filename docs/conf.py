"""Configuration of the documentation: `make docs`."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import generated

import tamis

project = "Tamis"
copyright = "the Tamis authors"
version = release = tamis.__version__
extensions = ["myst_parser"]
exclude_patterns = [".*"]
html_theme = "furo"
html_title = f"Tamis {release}"
html_static_path = ["static"]
html_css_files = ["tamis.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6b5b", "color-brand-content": "#0b6b5b"},
    "dark_css_variables": {"color-brand-primary": "#4fd0b1", "color-brand-content": "#4fd0b1"},
}
myst_heading_anchors = 3
smartquotes = False
pygments_style = "tango"


def fill(app: Any, name: str, source: list[str]) -> None:
    """Put what is made from the code in the place of its marker."""
    for marker, make in generated.PARTS.items():
        if f"<!-- {marker} -->" in source[0]:
            source[0] = source[0].replace(f"<!-- {marker} -->", make())


def setup(app: Any) -> None:
    """Fill in pages as they are read."""
    app.connect("source-read", fill)
