"""Formulas as MathML, which browsers draw themselves: no script and no font is loaded for them."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import wrap_displaymath
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)


def drawn(formula: str, display: str, node: nodes.Element) -> str:
    """The formula as MathML, with a warning for what the converter does not know: it keeps a backslash."""
    element = convert(formula, display=display)
    if "\\" in element or "&#x0005C;" in element:
        LOGGER.warning("a formula has a command that is not known: %s", formula, location=node)
    return element


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(drawn(node.astext(), "inline", node))
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    latex = wrap_displaymath(node.astext(), None, False)
    for wrapping in (r"\begin{equation*}", r"\end{equation*}", r"\begin{equation}", r"\end{equation}"):
        latex = latex.replace(wrapping, "")
    translator.body.append(f'<div class="formula" tabindex="0">{drawn(latex.strip(), "block", node)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
