"""IdentifiablePPCA beside scikit-learn's PCA: time, memory, missing values, and how many components each rule finds.

    python doc/benchmarks/ppca.py            full run: about 6 minutes on two cores; goes on where it stopped
    python doc/benchmarks/ppca.py --quick    small shapes and few data sets, under 10 seconds
    python doc/benchmarks/ppca.py --table    the tables of the saved results, in Markdown

Time: both sides in turn in one process, the median of the ratios. Memory: each side in a process of its own, the peak
of resident memory (Linux). Ranks: planted components in white noise, 100 data sets for each setting. "edge" is the
Marchenko-Pastur edge without the quantile of the Tracy-Widom law, "parallel" Horn's parallel analysis at the 95th
percentile of 50 permutations.
"""

import statistics
import time
import warnings
from pathlib import Path

import numpy as np
from cells import Cells, command_line, numbers_of_process, peak_mb, provenance
from sklearn.decomposition import PCA

from sklid import IdentifiablePPCA

RESULTS = Path(__file__).parent / "results"
ORIGIN = ["threads", "sklid", "torch", "scikit_learn", "commit"]
COSTS = Cells(
    RESULTS / "ppca_costs.csv", ["what", "n_rows", "n_features", "n_components", "value", "least", "most", *ORIGIN]
)
RANKS = Cells(
    RESULTS / "ppca_ranks.csv",
    ["n_rows", "n_features", "rank", "variance", "method", "n_data_sets", "exact", "over", "under", *ORIGIN],
)
SHAPES = ((100_000, 100), (1_000, 20_000))
COMPONENTS = ((0, 1), (3, 2), (3, 4), (3, 20))
PLANTED = [(*shape, *what) for shape in ((500, 10), (100, 50), (1000, 50)) for what in COMPONENTS]
N_COMPONENTS, N_REPEATS, N_DATA_SETS = 10, 15, 100
CLEAR = Path("/proc/self/clear_refs")
WIDE = ((60, 4_000, 3, 0.02), (2_000, 20_000, N_COMPONENTS, 0.2))
"""Rows, features, components and share of missing values where rows with gaps have many features."""
SIDES = {
    "IdentifiablePPCA": lambda: IdentifiablePPCA(N_COMPONENTS, solver="eig"),
    "PCA": lambda: PCA(N_COMPONENTS, svd_solver="auto"),
}


def rows(n_rows: int, n_features: int, seed: int = 0) -> np.ndarray:
    """Ten components of standard deviations from about 3 to 1 times those of the directions of white noise."""
    rng = np.random.default_rng(seed)
    loadings = rng.standard_normal((N_COMPONENTS, n_features)) * np.linspace(3, 1, N_COMPONENTS)[:, None]
    return rng.standard_normal((n_rows, N_COMPONENTS)) @ loadings + rng.standard_normal((n_rows, n_features))


def seconds(make: object, X: np.ndarray) -> float:
    start = time.perf_counter()
    make().fit(X)
    return time.perf_counter() - start


def time_ratios(n_rows: int, n_features: int, repeats: int = N_REPEATS) -> list[float]:
    X = rows(n_rows, n_features)
    pairs = [[seconds(make, X) for make in SIDES.values()] for _ in range(repeats + 1)][1:]
    return [ours / theirs for ours, theirs in pairs]


def peak_of(side: str, n_rows: int, n_features: int) -> float:
    """Peak in MB of a process that makes the rows and fits one side."""
    return numbers_of_process("ppca", f"print_peak({side!r}, {n_rows}, {n_features})")[0]


def print_peak(side: str, n_rows: int, n_features: int) -> None:
    X = rows(n_rows, n_features)
    CLEAR.write_text("5")  # the peak so far was that of making the rows
    SIDES[side]().fit(X)
    print(peak_mb())


def seconds_with_gaps(n_components: int | str, n_rows: int = 20_000, n_features: int = 50) -> float:
    X = rows(n_rows, n_features)
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    return seconds(lambda: IdentifiablePPCA(n_components), X)


