"""What the reference shows: members that this package defines, and names in the text as links to their pages."""

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from torch.distributions import Distribution

PLAIN = re.compile(r"(`.*?`)|(?<=\w)_(?=[\s,.;:)\]\"]|$)|(?<=[( ])\*(?=[,)])")
"""A trailing underscore and the star of a shape, neither inside backticks."""


def is_foreign(app: Sphinx, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Whether a member of a class comes from a base class of another library, or overrides one that torch documents."""
    function = getattr(member, "fget", member)
    home = getattr(function, "__module__", None)
    if what != "class" or not isinstance(home, str):
        return None
    torchs = function.__doc__ is None and hasattr(Distribution, name)
    return True if torchs or home.partition(".")[0] != "sklid" else None


def escape(app: Sphinx, what: str, name: str, member: Any, options: Any, lines: list[str]) -> None:
    """Docstrings say ``labels_`` and (*, K) in plain words, where reStructuredText sees markup."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[i] = PLAIN.sub(lambda found: found[1] or "\\" + found[0], line)


def linked(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Element | None:
    """A link to the one public class or function with the name that stands in the text, from whatever wing."""
    if node.get("refdomain") != "py" or node.get("reftype") != "obj":
        return None
    named = {name for name in env.domains["py"].objects if name.rpartition(".")[2] == node["reftarget"]}
    public = {name for name in named if name.startswith("sklid.") and _is_public(env, name)}
    if len(public) != 1:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", public.pop(), node, content)


def _is_public(env: BuildEnvironment, name: str) -> bool:
    """Whether a name has a page, so is not a method."""
    return env.domains["py"].objects[name].docname.endswith(name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-skip-member", is_foreign)
    app.connect("autodoc-process-docstring", escape, priority=100)  # before numpydoc
    app.connect("missing-reference", linked)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
