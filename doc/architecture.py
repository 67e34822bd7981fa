"""The order of the wings and files of `sklid`, and a picture of who imports whom: ``python doc/architecture.py``.

`tests/test_architecture.py` holds the imports to the order of `HOUSE`. The picture, `architecture.svg`, is drawn from
the imports themselves, and a test compares it with what this script draws, so it shows what is there.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1] / "sklid"
PICTURE = Path(__file__).with_suffix(".svg")
HOUSE = [
    ("floor 1", "nn",
     "draws activation convex curved brenier chain embedding perceptron skip convolution network decoder section "
     "likelihoods.support likelihoods.base likelihoods.column_moments likelihoods.codes likelihoods.columns "
     "likelihoods.gaussian likelihoods.log_normal likelihoods.bernoulli likelihoods.continuous_bernoulli "
     "likelihoods.counts likelihoods.negative_binomial likelihoods.zero_inflated likelihoods.categorical "
     "likelihoods.ordinal likelihoods.families likelihoods.mixed likelihoods.wrapped likelihoods.conditioned "
     "likelihoods objective linear certificate prior clusters location_scale gamma mixture posterior flow shift "
     "principal model gaps positive committed mixture_model refined_model sequences.tokens "
     "sequences.unrolled sequences.recurrent sequences.decoder sequences.brenier sequences.generation "
     "sequences.start sequences.posterior sequences.model sequences.refined sequences"),
    ("root", "", "exceptions surroundings randomness validation"),
    ("floor 2", "data",
     "blocks memory_map sparse_rows support parquet_folder spooled numeric_table categories column_kinds "
     "column_reader column_writer plain_values validated_rows scale seen table array_file frame_table text_file "
     "parquet_file files splitter documents vocabulary corpus column_rules column_families mixed_table mixed_adapter "
     "chosen_columns conditions "
     "conditioned_adapter"),
    ("floor 2", "datasets", "made made_counts downloads reading image_files images documents"),
    ("floor 2", "training", "callbacks batches guard loss processes net checkpoint phases aggressive importance"),
    ("floor 3", "metrics",
     "sources joined encodings aggregate gaussians importance information units labels mixtures agreement likelihood "
     "neighbours report.measurements report.residuals report.structure report.verdict report.remedy "
     "report.evidence report.clusters report.labels report.report report.measure report.collapse report scorers"),
    ("root", "", "callbacks"),
    ("floor 4", "estimators",
     "declaration parameters mixture_parameters objective encoder inference answers row_answers trained base injective "
     "neighbourhoods valleys cluster_families mixture_start mixture_attributes clustering family text_answers "
     "sequences lidvae lidgmvae lidmvae lidsvae annotation"),
    ("floor 4", "linear",
     "dense_blocks edge weak spectrum covariance permutation rows linear_gaussian isotropy leftover precise "
     "factor_model units solver incremental incomplete expectation_maximization filled factor_analysis expected "
     "determined starts incomplete_fit gradient maximum_likelihood attributes answers verdict ppca"),
    ("floor 5", "imputation", "hiding calibration linear imputer"),
    ("floor 5", "baselines",
     "classical gaussian_posterior vae beta_vae free_bits_vae delta_vae bn_vae skip_vae lagging_vae "
     "semi_amortized_vae gmvae sequential_vae "
     "sequential_competitors language_model"),
    ("floor 6", "persistence",
     "archive kinds values budget records frames conditions tables models nets estimators scikit registry files"),
    ("floor 6", "export",
     "units row_noise frozen operators answers linear_answers document_answers modules rows onnx_file"),
    ("root", "", "__init__"),
    ("side wing", "mcmc", "chains ppca mixture"),
    ("side wing", "plots",
     "style clusters comparison collapse latent_space traversal surface training depth reconstruction picture_file"),
    ("root", "", "__main__"),
]  # fmt: skip
"""From the ground up: the floor, the wing, and its files in order. A file may import those of wings that come before
its own and earlier files of its own wing. Files of no wing stand at the root of the package."""


class Part(NamedTuple):
    """A wing, or neighbouring files at the root: its floor, its title, and its modules."""

    floor: str
    title: str
    modules: tuple[str, ...]


def parts() -> list[Part]:
    """The parts of the package from the ground up; the `__init__` of a wing is its last module, by the wing's name."""
    found = []
    for floor, wing, files in HOUSE:
        modules = [f"{wing}.{file}" if wing else file for file in files.split()]
        found.append(Part(floor, wing or " · ".join(files.split()), (*modules, *([wing] if wing else []))))
    return found


