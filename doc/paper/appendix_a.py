"""Appendix A of the paper: is the exact posterior of a mixture's weight its prior if components are not identified?

    python doc/paper/appendix_a.py            full run: about 25 minutes on one thread; goes on where it stopped
    python doc/paper/appendix_a.py --quick    200 rows and one short chain, about 10 seconds
    python doc/paper/appendix_a.py --plot     the picture from the saved histograms
    python doc/paper/appendix_a.py --table    the table of the saved results, in Markdown

10 000 values from two Gaussians of standard deviation 1, the second with probability 0.15: "overlapping" with means
-0.5 and 0.5, "separate" with means -10 and 10; and "single", one Gaussian of mean -1. The weight has the prior
Beta(5, 5), means and standard deviations have N(0, 2) and half-normal(2) priors, and all are inferred together. "NUTS"
leaves the labels exchangeable, as the paper does, so the exact posterior of the weight is symmetric about 1/2 in every
case, and where the components are apart each chain stays in one labelling. "NUTS ordered" keeps the means in ascending
order. Variational fits are Gaussian in the log-odds of the weight, the means and the log standard deviations, with
independent coordinates ("mean-field") or not ("full-rank").
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from scipy import stats

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

from cells import Cells, command_line, provenance  # noqa: E402

from sklid.mcmc import Chains, fit_mixture, sample_mixture  # noqa: E402
from sklid.plots.style import COLOURS, axes_grid  # noqa: E402

PRIOR = stats.beta(5, 5)
CASES, SEEDS = ("overlapping", "separate", "single"), (0, 1, 2)
METHODS = {
    "NUTS": sample_mixture,
    "NUTS ordered": lambda x, **run: sample_mixture(x, ordered=True, **run),
    "mean-field": lambda x, **run: fit_mixture(x, "mean_field", **run),
    "full-rank": lambda x, **run: fit_mixture(x, "full_rank", **run),
}
STYLES = {
    "NUTS": (COLOURS[0], "-"),
    "NUTS ordered": (COLOURS[2], "-."),
    "mean-field": (COLOURS[3], ":"),
    "full-rank": (COLOURS[4], (0, (5, 1))),
}
COLUMNS = ["case", "method", "seed", "weight_mean", "weight_sd", "first_chain_mean", "first_chain_sd", "prior_mean",
           "prior_sd", "kl", "weight_r_hat", "worst_r_hat", "weight_ess", "n_divergent", "seconds", "n_rows",
           "n_chains", "n_draws", "threads", "sklid", "numpyro", "jax", "torch", "scikit_learn",
           "commit"]  # fmt: skip
CELLS = Cells(HERE / "results" / "appendix_a.csv", COLUMNS)
HISTOGRAMS, PICTURE = HERE / "results" / "appendix_a.npz", HERE / "results" / "appendix_a.png"
EDGES = np.linspace(0, 1, 201)
MINUTES_PER_CELL = {"NUTS": 1.2, "NUTS ordered": 1.7, "mean-field": 0.1, "full-rank": 0.1}


def data(case: str, seed: int, n_rows: int = 10_000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if case == "single":
        return rng.normal(-1.0, 1.0, n_rows)
    half = {"overlapping": 0.5, "separate": 10.0}[case]
    return rng.normal(np.where(rng.random(n_rows) < 0.15, half, -half), 1.0)


def kl_from_prior(weight: np.ndarray) -> float:
    """KL of the Beta distribution with the mean and variance of the draws from the prior, in nats."""
    mean, variance = weight.mean(), weight.var()
    size = max(mean * (1 - mean) / variance - 1, 1e-6)
    found, prior = (
        torch.distributions.Beta(*map(torch.tensor, pair)) for pair in ((mean * size, (1 - mean) * size), (5.0, 5.0))
    )
    return float(torch.distributions.kl_divergence(found, prior))


def measure(case: str, method: str, seed: int, n_rows: int = 10_000, **run: int) -> tuple[dict, np.ndarray]:
    """One fit and its figures, and the draws of the weight of the second component, ``(n_chains, n_draws)``."""
    x, start = data(case, seed, n_rows), time.perf_counter()
    chains: Chains = METHODS[method](x, random_state=seed, **run)
    weight = chains.draws["weight"]
    figures = {
        "weight_mean": weight.mean(), "weight_sd": weight.std(), "first_chain_mean": weight[0].mean(),
        "first_chain_sd": weight[0].std(), "prior_mean": PRIOR.mean(), "prior_sd": PRIOR.std(),
        "kl": kl_from_prior(weight), "weight_r_hat": float(chains.r_hat["weight"]), "worst_r_hat": chains.worst_r_hat,
        "weight_ess": float(chains.effective_sample_size["weight"]), "n_divergent": chains.n_divergent,
        "seconds": time.perf_counter() - start, "n_rows": n_rows, "n_chains": weight.shape[0],
        "n_draws": weight.shape[1],
    }  # fmt: skip
    return figures, weight


def saved_histograms() -> dict[str, np.ndarray]:
    if not HISTOGRAMS.exists():
        return {}
    with np.load(HISTOGRAMS) as arrays:
        return dict(arrays)


def run_full() -> None:
    cells = [(case, method, seed) for seed in SEEDS for case in CASES for method in METHODS]
    todo = [cell for cell in cells if not CELLS.read(**dict(zip(("case", "method", "seed"), cell, strict=True)))]
    print(
        f"{len(todo)} fits to do, about {sum(MINUTES_PER_CELL[method] for _, method, _ in todo):.0f} minutes on one "
        "thread",
        flush=True,
    )
    torch.set_num_threads(1)
    for case, method, seed in todo:
        figures, weight = measure(case, method, seed)
        if seed == SEEDS[0]:
            density = np.histogram(weight, EDGES, density=True)[0].astype(np.float32)
            np.savez_compressed(HISTOGRAMS, **(saved_histograms() | {f"{case}, {method}": density}))
        row = {"case": case, "method": method, "seed": seed} | figures
        CELLS.add(row | {"numpyro": version("numpyro"), "jax": version("jax")} | provenance())
        print(
            {
                name: row[name]
                for name in ("case", "method", "seed", "weight_mean", "weight_sd", "weight_r_hat", "seconds")
            },
            flush=True,
        )


def run_quick() -> None:
    """One Gaussian leaves the weight at its prior; two that are apart, so that labels are certain, do not."""
    single = measure("single", "NUTS", 0, n_rows=200, n_warmup=150, n_draws=300, n_chains=1)[0]["kl"]
    n_second = int((data("separate", 0, 200) > 0).sum())
    separate = kl_from_prior(stats.beta(5 + n_second, 205 - n_second).rvs(1000, random_state=0))
    print(f"single {single:.2f} nats from the prior, separate {separate:.2f}")
    if not (single < 0.4 and separate > 2):
        raise SystemExit(
            "The weight should stay at its prior for one Gaussian and leave it for two that are apart; "
            "see the figures above."
        )


def table() -> str:
    """The saved results as a Markdown table.

    It has means over seeds of the mean and standard deviation of the weight, and the largest R-hat.
    """
    lines = [
        "| data | method | weight | KL from its prior, nats | R-hat of the weight | R-hat, worst |",
        "|---|---|---|---|---|---|",
    ]
    for case in CASES:
        for method in METHODS:
            rows = CELLS.read(case=case, method=method)
            mean, deviation, kl = (
                CELLS.mean(name, case=case, method=method) for name in ("weight_mean", "weight_sd", "kl")
            )
            of_weight, worst = (max(float(row[name]) for row in rows) for name in ("weight_r_hat", "worst_r_hat"))
            hats = " | ".join(
                "" if np.isnan(value) else f"{value:.3f}" if value < 10 else f"{value:.0f}"
                for value in (of_weight, worst)
            )
            lines.append(f"| {case} | {method} | {mean:.3f} ± {deviation:.3f} | {kl:.2f} | {hats} |")
    return "\n".join([*lines, f"| | prior | {PRIOR.mean():.3f} ± {PRIOR.std():.3f} | | | |"])


def plot() -> None:
    figure, grid = axes_grid(1, len(CASES), (4.3, 3.6))
    middles, histograms = (EDGES[1:] + EDGES[:-1]) / 2, saved_histograms()
    for ax, case in zip(grid[0], CASES, strict=True):
        ax.fill_between(middles, PRIOR.pdf(middles), color="0.85", label="prior, Beta(5, 5)")
        highest = 0.0
        for method, (colour, dashes) in STYLES.items():
            density = (
                smoothed(histograms[f"{case}, {method}"]) if case != "separate" else histograms[f"{case}, {method}"]
            )
            highest = max(highest, density.max())
            ax.plot(middles, density, color=colour, linestyle=dashes, linewidth=1.8, label=method)
        ax.set(
            title=case,
            xlabel="weight of the second component",
            xlim=(0, 1),
            ylim=(0, 1.05 * min(highest, 18) if case != "separate" else None),
        )
        ax.spines[["top", "right"]].set_visible(False)
    grid[0, 0].set_ylabel("density")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(PICTURE, dpi=110)


def smoothed(density: np.ndarray, width: int = 7) -> np.ndarray:
    """A running mean, for the eye."""
    return np.convolve(density, np.ones(width) / width, mode="same")


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "200 rows and one short chain, about 10 seconds"),
        plot=(plot, "draw the picture from the saved histograms"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )


if __name__ == "__main__":
    main()
