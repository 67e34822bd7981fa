"""The order of wings and files: a file imports what comes before it, is small, and keeps to the borders of its wing."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

DOC = Path(__file__).parents[1] / "doc"


def load(name):
    spec = importlib.util.spec_from_file_location(name, DOC / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


house = load("architecture")
FILES, ORDER = house.FILES, house.ORDER
WING = {module: part.title for part in house.parts() if part.floor != "root" for module in part.modules}
SIDE_WINGS = {part.title for part in house.parts() if part.floor == "side wing"}
FLOOR_1_MAY_IMPORT = {"sklid", "torch", *sys.stdlib_module_names}
PRIVATE_NAMES_OF_SCIKIT_LEARN = "validation"
LONGEST_FILE, LONGEST_FUNCTION, MOST_FILES_AT_THE_ROOT = 300, 25, 8


def tree_of(name):
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


def is_private(name):
    """Whether a module or a name below it starts with an underscore that is not part of a special name."""
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def test_every_file_has_one_place_in_the_order():
    assert sorted(FILES) == sorted(ORDER)


def test_floors_of_the_order_rise_and_no_wing_is_cut_in_two():
    floors = [part.floor for part in house.parts() if part.floor.startswith("floor")]
    assert floors == sorted(floors)
    assert len(set(WING.values())) == len([part for part in house.parts() if part.floor != "root"])


@pytest.mark.parametrize("name", ORDER)
def test_imports_never_look_upward(name):
    for target in house.imported_files(name):
        assert ORDER.index(target) < ORDER.index(name), f"{name} imports {target}, which is not below it"


def test_side_wings_are_imported_by_the_command_line_alone():
    for name in set(ORDER) - {"__main__"}:
        from_side_wings = {WING.get(target) for target in house.imported_files(name)} & SIDE_WINGS
        assert from_side_wings <= {WING.get(name)}, name


def test_floor_one_needs_torch_alone():
    for name in [name for name in ORDER if WING.get(name) == "nn"]:
        allowed = FLOOR_1_MAY_IMPORT | ({"zuko"} if name == "nn.flow" else set())
        assert {module.split(".")[0] for module in house.imports(name)} <= allowed, name


def test_private_names_of_scikit_learn_are_imported_in_one_file():
    for name in set(ORDER) - {PRIVATE_NAMES_OF_SCIKIT_LEARN}:
        attributes = [ast.unparse(node) for node in ast.walk(tree_of(name)) if isinstance(node, ast.Attribute)]
        named = [found for found in [*house.imports(name), *attributes] if found.split(".")[0] == "sklearn"]
        assert not [found for found in named if is_private(found)], name


def test_matplotlib_is_imported_inside_functions_only():
    for name in ORDER:
        on_import = house.imports(name, in_functions=False)
        assert not [module for module in on_import if module.startswith("matplotlib")], name


def test_importing_the_package_loads_no_library_of_plots_flows_sampling_files_or_exports():
    libraries = {
        "matplotlib",
        "zuko",
        "numpyro",
        "jax",
        "safetensors",
        "tokenizers",
        "onnx",
        "onnxscript",
        "onnxruntime",
    }
    code = f"import sys, sklid, sklid.export; print(sorted({libraries} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_only_the_command_line_prints():
    calls = [(name, node.func) for name in ORDER for node in ast.walk(tree_of(name)) if isinstance(node, ast.Call)]
    assert {name for name, called in calls if isinstance(called, ast.Name) and called.id == "print"} == {"__main__"}


def test_filters_of_warnings_which_belong_to_all_threads_are_changed_by_the_command_line_alone():
    changing = {"catch_warnings", "simplefilter", "filterwarnings"}
    names = {(name, getattr(node, "attr", None)) for name in ORDER for node in ast.walk(tree_of(name))}
    assert {name for name, attribute in names if attribute in changing} == {"__main__"}


def test_the_root_holds_wings_and_a_handful_of_files():
    files = [path.name for path in house.ROOT.iterdir() if path.is_file()]
    folders = {path.name for path in house.ROOT.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert len(files) <= MOST_FILES_AT_THE_ROOT, files
    assert folders == set(WING.values())


def test_no_file_name_starts_with_an_underscore():
    assert not [name for name in FILES if is_private(name)]


@pytest.mark.parametrize("name", ORDER)
def test_files_and_functions_stay_small(name):
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= LONGEST_FUNCTION, f"{name}.{node.name} has {length} lines of code"


def test_the_picture_of_the_imports_is_drawn_from_them():
    assert house.PICTURE.read_text(encoding="utf-8") == house.drawn(), "run: python doc/architecture.py"
