"""What the project declares to need is what it imports, each with the lowest version that works."""

import ast
import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = DECLARED["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [
    *DECLARED["build-system"]["requires"],
    *PROJECT["dependencies"],
    *(requirement for extra in EXTRAS.values() for requirement in extra if not requirement.startswith("sklid[")),
]
IMPORTED_AS = {"pillow": "PIL", "scikit-learn": "sklearn"}
TOOLS = {"doc", "test"}
"""Extras of those who work on the package."""
FILES = sorted((ROOT / "sklid").rglob("*.py"))


def libraries(nodes):
    """Top-level modules that these import statements need, those of Python and of the package aside."""
    for node in nodes:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module]
        else:
            continue
        yield from {module.partition(".")[0] for module in modules} - {"sklid", *sys.stdlib_module_names}


def modules_of(requirements):
    names = (requirement.partition(">=")[0] for requirement in requirements)
    return {IMPORTED_AS.get(name, name) for name in names}


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_requirement_is_a_lower_bound_with_its_whole_version(requirement):
    assert re.fullmatch(r"[A-Za-z0-9-]+>=\d+\.\d+\.\d+", requirement)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_library_that_a_file_imports_is_declared_outside_the_test_tools(path):
    declared = modules_of(PROJECT["dependencies"]).union(
        *(modules_of(extra) for name, extra in EXTRAS.items() if name != "test")
    )
    assert set(libraries(ast.walk(ast.parse(path.read_text())))) <= declared


def extras_within(name):
    """The extras that an extra takes over, itself included."""
    taken = re.findall(r"sklid\[(.*?)\]", " ".join(EXTRAS[name]))
    return {name}.union(*(extras_within(part) for parts in taken for part in parts.split(",")))


def test_the_extra_all_has_every_extra_for_users_and_the_tools_have_all_but_the_one_that_holds_pandas_back():
    assert extras_within("all") == set(EXTRAS) - TOOLS
    assert all(extras_within(name) == {name} | extras_within("all") - {"all", "anndata"} for name in TOOLS)


def test_the_citation_has_the_version_of_the_package():
    import sklid

    assert f"\nversion: {sklid.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_libraries_that_are_loaded_with_a_file_are_dependencies_and_not_extras():
    loaded = {
        library for path in FILES if path.stem != "flow" for library in libraries(ast.parse(path.read_text()).body)
    }
    assert loaded <= modules_of(PROJECT["dependencies"])


def test_every_dependency_is_imported_somewhere():
    imported = {library for path in FILES for library in libraries(ast.walk(ast.parse(path.read_text())))}
    assert modules_of(PROJECT["dependencies"]) <= imported


def test_the_lowest_environment_has_the_versions_that_are_declared():
    assert runpy.run_path(ROOT / ".ci/lowest.py")["floors"]() == dict(
        requirement.split(">=") for requirement in REQUIREMENTS
    )
