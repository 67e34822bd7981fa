"""The floors of the house: a file imports lower floors and earlier files of its own, never upward, and stays small."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "sklid"
HOUSE = [
    ("nn", "activation convex brenier embedding perceptron decoder likelihoods.base likelihoods.gaussian likelihoods.bernoulli "
           "likelihoods.continuous_bernoulli likelihoods.counts likelihoods.categorical likelihoods objective linear certificate prior mixture "
           "posterior flow principal model mixture_model"),
    ("", "exceptions randomness validation"),
    ("data", "blocks memory_map table files"),
    ("training", "callbacks batches loss net phases"),
    ("metrics", "sources encodings importance information units labels likelihood "
                "report.measurements report.verdict report.evidence report.labels report.report report.measure report scorers"),
    ("", "callbacks"),
    ("estimators", "parameters answers assembly base injective mixture_start clustering lidvae lidgmvae"),
    ("baselines", "vae gmvae"),
    ("linear", "covariance spectrum identifiable linear_gaussian expectation_maximization gradient maximum_likelihood answers ppca"),
    ("", "sklid"),
    ("mcmc", "chains ppca mixture"),
    ("plots", "style clusters comparison collapse latent_space traversal surface training depth reconstruction"),
    ("", "__main__"),
]  # fmt: skip
"""The wings from the ground up with the files of each; those without a name stand at the root, where `sklid` is the package's own face."""
ORDER = [name for wing, files in HOUSE for name in [*(f"{wing}.{file}".strip(".") for file in files.split()), *([wing] if wing else [])]]
ORDER[ORDER.index("sklid")] = ""
FLOOR_1_MAY_IMPORT = {"torch", *sys.stdlib_module_names}
LONGEST_FILE, LONGEST_FUNCTION = 320, 25


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports(path, top_level_only=False):
    """Names of modules imported, those of the package relative to its root."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".") if package else []
            base = base[: len(base) - (node.level - 1)]
            target = [*base, *([node.module] if node.module else [])]
            if node.module and ".".join(target) in FILES:
                yield "sklid." + ".".join(target)
            else:
                yield from ("sklid." + ".".join([*target, alias.name]) for alias in node.names)


def test_every_file_has_its_place_in_the_order():
    assert sorted(FILES) == sorted(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_imports_never_look_upward(name):
    for module in imports(FILES[name]):
        if module.split(".")[0] == "sklid":
            target = module.removeprefix("sklid").removeprefix(".")
            while target not in FILES:
                target = target.rpartition(".")[0]
            assert ORDER.index(target) < ORDER.index(name), f"{name} imports {target}, which is not below it"


@pytest.mark.parametrize("name", [name for name in ORDER if name.startswith("nn")])
def test_floor_one_needs_torch_alone(name):
    allowed = FLOOR_1_MAY_IMPORT | ({"zuko"} if name == "nn.flow" else set())
    foreign = {module.split(".")[0] for module in imports(FILES[name])} - allowed - {"sklid"}
    assert not foreign


def test_matplotlib_is_imported_inside_functions_only():
    for path in FILES.values():
        assert not any(module.startswith("matplotlib") for module in imports(path, top_level_only=True)), path


def test_importing_the_package_loads_no_plotting_flow_or_sampling_library():
    import subprocess

    code = "import sys, sklid; print(sorted({'matplotlib', 'zuko', 'numpyro', 'jax'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize("name", ORDER)
def test_files_and_functions_stay_small(name):
    text = FILES[name].read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= LONGEST_FUNCTION, f"{name}.{node.name} has {length} lines of code"
