"""IdentifiablePPCA beside scikit-learn's PCA: time, memory, missing values, and how many components each rule finds.

    python doc/benchmarks/ppca.py            full run: about 20 minutes on one core; goes on where it stopped
    python doc/benchmarks/ppca.py --quick    small shapes and few data sets, under 10 seconds
    python doc/benchmarks/ppca.py --table    the tables of the saved results, in Markdown

Time: both sides in turn in one process, the median of the ratios. Memory: each side in a process of its own, the peak
of resident memory (Linux). Ranks: planted components in noise, 300 data sets for each setting of white noise, 100 of
others. "edge" is the Marchenko-Pastur edge without the quantile of the Tracy-Widom law, "parallel" Horn's parallel
analysis at the 95th percentile of 50 permutations, "known noise" the sequence of Johnstone's tests at 5 %, who is told
the noise variance.
"""

import itertools
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
from cells import Cells, command_line, numbers_of_process, peak_mb, provenance
from sklearn.decomposition import PCA

from sklid import IdentifiablePPCA
from sklid.exceptions import NoiseWarning

RESULTS = Path(__file__).parent / "results"
KEY = ["n_rows", "n_features", "rank", "variance", "noise"]
ORIGIN = ["threads", "sklid", "torch", "scikit_learn", "commit"]
COSTS = Cells(
    RESULTS / "ppca_costs.csv", ["what", "n_rows", "n_features", "n_components", "value", "least", "most", *ORIGIN]
)
RANKS = Cells(
    RESULTS / "ppca_ranks.csv",
    [*KEY, "n_data_sets", "method", "exact", "over", "under", "power", "warned", *ORIGIN],
)
SHAPES = ((100_000, 100), (1_000, 20_000))
COMPONENTS = ((0, 1), (3, 2), (3, 4), (3, 20))
WHITE = [(*shape, *what, "white") for shape in ((500, 10), (100, 50), (1000, 50)) for what in COMPONENTS]
WHITE += [(*shape, 0, 1, "white") for shape in ((100, 4), (50, 3), (50, 2))]
OTHER_NOISE = [
    (*shape, 3, 8, noise)
    for shape in ((500, 20), (300, 60))
    for noise in ("unequal", "standardised", "autocorrelated", "heavy-tailed")
]
OF_OTHER_NOISE = ('IdentifiablePPCA("parallel")', 'IdentifiablePPCA(noise="feature")')
N_COMPONENTS, N_REPEATS, N_DATA_SETS = 10, 15, {"white": 300}
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


def planted(n_rows: int, n_features: int, rank: int, variance: float, noise: str, seed: int) -> np.ndarray:
    """Noise of variance 1, and `rank` random directions of a variance from that given up to 1.5 times it."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((n_features, max(rank, 1)))).Q[:, :rank]
    spread = np.sqrt(variance * np.linspace(1.5, 1, rank) - (noise == "white"))
    signal = rng.standard_normal((n_rows, rank)) * spread @ directions.T
    return NOISES[noise](signal, rng.standard_normal((n_rows, n_features)), rng)


def unequal(signal: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Standard deviations e^(N / 2) of the columns, N standard normal."""
    return signal + noise * np.exp(rng.standard_normal(noise.shape[1]) / 2)