def files_of(root: Path) -> dict[str, Path]:
    """The files of a package by their modules, relative to the package; its own `__init__` has that name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        names = path.relative_to(root).with_suffix("").parts
        found[".".join(name for name in names if name != "__init__") or "__init__"] = path
    return found


ORDER = [module for part in parts() for module in part.modules]
FILES = files_of(ROOT)


def imports(module: str, files: dict[str, Path] = FILES, in_functions: bool = True) -> Iterator[str]:
    """Full names of what a file imports, with the name that is taken from each module."""
    path = files[module]
    parents = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    package = ["sklid", *(parents if module != "__init__" else [])]
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), in_functions):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _nodes(tree: ast.AST, in_functions: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if in_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _nodes(node, in_functions)


def imported_files(module: str, files: dict[str, Path] = FILES) -> set[str]:
    """The files of the package that a file imports."""
    found = set()
    for name in imports(module, files):
        if name.split(".")[0] == "sklid":
            target = name.removeprefix("sklid").removeprefix(".")
            while target and target not in files:
                target = target.rpartition(".")[0]
            found.add(target or "__init__")
    return found - {module}


def imports_between_parts() -> Counter[tuple[str, str]]:
    """How many pairs of files, one importing the other, lead from one part to another, by their titles."""
    part_of = {module: part.title for part in parts() for module in part.modules}
    pairs = ((part_of[module], part_of[target]) for module in FILES for target in imported_files(module))
    return Counter(pair for pair in pairs if pair[0] != pair[1])


WIDTH, MARGIN, TOP, BAND, BOX_WIDTH, RAILS = 900, 24, 104, 82, 400, 560
EDGE = MARGIN + BAND + BOX_WIDTH
TALL, LOW, GAP, ROW, INDENT = 58, 30, 6, 18, 14
LINES_PER_STEP, STEP, SHORTEST_BAR = 20, 2, 2
"""A bar has two pixels for every twenty lines, and sizes are in hundreds: most changes leave the picture alone."""
COLOURS = {
    "floor 1": "#3f7fbf",
    "floor 2": "#2a9d8f",
    "floor 3": "#c98a1b",
    "floor 4": "#b5598f",
    "floor 5": "#7d6bc9",
    "floor 6": "#c0564b",
    "side wing": "#7f8c4a",
    "root": "#7b8794",
}
LEGEND = (
    "A box is a part of the package and a bar a file, as wide as the file is long. A circle counts the imports of the",
    "part on its left from the part at the arrow of its line.",
)
ALL_DOWN = "All lines lead down: no file imports from a part above its own."
SOME_UP = "A red line leads up, which the order forbids."
UPWARD = "#d62828"
STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; fill: #1f2933; }
.page { fill: #ffffff; stroke: #d5dbe1; } .box { fill: #f4f6f8; } .guide { stroke: #d5dbe1; }
.title { font-size: 18px; font-weight: 600; } .name { font-size: 15px; font-weight: 600; } .file { font-size: 13px; }
.soft { fill: #5f6c79; font-size: 12px; }
.number { fill: #ffffff; font-size: 12px; font-weight: 600; text-anchor: middle; }
@media (prefers-color-scheme: dark) {
text { fill: #e6eaee; } .page { fill: #11161c; stroke: #303a45; } .box { fill: #1c242d; } .guide { stroke: #303a45; }
.soft { fill: #9aa7b4; } .number { fill: #ffffff; } }
"""
"""Colours of a light page, and those of a dark one."""


class Place(NamedTuple):
    """Where a part is drawn: its upper edge and its height."""

    part: Part
    y: int
    height: int

    @property
    def way_in(self) -> int:
        """Where arrows come in."""
        return self.y + round(0.3 * self.height)

    @property
    def way_out(self) -> int:
        """Where imports leave."""
        return self.y + round(0.7 * self.height)


class Bar(NamedTuple):
    """The bar of a file: its row in the box, where it begins, and how wide it is."""

    module: str
    row: int
    x: int
    width: int


def bars(part: Part) -> list[Bar]:
    """The files of a part side by side, in a further row where one is full."""
    found: list[Bar] = []
    row, x, most = 0, 0, BOX_WIDTH - 2 * INDENT
    for module in part.modules:
        width = max(SHORTEST_BAR, STEP * round(n_lines(module) / LINES_PER_STEP))
        if x + width > most:
            row, x = row + 1, 0
        found.append(Bar(module, row, x, width))
        x += width + 2
    return found


def places() -> list[Place]:
    """The parts from the top down."""
    found, y = [], TOP
    for part in reversed(parts()):
        height = LOW if part.floor == "root" else TALL + ROW * bars(part)[-1].row
        found.append(Place(part, y, height))
        y += height + GAP
    return found


