r"""Theorem 1 on fitted models: a posterior is its prior exactly as far as the likelihood does not depend on the latent.

    python doc/paper/theorem_1.py            full run: about 15 minutes on one thread; goes on where it stopped
    python doc/paper/theorem_1.py --quick    one small model, under 10 seconds
    python doc/paper/theorem_1.py --plot     the picture of the saved results
    python doc/paper/theorem_1.py --table    the table of the saved results, in Markdown

Decoders of two latent variables, fitted to digits and to 10 000 images of Fashion-MNIST with Bernoulli likelihood, are
made gradually constant,

.. math:: f_c(z) = f(0) + c \, (f(z) - f(0)), \qquad c = 1, \dots, 10^{-4},

and the exact posterior of each row is put beside its prior. How much the likelihood depends on z is

.. math:: J = E_{p(z|x)} \log p(x|z) - E_{p(z)} \log p(x|z) = KL(p(z|x) \| p(z)) + KL(p(z) \| p(z|x)),

since :math:`\log p(x|z) = \log p(z|x) / p(z) + \log p(x)`: it is 0 only where the likelihood is constant under the
prior, and for small c twice the divergence. Integrals are sums over a grid that holds the prior; the Gaussian that is
refined row by row on the same model stands beside them.
"""

import itertools
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from cells import Cells, command_line, fashion_mnist, provenance
from sklearn.datasets import load_digits
from torch import Tensor
from torch.distributions import kl_divergence

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.metrics.encodings import encodings_of
from sklid.metrics.importance import refined
from sklid.metrics.sources import VariationalModel, View
from sklid.plots.style import COLOURS, MARKERS, axes_grid

RESULTS = Path(__file__).parent / "results"
COLUMNS = ["data", "method", "decoder", "seed", "scale", "kl", "j", "kl_refined", "n_rows", "threads", "sklid", "torch",
           "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(RESULTS / "theorem_1.csv", COLUMNS)
PICTURE = RESULTS / "theorem_1.png"
SIDES = {
    "LIDVAE section": (LIDVAE, {}),
    "LIDVAE brenier": (LIDVAE, {"decoder": "brenier"}),
    "VAE": (VAE, {"encoder": "principal"}),
}
DATA = {"digits": "digits", "fashion": "Fashion-MNIST"}
SCALES, SEEDS = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4), (0, 1, 2)
EDGE, N_NODES, N_ROWS = 10.0, 481, 100


class Exact(NamedTuple):
    """Means over rows of the divergence of the exact posterior from the prior, and of J, in nats."""

    kl: float
    j: float


@torch.no_grad()
def exact(model: VariationalModel, rows: Tensor, n_nodes: int = N_NODES) -> Exact:
    """By sums over the nodes of a grid of two latent variables, in double precision."""
    nodes = torch.linspace(-EDGE, EDGE, n_nodes, dtype=torch.float64)
    grid = torch.cartesian_prod(nodes, nodes)
    prior = (-grid.square().sum(-1) / 2).log_softmax(0)
    likelihoods = torch.cat([log_likelihoods(model, some, rows) for some in grid.float().split(4096)]).double()
    likelihoods -= likelihoods.max(0).values
    posterior = (likelihoods + prior.unsqueeze(-1)).log_softmax(0)
    shares, weights = posterior.exp(), prior.exp()
    kl = (shares * (posterior - prior.unsqueeze(-1))).sum(0)
    j = (shares * likelihoods).sum(0) - weights @ likelihoods
    return Exact(kl.mean().item(), j.mean().item())


def log_likelihoods(model: VariationalModel, z: Tensor, rows: Tensor) -> Tensor:
    """Log p(x | z) of every row at every latent: ``(M, 2), (N, D) -> (M, N)``."""
    eta = model.decode(z).base_dist.logits.double()
    return eta @ rows.double().T - torch.nn.functional.softplus(eta).sum(-1, keepdim=True)


def scaled(model: Any, scale: float) -> VariationalModel:
    """The model with a decoder that is nearer to its value at 0."""
    module = model.net_.module_
    middle = module.decoder(torch.zeros(1, 2)).detach()
    decode = lambda z: module.likelihood(middle + scale * (module.decoder(z) - middle))  # noqa: E731
    return VariationalModel(module.encode, decode, module.prior())


