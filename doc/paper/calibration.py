"""Are the samplers of `sklid.mcmc` calibrated? Ranks of parameters among draws from the posteriors of their data.

    python doc/paper/calibration.py            full run: about 15 minutes on one thread; goes on where it stopped
    python doc/paper/calibration.py --quick    one run of a sampler, in 10 seconds
    python doc/paper/calibration.py --plot     the picture from the saved ranks
    python doc/paper/calibration.py --table    the table of the saved results, in Markdown

Parameters from the prior, data from the parameters, draws from the posterior of the data: then the rank of a parameter
among L independent draws is uniform on 0, .., L (Talts, Betancourt, Simpson, Vehtari & Gelman, "Validating Bayesian
Inference Algorithms with Simulation-Based Calibration", 2018). "mixture" is `sample_mixture(ordered=True)` on 30
values, "ppca" is `sample_ppca` on 10 rows of 4 features with 2 components, of which only what a rotation leaves alone
has a rank. One chain each, thinned to 99 draws.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import stats

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

from cells import Cells, command_line, provenance  # noqa: E402

from sklid.mcmc import Chains, sample_mixture, sample_ppca  # noqa: E402
from sklid.plots.style import COLOURS, axes_grid  # noqa: E402

COLUMNS = ["model", "run", "ranks", "least_ess", "n_divergent", "threads", "sklid", "numpyro", "jax",
           "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(HERE / "results" / "calibration.csv", COLUMNS)
PICTURE = HERE / "results" / "calibration.png"
N_RUNS, N_KEPT = 100, 99
THINNING = {"mixture": 20, "ppca": 5}
NOISE_VARIANCE, LOADING_SCALE = 0.25, 2.0
MIXTURE = ("weight", "lower mean", "upper mean", "first scale", "second scale")
INVARIANTS = ("w w', first entry", "w w', off the diagonal", "log det of x", "z w', first entry", "distance of two z")
QUANTITIES = {"mixture": MIXTURE, "ppca": INVARIANTS}
MINUTES_PER_RUN = {"mixture": 0.08, "ppca": 0.05}


def of_mixture(draws: dict[str, np.ndarray]) -> np.ndarray:
    """Weight, means and scales: ``(n, 5)``."""
    return np.column_stack([draws["weight"], draws["loc"], draws["scale"]])


def of_ppca(draws: dict[str, np.ndarray]) -> np.ndarray:
    """What no rotation of loadings and latents changes: ``(n, 5)``."""
    w, z = draws["w"], draws["z"]
    products, images = w @ w.transpose(0, 2, 1), z @ w.transpose(0, 2, 1)
    log_det = np.linalg.slogdet(products + NOISE_VARIANCE * np.eye(w.shape[1])).logabsdet
    distance = np.linalg.norm(z[:, 0] - z[:, 1], axis=-1)
    return np.column_stack([products[:, 0, 0], products[:, 0, 1], log_det, images[:, 0, 0], distance])


def run_mixture(run: int) -> tuple[np.ndarray, np.ndarray, Chains]:
    """Parameters from the prior, ``(1, 5)``, and draws given 30 values from them, ``(99, 5)``, and the chain."""
    rng = np.random.default_rng(run)
    weight, loc, scale = rng.beta(5, 5), np.sort(rng.normal(0, 2, 2)), np.abs(rng.normal(0, 2, 2))
    label = (rng.random(30) < weight).astype(int)
    chains = sample_mixture(rng.normal(loc[label], scale[label]), ordered=True, random_state=run, **length("mixture"))
    truth = of_mixture({"weight": np.array([weight]), "loc": loc[None], "scale": scale[None]})
    return truth, of_mixture(thinned(chains, "mixture")), chains


def run_ppca(run: int) -> tuple[np.ndarray, np.ndarray, Chains]:
    """The same of loadings and latents, given ten rows."""
    rng = np.random.default_rng(run)
    w, z = rng.normal(0, LOADING_SCALE, (1, 4, 2)), rng.standard_normal((1, 10, 2))
    X = (z @ w.transpose(0, 2, 1))[0] + NOISE_VARIANCE**0.5 * rng.standard_normal((10, 4))
    chains = sample_ppca(X, 2, NOISE_VARIANCE, loading_scale=LOADING_SCALE, random_state=run, **length("ppca"))
    return of_ppca({"w": w, "z": z}), of_ppca(thinned(chains, "ppca")), chains


def length(model: str) -> dict[str, int]:
    return {"n_warmup": 500, "n_draws": N_KEPT * THINNING[model], "n_chains": 1}


def thinned(chains: Chains, model: str) -> dict[str, np.ndarray]:
    return {name: part[0, THINNING[model] - 1 :: THINNING[model]] for name, part in chains.draws.items()}


def measure(model: str, run: int) -> dict:
    """The ranks of one run."""
    truth, draws, chains = run_mixture(run) if model == "mixture" else run_ppca(run)
    ranks = (draws < truth).sum(0)
    return {
        "model": model,
        "run": run,
        "ranks": " ".join(map(str, ranks)),
        "least_ess": chains.least_effective_sample_size,
        "n_divergent": chains.n_divergent,
    }


def saved_ranks(model: str) -> np.ndarray:
    """Ranks of every run and quantity: ``(n_runs, 5)``."""
    return np.array([[int(rank) for rank in row["ranks"].split()] for row in CELLS.read(model=model)])


def p_values(model: str) -> list[float]:
    """Of the chi-squared test of ten bins against uniform ranks, for each quantity."""
    bins = [np.bincount(column // 10, minlength=10) for column in saved_ranks(model).T]
    return [float(stats.chisquare(counts).pvalue) for counts in bins]


def run_full() -> None:
    import jax

    done = {(row["model"], int(row["run"])) for row in CELLS.read()}
    todo = [(model, run) for run in range(N_RUNS) for model in QUANTITIES if (model, run) not in done]
    print(f"{len(todo)} runs, about {sum(MINUTES_PER_RUN[model] for model, _ in todo):.0f} minutes", flush=True)
    origin = {"numpyro": version("numpyro"), "jax": version("jax")} | provenance()
    for model, run in todo:
        row = measure(model, run)
        CELLS.add(row | origin)
        if run % 25 == 24:  # each run compiles a program of its own, and a process can hold some hundred
            jax.clear_caches()
        print({name: row[name] for name in ("model", "run", "ranks")}, flush=True)


def run_quick() -> None:
    """One run: a parameter is seldom outside all draws, let alone five of them."""
    ranks = [int(rank) for rank in measure("ppca", 0)["ranks"].split()]
    print(ranks)
    if sum(0 < rank < N_KEPT for rank in ranks) < 3:
        raise SystemExit("Parameters should lie among the draws from the posterior of their data.")


def table() -> str:
    """The saved results as a Markdown table."""
    lines = ["| sampler | runs | quantity | mean rank, of 99 | p, ten bins |", "|---|---|---|---|---|"]
    for model, names in QUANTITIES.items():
        ranks = saved_ranks(model)
        for name, mean, p in zip(names, ranks.mean(0), p_values(model), strict=True):
            lines.append(f"| {model} | {len(ranks)} | {name} | {mean:.1f} | {p:.2f} |")
    return "\n".join(lines)


def plot() -> None:
    """Distribution functions of the ranks less that of uniform ones, in the band of 95 of 100 uniform samples."""
    figure, grid = axes_grid(1, len(QUANTITIES), (4.3, 3.6))
    steps = np.arange(N_KEPT + 1)
    for ax, (model, names) in zip(grid[0], QUANTITIES.items(), strict=True):
        ranks = saved_ranks(model)
        ax.axhspan(*np.array([-1, 1]) * stats.kstwo(len(ranks)).ppf(0.95), color="0.88")
        for name, column, colour in zip(names, ranks.T, COLOURS, strict=False):
            below = (column[:, None] <= steps).mean(0)
            ax.plot(steps, below - (steps + 1) / (N_KEPT + 1), color=colour, linewidth=1.6, label=name)
        ax.set(title=model, xlabel="rank", xlim=(0, N_KEPT), ylim=(-0.36, 0.16))
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8, loc="lower left")
    grid[0, 0].set_ylabel("share of ranks below, less the uniform one")
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "one run of a sampler, about 10 seconds"),
        plot=(plot, "draw the picture from the saved ranks"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )


if __name__ == "__main__":
    main()
