"""Figure 2 of the paper: does the posterior of probabilistic PCA collapse as the noise grows, with exact inference?

    python doc/paper/figure_2.py            full run: about 10 minutes on one thread; goes on where it stopped
    python doc/paper/figure_2.py --quick    60 rows and one short chain, about 10 seconds
    python doc/paper/figure_2.py --plot     the picture from the saved draws
    python doc/paper/figure_2.py --table    the table of the saved results, in Markdown

500 rows x = W z + 0.1 e with 5 features, 2 latents and singular values 4.372 and 3.036 of W, fitted with the noise s
held at other values than its own, as in the authors' code. NUTS samples W and z together, in the paper's coordinates
("free") and without their rotation ("removed").
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

from cells import Cells, command_line, provenance  # noqa: E402

from sklid.mcmc import sample_ppca  # noqa: E402
from sklid.plots.style import COLOURS, axes_grid  # noqa: E402

SINGULAR_VALUES = 4.372, 3.036
NOISES, BEYOND, SEEDS, ROTATIONS = (0.2, 0.5, 1, 1.5, 2), (5, 10), (0, 1, 2), ("removed", "free")
COLUMNS = ["data", "method", "seed", "rotation", "s", "mutual_information", "kl_exact", "kl_nuts", "kl_exact_row",
           "kl_nuts_row", "worst_r_hat", "worst_r_hat_w", "least_ess", "n_divergent", "seconds", "n_rows", "n_chains",
           "n_draws", "threads", "sklid", "numpyro", "jax", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(HERE / "results" / "figure_2.csv", COLUMNS)
DRAWS, PICTURE = HERE / "results" / "figure_2.npz", HERE / "results" / "figure_2.png"
SECONDS_PER_CELL = 20
KEPT_DRAWS = 300
DEPTH = 10.0
"""Nats below the maximum at which the surface is cut off."""


def data(seed: int, n_rows: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """The true loadings, and rows of the model with noise 0.1: ``(5, 2)`` and ``(n_rows, 5)``."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((size, 2)))[0] for size in (5, 2))
    W = left * SINGULAR_VALUES @ right.T
    return W, rng.standard_normal((n_rows, 2)) @ W.T + 0.1 * rng.standard_normal((n_rows, 5))