def measure(model: Any, scale: float, rows: Tensor, n_nodes: int = N_NODES) -> dict:
    nearer = scaled(model, scale)
    encoded = encodings_of(View(nearer, rows))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        better = refined(View(nearer, rows), encoded)
    return exact(nearer, rows, n_nodes)._asdict() | {"kl_refined": kl_divergence(better, encoded.prior).mean().item()}


def fitted(side: str, X: np.ndarray, seed: int, **others: object) -> Any:
    estimator, own = SIDES[side]
    told = {"n_components": 2, "likelihood": "bernoulli", "max_epochs": 30, "random_state": seed} | own | others
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        return estimator(**told).fit(X)


def load(data: str) -> tuple[np.ndarray, Tensor]:
    """Rows to fit and rows to measure, of pixels that are 0 or 1."""
    X = load_digits().data / 16 if data == "digits" else np.concatenate(fashion_mnist(n_train=10_000)[:2])
    X = (np.random.default_rng(0).random(X.shape) < X).astype(np.float32)
    return X[:-N_ROWS], torch.from_numpy(X[-N_ROWS:])


def run_full() -> None:
    torch.set_num_threads(1)
    print(f"{len(DATA) * len(SIDES) * len(SEEDS)} fits, of which some may be done, about 15 minutes", flush=True)
    for data in DATA:
        X, rows = load(data)
        for seed in SEEDS:
            for side in SIDES:
                if not CELLS.read(data=data, method=side, seed=seed, scale=f"{SCALES[-1]:.6g}"):
                    model = fitted(side, X, seed)
                    found = {scale: measure(model, scale, rows) for scale in SCALES}
                    for scale, figures in found.items():
                        key = {"data": data, "method": side, "seed": seed, "scale": scale}
                        key["decoder"] = getattr(model, "decoder", "perceptron")
                        CELLS.add(key | figures | {"n_rows": len(rows)} | provenance())
                    print(data, side, seed, found[1.0], flush=True)


def run_quick() -> None:
    """The divergence falls with J, to half of it, and no constant of the decoder is left to hold it up."""
    torch.set_num_threads(1)
    X, rows = load("digits")
    model = fitted("LIDVAE section", X, 0, max_epochs=5)
    found = [measure(model, scale, rows[:20], 161) for scale in (1.0, 0.1, 1e-3)]
    print(*found, sep="\n")
    falls = all(above["kl"] > 10 * below["kl"] for above, below in itertools.pairwise(found))
    if not (falls and abs(found[-1]["kl"] / found[-1]["j"] - 0.5) < 0.01):
        raise SystemExit("The divergence should fall with J, to half of it.")


def table() -> str:
    """Means over seeds."""
    heads = ["data", "decoder", "c", "J", "KL of the exact posterior", "KL of the refined Gaussian", "KL / J"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for data, title in DATA.items():
        for side in SIDES:
            for scale in SCALES:
                of = {name: CELLS.mean(name, data=data, method=side, scale=f"{scale:.6g}") for name in
                      ("j", "kl", "kl_refined")}  # fmt: skip
                shown = " | ".join(f"{value:.2g}" for value in of.values())
                lines.append(f"| {title} | {side} | {scale:g} | {shown} | {of['kl'] / of['j']:.2f} |")
    return "\n".join(lines)


def plot() -> None:
    """Divergence against J, both on logarithmic scales."""
    figure, axes = axes_grid(1, len(DATA), (4.2, 3.4))
    for ax, (data, title) in zip(axes[0], DATA.items(), strict=True):
        for side, colour, marker in zip(SIDES, COLOURS, MARKERS, strict=False):
            of = [[CELLS.mean(name, data=data, method=side, scale=f"{scale:.6g}") for scale in SCALES]
                  for name in ("j", "kl")]  # fmt: skip
            ax.loglog(*of, f"{marker}-", color=colour, label=side)
        ends = np.array(ax.get_xlim())
        ax.loglog(ends, ends / 2, "k:", lw=1, label="J / 2")
        ax.set(title=title, xlabel="J, nats", ylabel="KL(p(z|x) ‖ p(z)), nats")
    axes[0, 0].legend(frameon=False)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "one small model, under 10 seconds"),
        plot=(plot, "draw the saved results"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