def n_lines(module: str) -> int:
    """Lines of a file."""
    return len(FILES[module].read_text(encoding="utf-8").splitlines())


def drawn() -> str:
    """The picture as the text of an SVG file."""
    placed = places()
    arrows = list(_arrows(placed))
    height = placed[-1].y + placed[-1].height + MARGIN
    size = f'width="{WIDTH}" height="{height}"'
    verdict = SOME_UP if any(UPWARD in arrow for arrow in arrows) else ALL_DOWN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {size} role="img">',
        "<title>The wings of sklid and the imports between them</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="12"/>',
        f'<text class="title" x="{MARGIN}" y="38">Who imports whom in sklid</text>',
        f'<text class="soft" x="{MARGIN}" y="62">{LEGEND[0]}</text>',
        f'<text class="soft" x="{MARGIN}" y="80">{LEGEND[1]} {verdict}</text>',
        *(line for place in placed for line in _box(place)),
        *_floors(placed),
        *arrows,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(place: Place) -> Iterator[str]:
    """A part, its name, its size, and a bar for each file."""
    part, y, height = place
    colour, left = COLOURS[part.floor], MARGIN + BAND
    yield f'<rect class="box" x="{left}" y="{y}" width="{BOX_WIDTH}" height="{height}" rx="6"/>'
    if part.floor == "root":
        title = part.title.replace("__init__", "__init__ (what users import from sklid)")
        yield f'<text class="soft" x="{left - 20}" y="{y + 20}" text-anchor="end">root</text>'
        yield f'<text class="file" x="{left + INDENT}" y="{y + 20}">{title}</text>'
        return
    n_hundreds = max(1, round(sum(map(n_lines, part.modules)) / 100))
    size = f"{len(part.modules)} files, about {n_hundreds}00 lines"
    yield f'<text class="name" x="{left + INDENT}" y="{y + 22}">{part.title}</text>'
    yield f'<text class="soft" x="{left + BOX_WIDTH - INDENT}" y="{y + 22}" text-anchor="end">{size}</text>'
    for module, row, x, width in bars(part):
        bar = f'x="{left + INDENT + x}" y="{y + 33 + ROW * row}" width="{width}" height="14" rx="1.5" fill="{colour}"'
        yield f"<rect {bar}><title>{module}</title></rect>"


def _floors(placed: list[Place]) -> Iterator[str]:
    """The name of each floor beside its wings."""
    for floor in dict.fromkeys(place.part.floor for place in placed if place.part.floor != "root"):
        own = [place for place in placed if place.part.floor == floor]
        first, last = own[0].y, own[-1].y + own[-1].height
        x = MARGIN + BAND - 10
        yield f'<path d="M{x} {first}V{last}" stroke="{COLOURS[floor]}" stroke-width="3" stroke-linecap="round"/>'
        name = floor + "s" * (floor == "side wing")
        yield f'<text class="soft" x="{x - 10}" y="{(first + last) // 2 + 4}" text-anchor="end">{name}</text>'


def _arrows(placed: list[Place]) -> Iterator[str]:
    """One line to each part that is imported, with a circle at the height of each part that imports it."""
    found = imports_between_parts()
    targets = [place for place in placed if any(target == place.part.title for _, target in found)]
    spacing = (WIDTH - MARGIN - 16 - RAILS) / max(1, len(targets) - 1)
    rails = {place.part.title: round(RAILS + spacing * number) for number, place in enumerate(targets)}
    for place in placed:
        own = [rails[target] for source, target in found if source == place.part.title]
        if own:
            yield f'<path class="guide" d="M{EDGE} {place.way_out}H{max(own)}" stroke-dasharray="2 3"/>'
    for target in targets:
        sources = [(place, found[place.part.title, target.part.title]) for place in placed]
        yield from _arrow(target, [(place, number) for place, number in sources if number], rails[target.part.title])


def _arrow(target: Place, sources: list[tuple[Place, int]], x: int) -> Iterator[str]:
    """The line to one part, at x, and the circles of the parts that import it."""
    colours = {place: COLOURS[target.part.floor] if place.y < target.y else UPWARD for place, _ in sources}
    for place, colour in colours.items():
        way = f"M{x} {place.way_out}V{target.way_in}H{EDGE + 8}"
        yield f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="2"/>'
    yield f'<path d="M{EDGE + 1} {target.way_in}l9 -5v10z" fill="{colours[sources[-1][0]]}"/>'
    for place, number in sources:
        title = f"<title>{place.part.title} imports {target.part.title}</title>"
        yield f'<circle cx="{x}" cy="{place.way_out}" r="11" fill="{colours[place]}">{title}</circle>'
        yield f'<text class="number" x="{x}" y="{place.way_out + 4}">{number}</text>'


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
