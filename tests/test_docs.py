"""What the documents say is executed, and their figures are those of the saved results."""

import importlib.util
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from sklid.nn import InjectiveDecoder, PlainDecoder

ROOT = Path(__file__).parents[1]
TABLES = {
    "benchmarks/depth": "README.md",
    "benchmarks/choices": "doc/clustering.md",
    "benchmarks/clustering": "doc/benchmarks/README.md",
    "benchmarks/folds": "doc/theory.md",
    "benchmarks/price": "doc/guarantee.md",
    "benchmarks/small": "doc/benchmarks/README.md",
    "benchmarks/measuring": "doc/collapse.md",
    "benchmarks/coverage": "doc/collapse.md",
    "benchmarks/ppca": "doc/ppca.md",
    "benchmarks/speed": "doc/benchmarks/README.md",
    "benchmarks/memory": "doc/benchmarks/README.md",
    "benchmarks/threads": "doc/benchmarks/README.md",
    "benchmarks/verdicts": "doc/collapse.md",
    "paper/figure_1": "doc/paper/README.md",
    "paper/theorem_1": "doc/paper/README.md",
    "paper/figure_2": "doc/ppca.md",
    "paper/appendix_a": "doc/ppca.md",
    "paper/calibration": "doc/ppca.md",
}

WITHOUT_TABLES = ["benchmarks/documents", "benchmarks/flows", "paper/ablation", "paper/table_1", "paper/table_1_text"]
"""Scripts whose full runs have not been made."""

DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "doc").rglob("*.md"))]


def load(path):
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # where a script that is run finds its neighbours
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_modules_work_in_a_loop_and_in_a_net_of_ones_own():
    with torch.random.fork_rng():
        found = load(ROOT / "doc/examples/own_loop.py").main()
    assert all(correlation > 0.9 for correlation in found.values())


def test_convolutions_are_as_good_a_decoder_with_the_certificate_as_without():
    found = load(ROOT / "doc/examples/convolutional_decoder.py").main(n_epochs=15)
    assert found["LIDVAE, convolutions"] > found["VAE, convolutions"] - 2
    assert found["floor"] > 2.7
    assert found["error"] < 1e-4


