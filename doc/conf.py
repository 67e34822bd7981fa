"""The pages of sklid, made by Sphinx: ``python -m sphinx -W --keep-going doc build/site``."""

import sys
from pathlib import Path

DOC = Path(__file__).parent
sys.path.insert(0, str(DOC / "website"))

import sklid

project, author = "sklid", "the sklid developers"
project_copyright = "2026, the sklid developers"
version = release = sklid.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "links",
    "mathml",
    "reference",
    "checks",
]
exclude_patterns = ["examples", "paper/results", "benchmarks/results", "website", "sg_execution_times.rst"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown", ".markdown": "markdown"}
templates_path = ["website/templates"]
suppress_warnings = ["myst.header"]  # tables of the paper, whose headings a script writes

# the reference: every name in the __all__ of a wing
autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
default_role = "py:obj"
add_module_names = False
toc_object_entries_show_parents = "hide"

# Markdown, as code hosts read it
myst_heading_anchors = 4
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/(?!yahoo|yelp)\w+\.py",  # those two download data, and take minutes
    "example_extensions": {".py"},
    "within_subsection_order": "ExampleTitleSortKey",
    "default_thumb_file": str(DOC / "website/no_picture.svg"),
    "min_reported_time": 10**9,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "abort_on_example_error": True,
    "matplotlib_animations": False,
    "image_srcset": ["2x"],
}

html_theme = "pydata_sphinx_theme"
html_title = f"sklid {release}"
html_static_path = ["website/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "sklid"},
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {page: [] for page in ("index", "theory", "benchmarks/README", "changes", "contributing")}
linkcheck_timeout = 20
