"""The pages that Sphinx makes: every public name has one, and the checks of the built pages find what is wrong."""

import ast
import importlib
import re
import sys
import zlib

import pytest
from scripts import ROOT

SITE = ROOT / "build/site"
NOT_BUILT = "the pages are not built: python -m sphinx -W --keep-going doc build/site"
WINGS = re.findall(r"^   (sklid[\w.]*)$", (ROOT / "doc/reference/index.rst").read_text(), re.MULTILINE)
WITHOUT_PAGES = {"sklid.__main__", "sklid.data", "sklid.estimators", "sklid.imputation", "sklid.linear"}
WITHOUT_PAGES |= {"sklid.metrics.report", "sklid.nn.likelihoods", "sklid.randomness", "sklid.surroundings"}
WITHOUT_PAGES |= {"sklid.persistence", "sklid.validation"}
"""Parts whose public names users import from elsewhere, or that are of use within the package alone."""


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def public_parts():
    """Wings, wings in wings, and files at the root."""
    paths = [*ROOT.glob("sklid/*.py"), *ROOT.glob("sklid/*/**/__init__.py")]
    return {name_of(path) for path in paths}


def names(wing):
    """What the ``__all__`` of a wing lists; read and not imported, since some wings need extras."""
    path = ROOT / wing.replace(".", "/")
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


def test_every_part_of_the_package_is_in_the_reference_or_named_here_as_inner():
    assert set(WINGS) | WITHOUT_PAGES == public_parts()
    assert not set(WINGS) & WITHOUT_PAGES


@pytest.mark.skipif(not (SITE / "objects.inv").is_file(), reason=NOT_BUILT)
@pytest.mark.parametrize("wing", WINGS)
def test_every_public_name_has_a_page(wing):
    inventory = (SITE / "objects.inv").read_bytes().split(b"\n", 4)[4]
    documented = {line.split(" ", 1)[0] for line in zlib.decompress(inventory).decode().splitlines()}
    for name in names(wing):
        assert f"{wing}.{name}" in documented
        assert (SITE / f"reference/generated/{wing}.{name}.html").is_file()


@pytest.mark.skipif(not (SITE / "objects.inv").is_file(), reason=NOT_BUILT)
def test_the_search_knows_the_methods():
    assert "predict_proba" in (SITE / "searchindex.js").read_text()


@pytest.fixture
def website(monkeypatch):
    pytest.importorskip("sphinx", reason="the pages need the extra sklid[doc]")
    monkeypatch.syspath_prepend(str(ROOT / "doc/website"))
    yield importlib.import_module
    for name in ("checks", "links"):
        sys.modules.pop(name, None)


def test_links_within_the_pages_and_to_the_network_are_checked(website, tmp_path):
    good = '<a href="b.html#there">b</a> <a href="https://example.org">elsewhere</a> <img src="b.html">'
    (tmp_path / "a.html").write_text(good)
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1>')
    faults = website("checks").faults
    assert list(faults(tmp_path)) == []
    for wrong, told in {
        '<a href="c.html">c</a>': "not there",
        '<a href="b.html#gone">b</a>': "no such anchor",
        '<script src="//cdn.example.org/x.js"></script>': "from the network",
        '<link rel="stylesheet" href="https://example.org/x.css">': "from the network",
    }.items():
        (tmp_path / "a.html").write_text(good + wrong)
        (found,) = faults(tmp_path)
        assert told in found


@pytest.mark.parametrize(
    ("link", "shown"),
    {
        "[a](theory.md#clusters)": "[a](theory.md#clusters)",
        "[a](../README.md#try-it)": "[a](start.markdown#try-it)",
        "[a](examples/own_loop.py)": "[a](gallery/own_loop.rst)",
        "[a](examples)": "[a](gallery/index.rst)",
        "[a](paper/results)": "[a](paper/README.md)",
        "[a](trace.py)": "[a](trace.py)",
        "x[0](1)": "x[0](1)",
    }.items(),
)
def test_links_of_the_documents_lead_to_the_pages_of_the_site(website, link, shown):
    source = ROOT / "doc/collapse.md"
    assert website("links").on_the_site(link, source, source) == shown


def test_the_links_of_the_readme_are_those_of_its_page(website):
    links = website("links")
    assert links.on_the_site("[a](doc/text.md#x)", ROOT / "README.md", links.START) == "[a](text.md#x)"
