"""The saved results of the benchmarks are complete, and say what the documents say of them."""

import itertools

import numpy as np
from scripts import ROOT, load


def test_saved_clustering_results_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/clustering.py")
    rows = benchmark.CELLS.read()
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


def test_saved_flows_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/flows.py")
    saved = {(row["data"], row["method"], row["side"], int(row["seed"])) for row in benchmark.CELLS.read()}
    assert saved == set(itertools.product(benchmark.DATA, benchmark.METHODS, benchmark.SIDES, benchmark.SEEDS))


def test_saved_clusters_of_mixed_tables_are_complete():
    benchmark = load(ROOT / "doc/benchmarks/mixed_clusters.py")
    saved = sorted((row["data"], row["method"], int(row["seed"])) for row in benchmark.CELLS.read())
    assert saved == sorted(itertools.product(benchmark.DATA, benchmark.METHODS, benchmark.SEEDS))


def test_saved_clusters_of_a_small_mixed_table_survive_the_second_phase():
    benchmark = load(ROOT / "doc/benchmarks/mixed_clusters.py")
    found = {side: benchmark.CELLS.mean("ari", data="penguins", method=side) for side in benchmark.METHODS}
    assert found["LIDGMVAEClustering"] > max(
        found["KPrototypes"], found["KMeans"], found["LIDGMVAEClustering, at once"]
    )


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


def test_saved_trust_is_complete_and_as_good_as_it_should_be():
    benchmark = load(ROOT / "doc/benchmarks/trust.py")
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


def test_saved_fits_to_sparse_rows_are_complete_and_under_their_limit_beside_the_matrix():
    benchmark = load(ROOT / "doc/benchmarks/sparse_rows.py")
    rows = benchmark.CELLS.read(features=benchmark.N_FEATURES)
    asked = {(table, str(n_rows), what) for table, n_rows in benchmark.SIZES for what in ("fit", "transform")}
    assert {(row["table"], row["rows"], row["what"]) for row in rows} == asked
    assert ("sparse", "200000", "fit") in asked
    assert all(benchmark.beside(row) < benchmark.LIMIT_MB for row in rows)


def test_saved_fits_to_files_are_as_fast_as_those_to_arrays_and_find_the_same():
    benchmark = load(ROOT / "doc/benchmarks/parts.py")
    asked = set(itertools.product(map(str, benchmark.SIZES), benchmark.TABLES, benchmark.WHAT))
    assert {(row["rows"], row["table"], row["what"]) for row in benchmark.CELLS.read()} == asked
    for n_rows in benchmark.SIZES:
        speeds = [benchmark.speed(n_rows, table, "fit") for table in ("files", "array")]
        assert speeds[0] >= benchmark.LEAST_SPEED * speeds[1]
        assert len({row["log_likelihood"] for row in benchmark.CELLS.read(rows=n_rows)}) == 1


def test_saved_memory_of_fits_to_files_does_not_grow_with_the_rows():
    benchmark = load(ROOT / "doc/benchmarks/parts.py")
    peaks = [benchmark.CELLS.mean("peak_mb", rows=n, table="files", what="fit") for n in benchmark.SIZES[1:]]
    assert peaks[1] - peaks[0] < benchmark.MOST_GROWTH_MB


def test_saved_random_use_has_no_failure_and_leaves_nothing_open():
    benchmark = load(ROOT / "doc/benchmarks/soak.py")
    assert not benchmark.FAILURES.read()
    for rows in benchmark.runs():
        assert int(rows[-1]["failures"]) == 0
        assert all(benchmark.stays(rows, what) for what in benchmark.NOTED[2:])


def test_saved_memory_of_random_use_does_not_grow():
    benchmark = load(ROOT / "doc/benchmarks/soak.py")
    assert all(benchmark.growth(rows, "rss_mb") <= benchmark.MOST_GROWTH for rows in benchmark.runs())


def test_saved_kills_lose_an_epoch_at_most_and_nothing_of_the_model():
    benchmark = load(ROOT / "doc/benchmarks/kills.py")
    rows = benchmark.CELLS.read()
    assert [row["model"] for row in rows] == list(benchmark.MODELS)
    assert all(int(row["most_lost"]) <= 1 and float(row["difference"]) < 1e-5 for row in rows)


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
