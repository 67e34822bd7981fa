"""Links of the Markdown files, which a code host resolves in the repository, on the pages of the site.

A page leads to a page, a script of the gallery to its page there, the README to the page that shows it, and every other
file of the repository to a copy of it.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

DOC = Path(__file__).parents[1]
ROOT = DOC.parent
START = DOC / "start.markdown"
"""The README as a page; written by the build, with a suffix that code hosts and tests of the documents pass over."""
BELOW = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(#[^)\s]*)?(?=\))")


def page_of(target: Path) -> Path:
    """The source of the page that shows a file or a folder, or the file itself.

    >>> page_of(DOC / "examples/plot_clusters.py").relative_to(DOC).as_posix()
    'gallery/plot_clusters.rst'
    """
    if target == ROOT / "README.md":
        return START
    if target == DOC / "examples":
        return DOC / "gallery/index.rst"
    if target.parent == DOC / "examples":
        return DOC / "gallery" / target.with_suffix(".rst").name
    if target.is_dir():
        return (target.parent if target.name == "results" else target) / "README.md"
    return target


def on_the_site(text: str, source: Path, page: Path) -> str:
    """The text of a Markdown file with the links that a page of the site needs.

    >>> on_the_site("[try](../README.md#try-it), [a map](../sklid/nn/brenier.py)", DOC / "text.md", DOC / "text.md")
    '[try](start.markdown#try-it), [a map](../sklid/nn/brenier.py)'
    """

    def moved(link: re.Match) -> str:
        target = (source.parent / link[1]).resolve()
        if not target.exists():
            return link[0]
        return Path(os.path.relpath(page_of(target), page.parent)).as_posix() + (link[2] or "")

    return LINK.sub(moved, text)


def write_start(app: Sphinx, config: Config) -> None:
    """The README as a page, under a title that says what it is here."""
    text = re.sub(r"\A# .*", "# Start", (ROOT / "README.md").read_text(encoding="utf-8"))
    shown = on_the_site(text, ROOT / "README.md", START)
    if not START.is_file() or START.read_text(encoding="utf-8") != shown:
        START.write_text(shown, encoding="utf-8")


def rewrite(app: Sphinx, docname: str, source: list[str]) -> None:
    """Links of a Markdown file that is about to be read; the README of a folder has the other pages below it."""
    page = Path(app.env.doc2path(docname))
    if page.suffix == ".md":
        source[0] = on_the_site(source[0], page, page)
    if page.name == "README.md" and len(list(page.parent.glob("*.md"))) > 1:
        source[0] += BELOW


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", write_start)
    app.connect("source-read", rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
