"""Settings of the documentation: Markdown by MyST, a theme that comes with Sphinx. I/O."""

import re
from pathlib import Path

HERE = Path(__file__).parent

project = "Tocsin"
author = "The Tocsin authors"
project_copyright = "The Tocsin authors, Apache-2.0"
release = re.search(r'__version__ = "(.+)"', (HERE.parent / "src/tocsin/__init__.py").read_text("utf-8"))[1]

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "A city's early warning of epidemics", "fixed_sidebar": True}
html_copy_source = False