@pytest.mark.parametrize("script", [*TABLES, *WITHOUT_TABLES])
def test_benchmarks_show_their_direction_quickly(script):
    done = subprocess.run(
        [sys.executable, ROOT / f"doc/{script}.py", "--quick"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("script", "document"), TABLES.items())
def test_tables_of_the_documents_are_those_of_the_saved_results(script, document):
    shown = re.search(
        rf"<!-- table of doc/{script}.py -->\n(.*?)\n<!-- end of table -->", (ROOT / document).read_text(), re.DOTALL
    )
    assert shown.group(1) == load(ROOT / f"doc/{script}.py").table()


def test_saved_clustering_results_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/clustering.py")
    rows = benchmark.CELLS.read()
    if not rows:
        pytest.skip("the full run of doc/benchmarks/clustering.py has not been made")
    saved = sorted((row["data"], row["method"], int(row["seed"])) for row in rows)
    assert saved == sorted(benchmark.planned({row["data"] for row in rows}))


def test_saved_choices_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/choices.py")
    rows = benchmark.CELLS.read()
    planned = [cell for cell in benchmark.planned() if cell[0] in {row["data"] for row in rows}]
    assert sorted((row["data"], row["choice"], int(row["seed"])) for row in rows) == sorted(planned)


def test_clusterings_of_every_data_set_differ_in_what_the_protocol_lets_differ():
    benchmark = load(ROOT / "doc/benchmarks/clustering.py")
    assert set(benchmark.OWN) == set(benchmark.DATA)
    assert {name for told in benchmark.OWN.values() for name in told} <= benchmark.MAY_DIFFER


def test_bars_of_a_saved_clustering_are_its_mean_accuracy_and_its_least_information(tmp_path):
    benchmark = load(ROOT / "doc/benchmarks/clustering.py")
    benchmark.CELLS.path = tmp_path / "cells.csv"
    for seed, accuracy, information in ((0, 0.5, 1.5), (1, 0.75, 1.0), (2, 1.0, 2.0)):
        figures = {"accuracy": accuracy, "mi_y": information}
        benchmark.CELLS.add({"data": "iris", "method": benchmark.OURS, "seed": seed} | figures)
    assert benchmark.bars() == {"iris": (0.75, 1.0)}


def test_saved_folds_are_complete_and_cost_a_section_what_a_line_does_not():
    benchmark = load(ROOT / "doc/benchmarks/folds.py")
    kinds_of_exact = (benchmark.CONTROL, *benchmark.DATA)
    for training, kinds in (("exact likelihood", kinds_of_exact), ("estimator", benchmark.DATA)):
        for data in kinds:
            for side in benchmark.SIDES:
                rows = benchmark.CELLS.read(**benchmark.key_of(data, training, side), split="test")
                assert [int(row["seed"]) for row in rows] == list(benchmark.SEEDS)
    for r in (1, 0.3, 0.1):
        costs = {data: benchmark.costs(data, "exact likelihood", ("section", r)) for data in kinds_of_exact}
        assert all(min(costs[data]) > 0.2 for data in benchmark.DATA)
        assert max(map(abs, costs[benchmark.CONTROL])) < 0.05


def test_saved_prices_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/price.py")
    wanted = [*itertools.product(benchmark.DECODERS, map(str, benchmark.CONSTANTS)), ("VAE", "")]
    assert {(row["data"], row["method"], row["r"], int(row["seed"])) for row in benchmark.CELLS.read()} == {
        (data, method, f"{float(r):g}" if r else "", seed)
        for data in benchmark.DATA
        for method, r in wanted
        for seed in benchmark.SEEDS
    }


def test_saved_results_of_small_tables_are_complete_and_no_section_overfits():
    benchmark = load(ROOT / "doc/benchmarks/small.py")
    assert len(benchmark.CELLS.read()) == (
        len(benchmark.DATA) * len(benchmark.METHODS) * len(benchmark.SEEDS) * benchmark.N_FOLDS
    )
    for data in benchmark.DATA:
        own, free = (
            np.array([float(row["ll"]) for row in benchmark.CELLS.read(data=data, method=method)])
            for method in ("LIDVAE", "VAE principal")
        )
        gained = own - free
        assert gained.mean() > -0.3 - gained.std() / len(gained) ** 0.5


def test_saved_measurements_stay_under_two_gigabytes():
    benchmark = load(ROOT / "doc/benchmarks/measuring.py")
    rows = benchmark.CELLS.read(n_rows=100_000, n_latents=64)
    assert {row["metric"] for row in rows} == {*benchmark.ON_ARRAYS, benchmark.UNDER_A_MIXTURE, *benchmark.ON_MODELS}
    assert all(float(row["peak_mb"]) < benchmark.LIMIT_MB for row in rows)


def test_saved_coverage_is_complete_and_as_good_as_it_should_be():
    benchmark = load(ROOT / "doc/benchmarks/coverage.py")
    for name in benchmark.ESTIMATORS:
        rows = benchmark.CELLS.read(measure="kl_lower_bound", model=name)
        assert [int(row["setting"]) for row in rows] == list(benchmark.DRAWS)
        assert all(float(row["value"]) <= 1e-3 and int(row["n_cases"]) == benchmark.N_ROWS for row in rows)
    figures = {measure: benchmark.CELLS.read(measure=measure) for measure in benchmark.MEASURES}
    sizes = {"mutual_information": 6, "active_units": 3, "informative_units": 4, "amortization_gap": 4}
    assert {measure: len(figures[measure]) for measure in sizes} == sizes
    assert all(float(row["value"]) <= 0.05 for row in figures["informative_units"])
    for measure, least in (("mutual_information", 0.9), ("active_units", 0.99), ("amortization_gap", 0.95)):
        assert all(float(row["value"]) >= least for row in figures[measure])


def test_saved_verdicts_are_complete_and_nine_of_ten_are_right():
    benchmark = load(ROOT / "doc/benchmarks/verdicts.py")
    for seed in benchmark.SEEDS:
        rows = benchmark.CELLS.read(seed=seed)
        assert [row["case"] for row in rows] == [case.name for case in benchmark.CASES]
        assert sum(map(benchmark.is_right, rows)) >= benchmark.LEAST_RIGHT * len(rows) == 90
        assert sum(map(benchmark.is_wrong, rows)) <= benchmark.MOST_WRONG * len(rows)


def test_saved_peaks_of_memory_are_complete_and_under_their_limit():
    benchmark = load(ROOT / "doc/benchmarks/memory.py")
    for n_rows, n_features in benchmark.SIZES:
        rows = benchmark.CELLS.read(rows=n_rows, features=n_features)
        asked = [(model, what) for model, questions in benchmark.QUESTIONS.items() for what in questions]
        assert {(row["model"], row["what"]) for row in rows} >= {
            *asked,
            *((model, "fit") for model in benchmark.MODELS),
        }
        assert all(float(row["peak_mb"]) < benchmark.LIMIT_MB for row in rows)


def test_saved_times_of_two_threads_are_complete_and_less_than_half_as_long_again():
    benchmark = load(ROOT / "doc/benchmarks/threads.py")
    rows = benchmark.CELLS.read()
    assert len(rows) == len(benchmark.MODELS) * len(benchmark.SIZES)
    assert all(float(row["ratio"]) < 1.5 for row in rows)


def test_saved_ratios_of_times_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/speed.py")
    own, brenier = (
        {row["against"] for row in benchmark.RATIOS.read(what="fit", side=side)}
        for side in ("LIDVAE", "brenier tapered")
    )
    assert own >= {"plain loop", "VAE"}
    assert brenier == {"plain loop", "VAE of equal cost", "pythae"}
    assert benchmark.RATIOS.read(what="invert")
    for threads in benchmark.THREADS:
        fits, steps = (benchmark.RATIOS.read(what=what, threads=threads) for what in ("fit", "step"))
        assert {(row["side"], row["depth"]) for row in fits} >= {(row["side"], row["depth"]) for row in steps}
        assert len(steps) >= 4
    assert {row["side"] for row in benchmark.RATIOS.read(what="rows")} == {
        "transform",
        "predict_proba",
        "score_samples",
    }
    assert {(row["quantity"], int(row["value"])) for row in benchmark.GROWTH.read()} == {
        (quantity, value) for quantity, values in benchmark.GROWTHS.items() for value in values
    }


def test_saved_depth_results_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/depth.py")
    rows = [row for row in benchmark.CELLS.read() if row["split"] == "test"]
    assert {(row["method"], int(row["seed"]), int(row["depth"])) for row in rows} == {
        (method, seed, depth) for method in benchmark.METHODS for seed in benchmark.SEEDS for depth in benchmark.DEPTHS
    }


def multiply_adds(decoder, n_components):
    """Those of a batch, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        decoder(torch.zeros(256, n_components))
    return counter.get_total_flops() / 2


@pytest.mark.parametrize("depth", [1, 9])
def test_decoder_of_the_paper_costs_in_figure_1_what_a_perceptron_costs(depth):
    script = load(ROOT / "doc/paper/figure_1.py")
    width = script.width_of(script.Cell("fashion", "brenier", depth, 0), 784)
    brenier, free = InjectiveDecoder(10, 784, depth, width), PlainDecoder(10, 784, depth, script.WIDTH)
    assert multiply_adds(brenier, 10) == pytest.approx(multiply_adds(free, 10), rel=0.06)


def test_saved_results_of_figure_1_are_complete_and_a_section_keeps_its_clusters_at_every_depth():
    script = load(ROOT / "doc/paper/figure_1.py")
    rows = script.CELLS.read()
    if not rows:
        pytest.skip("the full run of doc/paper/figure_1.py has not been made")
    run = [name for name in script.DEPTHS if script.CELLS.read(data=name)]
    cells = script.planned(run, list(script.SIDES), [0, 1, 2, 3, 4])
    assert sorted((row["data"], row["side"], int(row["depth"]), int(row["seed"])) for row in rows) == sorted(cells)
    for data, depth in script.SECONDS:
        own, classical = (
            script.saved("mi_y", data=data, depth=depth, side=side) for side in ("section", "GMVAE random")
        )
        if own:
            assert min(own) > np.mean(classical)


def test_chains_of_figure_2_agree_without_the_rotation_and_not_with_it():
    script = load(ROOT / "doc/paper/figure_2.py")
    assert len(script.CELLS.read()) == len(script.SEEDS) * len(script.NOISES) * 2
    assert all(float(row["worst_r_hat"]) < 1.01 for row in script.CELLS.read(rotation="removed"))
    assert all(float(row["worst_r_hat"]) > 1.2 for row in script.CELLS.read(rotation="free"))


def test_weight_of_a_mixture_keeps_its_prior_where_components_are_not_identified():
    script = load(ROOT / "doc/paper/appendix_a.py")
    assert len(script.CELLS.read()) == len(script.SEEDS) * len(script.CASES) * len(script.METHODS)
    for case in ("overlapping", "single"):
        assert all(float(row["kl"]) < 0.05 for row in script.CELLS.read(case=case, method="NUTS"))
    assert all(float(row["kl"]) > 5 for row in script.CELLS.read(case="separate", method="NUTS ordered"))


def test_samplers_are_calibrated_by_the_saved_ranks():
    """Fifteen tests: the least of their p-values is under .0005 once in a hundred times."""
    script = load(ROOT / "doc/paper/calibration.py")
    for model in script.QUANTITIES:
        assert sorted(int(row["run"]) for row in script.CELLS.read(model=model)) == list(range(script.N_RUNS))
        assert min(script.p_values(model)) > 5e-4


def test_the_way_of_a_table_through_a_fit_is_listed_from_the_estimator_to_its_data():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, ROOT / "doc/trace.py", "LIDVAE"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
    assert re.match(r" *1  estimators/\w+: \w+\.fit$", lines[0])
    assert any(" data/table: " in line for line in lines)
    assert lines[-1].startswith(f"{len(lines) - 1} calls, ")


def headings(path):
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_of_the_documents_lead_somewhere(path):
    document = ROOT / path
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", document.read_text()):
        linked = document.parent / target if target else document
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked), f"{target}#{anchor}"


# without the changes, which tell of former files
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path != "doc/changes.md"])
def test_files_named_in_the_documents_exist(path):
    for name in re.findall(r"\b((?:sklid|tests|doc)/(?:\w+/)*(?:\w+\.\w+)?)", (ROOT / path).read_text()):
        assert (ROOT / name).exists(), name


def test_version_has_an_entry_in_the_changes():
    import sklid

    assert f"## {sklid.__version__}" in (ROOT / "doc/changes.md").read_text()