def standardised(signal: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    X = unequal(signal, noise, rng)
    return X / X.std(axis=0)


def autocorrelated(signal: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Neighbouring columns have noise of correlation .5."""
    for left, right in itertools.pairwise(range(noise.shape[1])):
        noise[:, right] = 0.5 * noise[:, left] + 0.75**0.5 * noise[:, right]
    return signal + noise


def heavy_tailed(signal: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Student's t of three degrees of freedom, of variance 1."""
    return signal + noise / np.sqrt(rng.chisquare(3, noise.shape))


NOISES = {
    "white": lambda signal, noise, rng: signal + noise,
    "unequal": unequal,
    "standardised": standardised,
    "autocorrelated": autocorrelated,
    "heavy-tailed": heavy_tailed,
}


def spectrum_of(X: np.ndarray) -> np.ndarray:
    """Principal variances, descending."""
    return np.linalg.eigvalsh(np.cov(X.T))[::-1]


def leading(stands_out: np.ndarray) -> int:
    """How many of the first stand out before one does not."""
    return int(np.argmin(np.append(stands_out, False)))


def parallel_analysis(X: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Variances above a percentile of those with permuted columns (Horn 1965; Buja & Eyuboglu 1992)."""
    found = spectrum_of(X)
    noise = [spectrum_of(rng.permuted(X, axis=0)) for _ in range(50)]
    limits = np.percentile(noise, (95, 80, 90, 98, 100), axis=0)
    stricter = [multiple * limits[-1] for multiple in (1.02, 1.04, 1.06)]
    return [leading(found > limit) for limit in (*limits, *stricter)]


def plain_edge(X: np.ndarray) -> list[int]:
    """Variances above the Marchenko-Pastur edge of the mean of those that follow, or above multiples of it."""
    n_rows, n_features = X.shape
    variances = spectrum_of(X)
    rest = [(variances.sum() - variances[: k + 1].sum()) / (n_features - k - 1) for k in range(len(variances) - 1)]
    edges = rest * (1 + np.sqrt((n_features - np.arange(len(rest))) / n_rows)) ** 2
    return [leading(variances[:-1] > multiple * edges) for multiple in (1, *np.linspace(0.96, 1.16, 21))]


def known_noise(X: np.ndarray) -> list[int]:
    """Variances above quantiles of the largest of noise of variance 1 (Johnstone 2001), one after the other."""
    n_rows, n_features = X.shape
    root, others = np.sqrt(n_rows - 1.5), np.sqrt(n_features - np.arange(min(X.shape) - 1) - 0.5)
    edges = (root + others) ** 2 / (n_rows - 1)
    scales = (root + others) * (1 / root + 1 / others) ** (1 / 3) / (n_rows - 1)
    found = spectrum_of(X)[: len(edges)]
    return [leading(found > edges + quantile * scales) for quantile in (0.9793, *np.linspace(-0.5, 3.5, 21))]


def ours(X: np.ndarray, **parameters: object) -> tuple[int, bool]:
    """The number of components, and whether the fit warns that its noise is not isotropic."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = IdentifiablePPCA(random_state=0, **parameters).fit(X).n_identifiable_
    return found, any(issubclass(warning.category, NoiseWarning) for warning in caught)


OURS = {
    "IdentifiablePPCA": {},
    'IdentifiablePPCA("parallel")': {"n_components": "parallel"},
    'IdentifiablePPCA(noise="feature")': {"noise": "feature", "tol": 1e-6},
}
OTHERS = {
    "edge": lambda X, rng: plain_edge(X),
    'PCA("mle")': lambda X, rng: [PCA("mle").fit(X).n_components_],
    "parallel": parallel_analysis,
    "known noise": lambda X, rng: known_noise(X),
}
"""Numbers of components by rules as they stand, and then at other levels."""
RULES = (*OURS, *OTHERS)


def counts(setting: tuple, methods: tuple[str, ...], n_data_sets: int) -> tuple[dict, dict]:
    """By method, errors of the number ``(n_data_sets, n_levels)``, and whether the fits warn of their noise."""
    errors: dict[str, list] = {name: [] for name in methods}
    warned: dict[str, list[bool]] = {name: [] for name in methods}
    for seed in range(n_data_sets):
        X, rng = planted(*setting, seed), np.random.default_rng([seed, 1])
        for name in methods:
            if name in OURS:
                count, warns = ours(X, **OURS[name])
                warned[name].append(warns)
            errors[name].append([count] if name in OURS else OTHERS[name](X, rng))
    return {name: np.array(found) - setting[2] for name, found in errors.items()}, warned


def ranks(settings: list[tuple], n_data_sets: int) -> list[dict]:
    """For each rule, the share of data sets in which it finds the planted number, more, or fewer, and warns.

    Settings differ in what is planted alone. The power of another rule is its share of right numbers at the best of its
    levels at which, in none of the settings, it finds too many more often than `IdentifiablePPCA` does at most.
    """
    methods = tuple(name for name in RULES if settings[0][-1] != "white" or name not in OF_OTHER_NOISE)
    found = [counts(setting, methods, n_data_sets) for setting in settings]
    over = {name: np.max([(errors[name] > 0).mean(axis=0) for errors, _ in found], axis=0) for name in methods}
    rows = []
    for setting, (errors, warned) in zip(settings, found, strict=True):
        for name in methods:
            exact, allowed = (errors[name] == 0).mean(axis=0), over[name] <= over["IdentifiablePPCA"][0]
            shares = {"exact": exact[0], "over": (errors[name][:, 0] > 0).mean()}
            shares |= {"under": (errors[name][:, 0] < 0).mean(), "power": exact[allowed].max(initial=0.0)}
            shares |= {"warned": np.mean(warned[name]) if name in OURS else ""}
            rows.append({**dict(zip(KEY, setting, strict=True)), "n_data_sets": n_data_sets, "method": name, **shares})
    return rows


def record(what: str, shape: tuple[int, int], n_components: object, values: list[float]) -> None:
    row = {"what": what, "n_rows": shape[0], "n_features": shape[1], "n_components": n_components}
    row |= {"value": statistics.median(values), "least": min(values), "most": max(values)}
    COSTS.add(row | provenance())
    print(row, flush=True)


def run_full() -> None:
    print("about 20 minutes on one core, less what is done", flush=True)
    shapes = {setting[:2]: [other for other in WHITE if other[:2] == setting[:2]] for setting in WHITE}
    for settings in (*shapes.values(), *([setting] for setting in OTHER_NOISE)):
        if not RANKS.read(**dict(zip(KEY, settings[-1], strict=True))):
            for row in ranks(settings, N_DATA_SETS.get(settings[0][-1], 100)):
                RANKS.add(row | provenance())
                print(row, flush=True)
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


def run_quick() -> None:
    ratio = statistics.median(time_ratios(20_000, 50, repeats=5))
    gaps = seconds_with_gaps(N_COMPONENTS, 2_000, 50)
    wide = seconds_with_gaps(3, 60, 4_000)
    white = {row["method"]: row["over"] for row in ranks([(200, 10, 0, 1, "white")], 10)}
    unequal_noise = ranks([(300, 12, 2, 8, "unequal")], 5)
    over, warned = {row["method"]: row["over"] for row in unequal_noise}, unequal_noise[0]["warned"]
    print(
        f"time over PCA {ratio:.2f}; 2 000 rows with gaps {gaps:.2f} s, 60 of 4 000 features {wide:.2f} s; "
        f"components found in white noise {white}; in unequal noise {over}, warned {warned:.1f}"
    )
    if not (ratio < 5 and gaps < 30 and wide < 20 and white["IdentifiablePPCA"] <= 0.1 < white["edge"]):
        raise SystemExit(
            "IdentifiablePPCA should cost about what PCA costs and find nothing in white noise; see above."
        )
    if not (warned >= 0.8 and over["edge"] > over["IdentifiablePPCA"]):
        raise SystemExit("Noise of unequal columns should be warned of and not be counted; see above.")


def table() -> str:
    """Costs, then the shares of data sets in which each rule finds the planted number, and in which it finds more."""
    lines = ["| what | rows x features | components | median | range |", "|---|---|---|---|---|"]
    for row in COSTS.read():
        value, least, most = (f"{float(row[name]):.2f}" for name in ("value", "least", "most"))
        lines.append(
            f"| {row['what']} | {row['n_rows']} x {row['n_features']} | {row['n_components']} | {value} | {least} to "
            f"{most} |"
        )
    for settings, cell in ((WHITE, of_white), (OTHER_NOISE, of_other)):
        names = [name for name in RULES if settings is OTHER_NOISE or name not in OF_OTHER_NOISE]
        lines += ["", f"| rows x features | planted | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
        for n_rows, n_features, rank, variance, noise in settings:
            key = dict(zip(KEY, (n_rows, n_features, rank, variance, noise), strict=True))
            cells = " | ".join(cell(RANKS.read(**key, method=name)[0]) for name in names)
            what = f"{rank} of variance {variance} to {1.5 * variance:g}" if rank else "none"
            lines.append(f"| {n_rows} x {n_features} | {what}{'' if noise == 'white' else f', {noise}'} | {cells} |")
    return "\n".join(lines)


def of_white(row: dict) -> str:
    text = f"{float(row['exact']):.2f}, {float(row['over']):.3f} over"
    return text if row["method"] in OURS else f"{text}; {float(row['power']):.2f}"


def of_other(row: dict) -> str:
    text = f"{float(row['exact']):.2f}, {float(row['over']):.2f} over"
    return f"{text}, {float(row['warned']):.2f} warned" if row["method"] == "IdentifiablePPCA" else text


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "small shapes and few data sets, under 10 seconds"),
        table=(lambda: print(table()), "print the tables of the saved results"),
    )


if __name__ == "__main__":
    main()