def print_wide(n_rows: int, n_features: int, n_components: int, missing: float) -> None:
    """Seconds and peak in MB of a fit to rows with gaps, the rows among it."""
    X, rng = rows(n_rows, n_features), np.random.default_rng(1)
    for part in np.array_split(X, max(1, n_rows // 50)):
        part[rng.random(part.shape) < missing] = np.nan
    CLEAR.write_text("5")
    print(seconds(lambda: IdentifiablePPCA(n_components, random_state=0), X), peak_mb())


def planted(n_rows: int, n_features: int, rank: int, variance: float, rng: np.random.Generator) -> np.ndarray:
    """White noise with `rank` random directions of a variance from that given up to 1.5 times it."""
    scales = np.append(np.sqrt(variance * np.linspace(1.5, 1, rank)), np.ones(n_features - rank))
    rotation = np.linalg.qr(rng.standard_normal((n_features, n_features))).Q
    return rng.standard_normal((n_rows, n_features)) * scales @ rotation


def parallel_analysis(X: np.ndarray, rng: np.random.Generator) -> int:
    """Leading variances above the 95th percentile of those with permuted columns (Horn 1965; Buja & Eyuboglu 1992)."""
    found = PCA().fit(X).explained_variance_
    noise = [PCA().fit(rng.permuted(X, axis=0)).explained_variance_ for _ in range(50)]
    return int(np.argmin(np.append(found > np.percentile(noise, 95, axis=0), False)))


def plain_edge(X: np.ndarray) -> int:
    """Leading variances above the Marchenko-Pastur edge of the mean of those that follow."""
    n_rows, n_features = X.shape
    variances = PCA().fit(X).explained_variance_
    edges = [variances[k + 1 :].mean() * (1 + ((n_features - k) / n_rows) ** 0.5) ** 2 for k in range(n_features - 1)]
    return int(np.argmin(np.append(variances[:-1] > edges, False)))


def ours(X: np.ndarray) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return IdentifiablePPCA().fit(X).n_identifiable_


RULES = {
    "IdentifiablePPCA": lambda X, rng: ours(X),
    "edge": lambda X, rng: plain_edge(X),
    'PCA("mle")': lambda X, rng: PCA("mle").fit(X).n_components_,
    "parallel": parallel_analysis,
}


def ranks(n_rows: int, n_features: int, rank: int, variance: float, n_data_sets: int = N_DATA_SETS) -> list[dict]:
    """For each rule, the share of data sets in which it finds the planted number, more, or fewer."""
    found: dict[str, list[int]] = {name: [] for name in RULES}
    for seed in range(n_data_sets):
        rng = np.random.default_rng(seed)
        X = planted(n_rows, n_features, rank, variance, rng)
        for name, rule in RULES.items():
            found[name].append(rule(X, rng))
    key = {"n_rows": n_rows, "n_features": n_features, "rank": rank, "variance": variance, "n_data_sets": n_data_sets}
    shares = {name: np.array(values) - rank for name, values in found.items()}
    return [
        {**key, "method": name, "exact": (error == 0).mean(), "over": (error > 0).mean(), "under": (error < 0).mean()}
        for name, error in shares.items()
    ]


def record(what: str, shape: tuple[int, int], n_components: object, values: list[float]) -> None:
    row = {"what": what, "n_rows": shape[0], "n_features": shape[1], "n_components": n_components}
    row |= {"value": statistics.median(values), "least": min(values), "most": max(values)}
    COSTS.add(row | provenance())
    print(row, flush=True)


def run_full() -> None:
    print("about 6 minutes on two cores, less what is done", flush=True)
    for shape in SHAPES:
        if not COSTS.read(what="time over PCA", n_rows=shape[0]):
            record("time over PCA", shape, N_COMPONENTS, time_ratios(*shape))
        if not COSTS.read(what="memory over PCA", n_rows=shape[0]):
            record(
                "memory over PCA",
                shape,
                N_COMPONENTS,
                [peak_of("IdentifiablePPCA", *shape) / peak_of("PCA", *shape) for _ in range(3)],
            )
    for n_components in (N_COMPONENTS, "identifiable"):
        if not COSTS.read(what="seconds, 20 % missing", n_components=n_components):
            record(
                "seconds, 20 % missing", (20_000, 50), n_components, [seconds_with_gaps(n_components) for _ in range(3)]
            )
    for shape in WIDE:
        what = f"{100 * shape[3]:g} % missing"
        if not COSTS.read(what=f"seconds, {what}", n_rows=shape[0], n_features=shape[1]):
            took, peak = numbers_of_process("ppca", f"print_wide{shape}")
            record(f"seconds, {what}", shape[:2], shape[2], [took])
            record(f"MB, {what}", shape[:2], shape[2], [peak])
    for setting in PLANTED:
        if not RANKS.read(**dict(zip(("n_rows", "n_features", "rank", "variance"), setting, strict=True))):
            for row in ranks(*setting):
                RANKS.add(row | provenance())
                print(row, flush=True)


def run_quick() -> None:
    ratio = statistics.median(time_ratios(20_000, 50, repeats=5))
    gaps = seconds_with_gaps(N_COMPONENTS, 2_000, 50)
    wide = seconds_with_gaps(3, 60, 4_000)
    white = {row["method"]: row["over"] for row in ranks(200, 10, 0, 1, n_data_sets=10)}
    print(
        f"time over PCA {ratio:.2f}; 2 000 rows with gaps {gaps:.2f} s, 60 of 4 000 features {wide:.2f} s; "
        f"components found in white noise {white}"
    )
    if not (ratio < 5 and gaps < 30 and wide < 20 and white["IdentifiablePPCA"] <= 0.1 < white["edge"]):
        raise SystemExit(
            "IdentifiablePPCA should cost about what PCA costs and find nothing in white noise; see above."
        )


def table() -> str:
    """Costs, then the shares of data sets in which each rule finds the planted number, and in which it finds more."""
    lines = ["| what | rows x features | components | median | range |", "|---|---|---|---|---|"]
    for row in COSTS.read():
        value, least, most = (f"{float(row[name]):.2f}" for name in ("value", "least", "most"))
        lines.append(
            f"| {row['what']} | {row['n_rows']} x {row['n_features']} | {row['n_components']} | {value} | {least} to "
            f"{most} |"
        )
    lines += ["", f"| rows x features | planted | {' | '.join(RULES)} |", "|---|---|" + "---|" * len(RULES)]
    for n_rows, n_features, rank, variance in PLANTED:
        found = [
            RANKS.read(n_rows=n_rows, n_features=n_features, rank=rank, variance=variance, method=name)[0]
            for name in RULES
        ]
        shares = " | ".join(f"{float(row['exact']):.2f}, {float(row['over']):.2f} over" for row in found)
        what = f"{rank} of variance {variance} to {1.5 * variance:g}" if rank else "none"
        lines.append(f"| {n_rows} x {n_features} | {what} | {shares} |")
    return "\n".join(lines)


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "small shapes and few data sets, under 10 seconds"),
        table=(lambda: print(table()), "print the tables of the saved results"),
    )


if __name__ == "__main__":
    main()