def typical_row(X: np.ndarray) -> int:
    """The row whose length is the median."""
    return int(np.argsort((X**2).sum(1))[len(X) // 2])


def exact_posterior(W: np.ndarray, X: np.ndarray, s: float) -> tuple[np.ndarray, np.ndarray]:
    """Means of z given each row and the true loadings, and the one covariance."""
    covariance = s**2 * np.linalg.inv(W.T @ W + s**2 * np.eye(W.shape[1]))
    return X @ W @ covariance / s**2, covariance


def kl_from_prior(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """KL(N(mean, covariance) || N(0, I)) in nats, for each row."""
    trace = np.trace(covariance, axis1=-2, axis2=-1)
    return (trace + (mean**2).sum(-1) - mean.shape[-1] - np.linalg.slogdet(covariance)[1]) / 2


def mutual_information(s: float) -> float:
    """I(z; x) of the model in nats."""
    return float(sum(np.log1p((value / s) ** 2) for value in SINGULAR_VALUES) / 2)


def in_the_frame_of(W: np.ndarray, w: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Draws of z ``(S, N, K)``, turned by the orthogonal matrix that brings the loadings closest to the true ones."""
    left, _, right = np.linalg.svd(w.transpose(0, 2, 1) @ W)
    return z @ (left @ right)


def measure(seed: int, s: float, rotation: str, n_rows: int = 500, **run: int) -> tuple[dict, np.ndarray]:
    """One fit and its figures, and draws of the typical row's latents."""
    W, X = data(seed, n_rows)
    row, start = typical_row(X), time.perf_counter()
    chains = sample_ppca(X, 2, s**2, rotation=rotation, random_state=seed, **run)
    seconds = time.perf_counter() - start
    w, z = (chains.draws[name].reshape(-1, *chains.draws[name].shape[2:]) for name in ("w", "z"))
    z = in_the_frame_of(W, w, z)
    centred = z - z.mean(0)
    kl_nuts = kl_from_prior(z.mean(0), np.einsum("snk,snl->nkl", centred, centred) / (len(z) - 1))
    mean, covariance = exact_posterior(W, X, s)
    kl_exact = kl_from_prior(mean, covariance)
    figures = {
        "mutual_information": mutual_information(s), "kl_exact": kl_exact.mean(), "kl_nuts": kl_nuts.mean(),
        "kl_exact_row": kl_exact[row], "kl_nuts_row": kl_nuts[row], "worst_r_hat": chains.worst_r_hat,
        "worst_r_hat_w": float(np.nanmax(chains.r_hat["w"])), "least_ess": chains.least_effective_sample_size,
        "n_divergent": chains.n_divergent, "seconds": seconds, "n_rows": n_rows,
        "n_chains": chains.draws["w"].shape[0], "n_draws": chains.draws["w"].shape[1],
    }  # fmt: skip
    return figures, z[:: max(1, len(z) // KEPT_DRAWS), row]


def run_full() -> None:
    cells = [(seed, s, rotation) for seed in SEEDS for s in NOISES for rotation in ROTATIONS]
    todo = [cell for cell in cells if not CELLS.read(**dict(zip(("seed", "s", "rotation"), cell, strict=True)))]
    print(f"{len(todo)} fits to do, about {len(todo) * SECONDS_PER_CELL / 60:.0f} minutes on one thread", flush=True)
    torch.set_num_threads(1)
    for seed, s, rotation in todo:
        figures, draws = measure(seed, s, rotation)
        if (seed, rotation) == (SEEDS[0], "removed"):
            np.savez_compressed(DRAWS, **(saved_draws() | {f"s={float(s)}": draws.astype(np.float32)}))
        row = {"data": "ppca", "method": "NUTS", "seed": seed, "rotation": rotation, "s": s} | figures
        CELLS.add(row | {"numpyro": version("numpyro"), "jax": version("jax")} | provenance())
        print(
            {name: row[name] for name in ("seed", "s", "rotation", "kl_exact", "kl_nuts", "worst_r_hat", "seconds")},
            flush=True,
        )


def saved_draws() -> dict[str, np.ndarray]:
    if not DRAWS.exists():
        return {}
    with np.load(DRAWS) as arrays:
        return dict(arrays)


def run_quick() -> None:
    """The posterior at s = 2 is not the prior, and NUTS finds what the closed form says."""
    found, _ = measure(0, 2.0, "removed", n_rows=60, n_warmup=150, n_draws=250, n_chains=1)
    print(found)
    if not (
        found["kl_exact"] > 1 and abs(found["kl_nuts"] / found["kl_exact"] - 1) < 0.3 and found["worst_r_hat"] < 1.1
    ):
        raise SystemExit(
            "At s = 2 NUTS without the rotation should agree with the exact posterior, which is not the prior; "
            "see the figures above."
        )


def table() -> str:
    """The saved results as a Markdown table; of the R-hats, the range over seeds."""
    lines = [
        "| s | I(z; x), nats | exact KL | KL by NUTS | worst R-hat, rotation removed | worst R-hat, free |",
        "|---|---|---|---|---|---|",
    ]
    for s in NOISES:
        exact, nuts = (CELLS.mean(name, s=s, rotation="removed") for name in ("kl_exact", "kl_nuts"))
        worst = {
            rotation: [float(row["worst_r_hat"]) for row in CELLS.read(s=s, rotation=rotation)]
            for rotation in ROTATIONS
        }
        removed, free = max(worst["removed"]), f"{min(worst['free']):.1f} to {max(worst['free']):.1f}"
        lines.append(f"| {s:g} | {mutual_information(s):.2f} | {exact:.2f} | {nuts:.2f} | {removed:.3f} | {free} |")
    return "\n".join(lines + [f"| {s:g} | {mutual_information(s):.3f} | | | | |" for s in BEYOND])


def plot() -> None:
    figure, grid = axes_grid(2, len(NOISES), (3.1, 3.25))
    W, X = data(SEEDS[0])
    x = X[typical_row(X)]
    for column, s in enumerate(NOISES):
        filled = draw_surface(grid[0, column], W, x, s)
        draw_posterior(grid[1, column], W, x, s)
    for ax in grid.ravel():
        ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=(-2, 0, 2), yticks=(-2, 0, 2), xlabel="$z_1$")
    for ax, what in zip(grid[:, 0], ("log p(x | z) of one row", "its posterior and the prior"), strict=True):
        ax.set_ylabel(f"{what}\n$z_2$")
    figure.colorbar(filled, ax=grid[0, :], label="nats below the maximum", shrink=0.9, pad=0.01)
    handles, labels = grid[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(PICTURE, dpi=110)


def draw_surface(ax: object, W: np.ndarray, x: np.ndarray, s: float) -> object:
    steps = np.linspace(-3, 3, 181)
    first, second = np.meshgrid(steps, steps)
    log_likelihood = -((x - np.stack([first, second], -1) @ W.T) ** 2).sum(-1) / (2 * s**2)
    ax.set_title(f"s = {s:g}\nI(z; x) = {mutual_information(s):.2f} nats", fontsize=11)
    below = np.maximum(log_likelihood - log_likelihood.max(), -DEPTH)
    return ax.contourf(steps, steps, below, np.linspace(-DEPTH, 0, 11), cmap="cividis", extend="min")


def draw_posterior(ax: object, W: np.ndarray, x: np.ndarray, s: float) -> None:
    from matplotlib.patches import Circle, Ellipse

    (mean,), covariance = exact_posterior(W, x[None], s)
    variances, axes = np.linalg.eigh(covariance)
    angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    ax.add_patch(
        Circle(
            (0, 0),
            2,
            facecolor="none",
            edgecolor=COLOURS[1],
            linestyle="--",
            linewidth=2,
            label="prior, two standard deviations",
        )
    )
    ax.scatter(*saved_draws()[f"s={float(s)}"].T, s=5, color=COLOURS[5], linewidths=0, label="NUTS, rotation removed")
    sizes = 4 * np.sqrt(variances[::-1])
    label = "exact posterior given W, two standard deviations"
    ax.add_patch(Ellipse(mean, *sizes, angle=angle, facecolor="none", edgecolor="black", linewidth=1.5, label=label))
    (row,) = CELLS.read(seed=SEEDS[0], s=s, rotation="removed")
    exact, nuts, exact_row, nuts_row = (
        float(row[name]) for name in ("kl_exact", "kl_nuts", "kl_exact_row", "kl_nuts_row")
    )
    ax.set_title(
        f"KL exact / by NUTS, nats\nthis row {exact_row:.2f} / {nuts_row:.2f}, mean {exact:.2f} / {nuts:.2f}",
        fontsize=9,
    )


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "60 rows and one short chain, about 10 seconds"),
        plot=(plot, "draw the picture from the saved draws"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )


if __name__ == "__main__":
    main()
