"""What a fold costs: curves and a surface over which no section lies, in nats against the decoder of the VAE.

    python doc/benchmarks/folds.py            full run: about 15 minutes on one thread; goes on where it stopped
    python doc/benchmarks/folds.py --quick    a figure eight and a line, one seed, under 10 seconds
    python doc/benchmarks/folds.py --table    the table of the saved results, in Markdown

The data are a ring, a figure eight and a line in the plane (one latent), and a swiss roll in space (two latents), each
with Gaussian noise. They are modelled in two ways. "Exact likelihood" trains the decoder and the noise alone on the
log-likelihood, an integral over the latents by quadrature, with the noise held in the first half of the steps; no
encoder can be at fault. "Estimator" is ``VAE(encoder="principal")`` or ``LIDVAE`` as a user fits them, with the same
epochs, warm-up and grid of learning rates. Both report the log-likelihood of test rows by quadrature.
"""

import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, provenance, spread
from sklearn.datasets import make_swiss_roll
from torch import Tensor, nn

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.nn import GaussianLikelihood, InjectiveDecoder, PlainDecoder, SectionDecoder
from sklid.nn.principal import probabilistic_pca

COLUMNS = ["data", "training", "decoder", "r", "seed", "learning_rate", "split", "ll", "noise", "seconds", "n_train",
           "n_test", "threads", "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "folds.csv", COLUMNS)
DATA, CONTROL = ("ring", "figure eight", "swiss roll"), "line"
SIDES = (("VAE", ""), *((decoder, r) for decoder in ("section", "brenier") for r in (1, 0.3, 0.1)))
SEEDS, RATES, EXACT_RATE = (0, 1, 2), (3e-3, 1e-2), 1e-2
N_TRAIN, N_TEST, WIDTH = 2_000, 1_000, 64
STEPS, BATCH, HELD_NOISE = 600, 500, 0.3
"""Of the exact likelihood; the noise that is held is in standard deviations of a column."""
TRAINING_NODES, TEST_NODES = {1: 128, 2: 512}, {1: 4_096, 2: 16_384}
"""Points of the quadrature by the number of latents."""
FIT = {"decoder_width": WIDTH, "encoder_width": WIDTH, "max_epochs": 100, "batch_size": 128, "kl_warmup": 0.5}


def latents(data: str) -> int:
    return 2 if data == "swiss roll" else 1


def rows(data: str, n_rows: int, seed: int) -> Tensor:
    """Points of a curve or surface with noise."""
    if data == "swiss roll":
        return torch.tensor(make_swiss_roll(n_rows, noise=1.0, random_state=seed)[0] / 7, dtype=torch.float32)
    rng = np.random.default_rng(seed)
    t = rng.uniform(-np.pi, np.pi, n_rows)
    points = {
        "ring": (np.cos(t), np.sin(t)),
        "figure eight": (np.sin(t), np.sin(2 * t)),
        "line": (t / 2, t),
    }[data]
    return torch.tensor(np.stack(points, 1) + 0.1 * rng.standard_normal((n_rows, 2)), dtype=torch.float32)


def nodes(n_components: int, n_nodes: int, shift: Tensor | float = 0.5) -> Tensor:
    """Points of equal weight under N(0, I): quantiles of a grid, or of a Sobol sequence in two dimensions."""
    if n_components == 1:
        uniform = (torch.arange(n_nodes)[:, None] + shift) / n_nodes
    else:
        uniform = (torch.quasirandom.SobolEngine(n_components).draw(n_nodes) + shift) % 1
    return torch.distributions.Normal(0.0, 1.0).icdf(uniform.clamp(1e-5, 1 - 1e-5))


def log_likelihoods(decoder: nn.Module, likelihood: GaussianLikelihood, x: Tensor, z: Tensor) -> Tensor:
    """Log-likelihood of the rows by quadrature: ``(N, D), (S, K) -> (N,)``."""
    noise = likelihood.noise()
    means = noise * decoder(z, likelihood.gain())
    squares = x.square().sum(1)[:, None] - 2 * x @ means.mT + means.square().sum(1)
    constant = math.log(len(z)) + x.shape[1] * (noise.log() + 0.5 * math.log(2 * math.pi))
    return torch.logsumexp(-0.5 * squares / noise**2, 1) - constant


@torch.no_grad()
def score(decoder: nn.Module, likelihood: GaussianLikelihood, x: Tensor) -> float:
    """Mean log-likelihood of rows, block by block."""
    z = nodes(decoder.n_components, TEST_NODES[decoder.n_components])
    return torch.cat([log_likelihoods(decoder, likelihood, block, z) for block in x.split(200)]).mean().item()


def decoder_of(side: tuple, n_components: int, n_outputs: int) -> nn.Module:
    name, r = side
    if name == "VAE":
        return PlainDecoder(n_components, n_outputs, width=WIDTH)
    kind = SectionDecoder if name == "section" else InjectiveDecoder
    return kind(n_components, n_outputs, width=WIDTH, inverse_lipschitz=r)


def initialised(side: tuple, x: Tensor, n_components: int) -> tuple[nn.Module, GaussianLikelihood]:
    """A decoder at the principal components of the rows, and the likelihood at the noise that is held."""
    decoder, likelihood = decoder_of(side, n_components, x.shape[1]), GaussianLikelihood(x.shape[1])
    directions, amplitudes, _ = probabilistic_pca(x, n_components)
    likelihood.initialise(HELD_NOISE)
    decoder.initialise(x.mean(0) / HELD_NOISE, directions, amplitudes, 1 / HELD_NOISE)
    return decoder, likelihood


def trained_exactly(side: tuple, data: str, seed: int, n_steps: int = STEPS) -> dict:
    """The figures of a decoder that is trained on the log-likelihood itself."""
    torch.manual_seed(seed)
    train, test = rows(data, N_TRAIN, 0), rows(data, N_TEST, 1)
    mean, scale, n_components = train.mean(0), train.std(0), latents(data)
    x = (train - mean) / scale
    decoder, likelihood = initialised(side, x, n_components)
    parameters = [*decoder.parameters(), *likelihood.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=EXACT_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for step in range(n_steps):
        likelihood.log_noise.requires_grad_(step >= n_steps // 2)
        z = nodes(n_components, TRAINING_NODES[n_components], torch.rand(n_components))
        optimizer.zero_grad()
        (-log_likelihoods(decoder, likelihood, x[torch.randint(N_TRAIN, (BATCH,))], z).mean()).backward()
        nn.utils.clip_grad_norm_(parameters, 100.0)
        optimizer.step()
        schedule.step()
    ll = score(decoder, likelihood, (test - mean) / scale) - scale.log().sum().item()
    return {"ll": ll, "noise": likelihood.noise().item() * scale.mean().item()}


def fitted(side: tuple, data: str, seed: int, learning_rate: float, split: str) -> dict:
    """The figures of an estimator, on rows of the split."""
    name, r = side
    shared = {**FIT, "n_components": latents(data), "learning_rate": learning_rate, "random_state": seed}
    estimator = VAE(encoder="principal", **shared) if name == "VAE" else None
    estimator = estimator or LIDVAE(decoder=name, inverse_lipschitz=r, **shared)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        estimator.fit(rows(data, N_TRAIN, 0).numpy())
    view = estimator.view(rows(data, N_TEST, 1 if split == "test" else 2).numpy())
    model = view.model
    ll = score(model.decoder, model.likelihood, view.rows) - view.log_volume
    return {"ll": ll, "noise": model.likelihood.noise().item() * float(estimator.scaler_.scale_.mean())}


def record(key: dict, measure: Callable[[], dict]) -> None:
    """Measure one cell and append its row, unless it is there."""
    if CELLS.read(**key):
        return
    start = time.perf_counter()
    row = key | measure()
    CELLS.add(row | {"seconds": time.perf_counter() - start, "n_train": N_TRAIN, "n_test": N_TEST} | provenance())
    print(row, flush=True)


def key_of(data: str, training: str, side: tuple) -> dict:
    return {"data": data, "training": training, "decoder": side[0], "r": side[1]}


def record_estimator(data: str, side: tuple) -> None:
    """Three seeds at the learning rate that is best on validation rows with the first."""
    key = key_of(data, "estimator", side)
    for rate in RATES:
        cell = key | {"seed": SEEDS[0], "learning_rate": rate, "split": "validation"}
        record(cell, lambda rate=rate: fitted(side, data, SEEDS[0], rate, "validation"))
    best = max(CELLS.read(**key, split="validation"), key=lambda row: float(row["ll"]))
    rate = float(best["learning_rate"])
    for seed in SEEDS:
        cell = key | {"seed": seed, "learning_rate": rate, "split": "test"}
        record(cell, lambda seed=seed: fitted(side, data, seed, rate, "test"))


def run_full() -> None:
    print("about 15 minutes on one thread, less what is done", flush=True)
    torch.set_num_threads(1)
    for data in (CONTROL, *DATA):
        for side in SIDES:
            for seed in SEEDS:
                cell = {"seed": seed, "learning_rate": EXACT_RATE, "split": "test"}
                record(
                    key_of(data, "exact likelihood", side) | cell,
                    lambda data=data, side=side, seed=seed: trained_exactly(side, data, seed),
                )
            if data != CONTROL:
                record_estimator(data, side)


def run_quick() -> None:
    """The direction of the claim with one seed: a figure eight costs nats, and a line costs none."""
    torch.set_num_threads(1)
    costs = {}
    for data in ("figure eight", CONTROL):
        vae, section = (trained_exactly(side, data, 0, 300)["ll"] for side in (("VAE", ""), ("section", 1)))
        costs[data] = vae - section
    print(costs)
    if not (costs["figure eight"] > 0.1 and costs[CONTROL] < 0.05):
        raise SystemExit("A figure eight should cost a section more than .1 nats and a line less than .05; see above.")


def costs(data: str, training: str, side: tuple) -> list[float]:
    """Nats per row that a decoder loses against the VAE's, for each seed."""
    own, vae = (CELLS.read(**key_of(data, training, one), split="test") for one in (side, SIDES[0]))
    return [float(b["ll"]) - float(a["ll"]) for a, b in zip(own, vae, strict=True)]


def table() -> str:
    """What each decoder costs against the VAE's: mean over seeds with the standard deviation, in nats per row."""
    names = " | ".join(f"{decoder}, r = {r:g}" for decoder, r in SIDES[1:])
    lines = [f"| data | trained by | VAE, log-likelihood | {names} |", "|---|---|" + "---|" * len(SIDES)]
    for training, kinds in (("exact likelihood", (CONTROL, *DATA)), ("estimator", DATA)):
        for data in kinds:
            vae = CELLS.mean("ll", **key_of(data, training, SIDES[0]), split="test")
            found = (costs(data, training, side) for side in SIDES[1:])
            cells = " | ".join(spread(list(nats), 2) for nats in found)
            lines.append(f"| {data} | {training} | {vae:.2f} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "a figure eight and a line, one seed, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )


if __name__ == "__main__":
    main()
