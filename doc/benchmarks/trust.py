"""How often bounds, brackets and verdicts of the metrics are right, where the truth is known.

    python doc/benchmarks/trust.py            full run: about 10 minutes on one thread; goes on where it stopped
    python doc/benchmarks/trust.py --quick    few rows and runs, in 10 seconds
    python doc/benchmarks/trust.py --table    the table of the saved results, in Markdown

- `kl_lower_bound`: the share of 10 000 new rows in which it is above the divergence, for estimators after a short fit,
  and how much of the divergence it keeps on average. The divergence of a Gaussian from a Gaussian is exact, any other
  is from 400 draws, and counts as exceeded by more than four standard errors.
- `mutual_information`: the share of runs whose bracket holds the information of a Gaussian channel, posteriors given as
  they are and as flows that do not show their moments.
- `active_units`: the share of latents called right, of flows whose means vary by 0, .0049, .0196 and 1.
- `informative_units`: the greatest error of a gain, in nats, on linear models with a large common part in all loadings.
- `amortization_gap`: the share of runs in which the best diagonal Gaussian of such a model has gap 0 within two
  standard errors.
"""

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, provenance
from torch.distributions import (
    AffineTransform,
    Distribution,
    Independent,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
    kl_divergence,
)

from sklid import LIDVAE, LIDGMVAEClustering, metrics

COLUMNS = ["measure", "model", "setting", "n_cases", "value", "kept", "seconds", "threads", "sklid", "torch",
           "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "trust.csv", COLUMNS)
DRAWS = (2, 10, 100)
N_ROWS, N_DRAWS, N_TRAINED = 10_000, 400, 400
ESTIMATORS = {
    "noise, K = 1": ("noise", LIDVAE, {"n_components": 1}),
    "noise, K = 2": ("noise", LIDVAE, {"n_components": 2}),
    "noise, K = 5": ("noise", LIDVAE, {"n_components": 5}),
    "noise, kl_weight = 30": ("noise", LIDVAE, {"n_components": 2, "kl_weight": 30.0}),
    "linear": ("linear", LIDVAE, {"n_components": 2}),
    "bent": ("bent", LIDVAE, {"n_components": 2}),
    "bent, decoder = brenier": ("bent", LIDVAE, {"n_components": 2, "decoder": "brenier"}),
    "bent, r = 3, noise by feature": (
        "bent",
        LIDVAE,
        {"n_components": 2, "inverse_lipschitz": 3.0, "noise": "feature"},
    ),
    "bent, flow": ("bent", LIDVAE, {"n_components": 2, "posterior": "flow"}),
    "noise, flow": ("noise", LIDVAE, {"n_components": 2, "posterior": "flow"}),
    "mixture prior": ("bent", LIDGMVAEClustering, {"n_components": 2, "k": 3}),
    "mixture prior and posterior": ("bent", LIDGMVAEClustering, {"n_components": 2, "k": 3, "inference": "joint"}),
}
CHANNELS, N_CHANNEL_RUNS = (0.1, 1.0, 5.0), 40
FLOW_ROWS, N_FLOW_RUNS = (20, 300, 3000), 50
LINEAR, N_LINEAR_RUNS = ((2, 1.0), (4, 0.3), (8, 0.1), (16, 0.3)), 10
GAPS, N_GAP_RUNS = ((1, 1.0), (5, 1.0), (5, 0.1), (24, 0.3)), 40


def rows(kind: str, n_rows: int, seed: int) -> np.ndarray:
    """White noise in six columns, a plane with noise around it, or a bent sheet."""
    rng = np.random.default_rng(seed)
    noise, z = rng.standard_normal((n_rows, 6)), rng.standard_normal((n_rows, 2))
    if kind == "noise":
        return noise
    plane = z @ np.random.default_rng(0).standard_normal((2, 6))
    return (plane if kind == "linear" else np.hstack([plane[:, :4], 2 * np.sin(plane[:, 4:])])) + 0.3 * noise


def divergence(q: Distribution, p: Distribution, n_draws: int) -> torch.Tensor:
    """KL(q || p) of each row, exact or with four standard errors of draws on top."""
    try:
        return kl_divergence(q, p)
    except NotImplementedError:
        log_ratios = torch.cat([q.log_prob(z) - p.log_prob(z) for z in (q.sample((20,)) for _ in range(n_draws // 20))])
        return log_ratios.mean(0) + 4 * log_ratios.std(0) / n_draws**0.5


def bounds(name: str, n_rows: int = N_ROWS, n_draws: int = N_DRAWS, epochs: int = 15) -> list[dict]:
    """`kl_lower_bound` of an estimator on new rows, at each number of draws."""
    data, Estimator, options = ESTIMATORS[name]
    model = Estimator(**options, decoder_width=32, encoder_width=32, max_epochs=epochs, random_state=0)
    model.fit(rows(data, N_TRAINED, 1))
    X = rows(data, n_rows, 2)
    with torch.no_grad():
        exact = divergence(model.encode(X), model.net_.module_.prior(), n_draws).numpy()
    found = []
    for n_importance_samples in DRAWS:
        bound = model.set_params(n_importance_samples=n_importance_samples).kl_lower_bound(X)
        above, kept = float((bound > exact + 1e-5).mean()), float(bound.mean() / exact.mean())
        found.append({"setting": n_importance_samples, "n_cases": n_rows, "value": above, "kept": kept})
    return found


def disguised(loc: torch.Tensor, scale: torch.Tensor) -> Distribution:
    """A Gaussian that does not show its moments, as a flow."""
    base = Independent(Normal(torch.zeros_like(loc), torch.ones_like(loc)), 1)
    return TransformedDistribution(base, [AffineTransform(loc, scale, event_dim=1)])


def brackets(name: str, n_runs: int = N_CHANNEL_RUNS, n_rows: int = 1000) -> list[dict]:
    """`mutual_information` of four latents with the data, at each true information."""
    found = []
    for nats in CHANNELS:
        scale = torch.full((n_rows, 4), np.exp(-nats / 4))
        held = 0
        for seed in range(n_runs):
            z = torch.from_numpy(np.random.default_rng(seed).standard_normal((n_rows, 4))).float()
            loc = (1 - scale.square()).sqrt() * z
            q = disguised(loc, scale) if name == "flow" else Normal(loc, scale)
            information = metrics.mutual_information(q, random_state=seed)
            held += information.lower <= nats <= information.upper
        found.append({"setting": nats, "n_cases": n_runs, "value": held / n_runs})
    return found


def units(_: str, n_runs: int = N_FLOW_RUNS) -> list[dict]:
    """`active_units` of wide flows, at each number of rows."""
    found, deviations = [], torch.tensor([0.0, 0.07, 0.14, 1.0])
    for n_rows in FLOW_ROWS:
        right = 0
        for seed in range(n_runs):
            z = torch.from_numpy(np.random.default_rng(seed).standard_normal((n_rows, 4))).float()
            loc = deviations * (z - z.mean(0)) / z.std(0, correction=0)
            active = metrics.active_units(disguised(loc, torch.ones_like(loc)), random_state=seed).active
            right += int((active == [False, False, True, True]).sum())
        found.append({"setting": n_rows, "n_cases": 4 * n_runs, "value": right / (4 * n_runs)})
    return found


def linear(K: int, noise: float, seed: int) -> tuple[torch.Tensor, metrics.VariationalModel, Callable]:
    """Rows of a linear model whose posteriors are correlated, the model with each row's best diagonal Gaussian.

    And the log-likelihood of the rows under some loadings ``(K, D)``, as a function of which latents are left out.
    """
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(K, 30, generator=generator).double() / 3
    W = W + 2 * W[:1]
    x = torch.randn(100, K, generator=generator).double() @ W + noise * torch.randn(100, 30, generator=generator)
    precision = torch.eye(K).double() + W @ W.T / noise**2
    scale, projection = precision.diagonal().rsqrt(), W.T @ torch.linalg.inv(precision) / noise**2
    prior = Independent(Normal(torch.zeros(K).double(), 1.0), 1)
    model = metrics.VariationalModel(
        lambda x: Normal(x @ projection, scale.expand(len(x), -1)), lambda z: Normal(z @ W, noise), prior
    )

    def log_likelihood(*left_out: int) -> float:
        V = W[[latent for latent in range(K) if latent not in left_out]]
        covariance = V.T @ V + noise**2 * torch.eye(30).double()
        return MultivariateNormal(torch.zeros(30).double(), covariance).log_prob(x).mean().item()

    return x, model, log_likelihood


def gains(_: str, n_runs: int = N_LINEAR_RUNS, sizes: tuple = LINEAR) -> list[dict]:
    """`informative_units` of linear models, of each size and noise."""
    found = []
    for K, noise in sizes:
        errors = []
        for seed in range(n_runs):
            x, model, exact = linear(K, noise, seed)
            measured = metrics.informative_units(model, x, n_importance_samples=20, random_state=seed).gains
            errors += [abs(gain - exact() + exact(latent)) for latent, gain in enumerate(measured)]
        found.append({"setting": f"K = {K}, noise {noise:g}", "n_cases": len(errors), "value": max(errors)})
    return found


def gaps(_: str, n_runs: int = N_GAP_RUNS, sizes: tuple = GAPS) -> list[dict]:
    """`amortization_gap` of linear models at the best diagonal Gaussians, of each size and noise."""
    found = []
    for K, noise in sizes:
        within = 0
        for seed in range(n_runs):
            x, model, _exact = linear(K, noise, seed)
            gap = metrics.amortization_gap(model, x, random_state=seed)
            within += abs(gap.value) <= 2 * gap.standard_error
        found.append({"setting": f"K = {K}, noise {noise:g}", "n_cases": n_runs, "value": within / n_runs})
    return found


MEASURES: dict[str, tuple[Callable, tuple]] = {
    "kl_lower_bound": (bounds, tuple(ESTIMATORS)),
    "mutual_information": (brackets, ("Gaussian", "flow")),
    "active_units": (units, ("flow",)),
    "informative_units": (gains, ("linear",)),
    "amortization_gap": (gaps, ("linear",)),
}


def run_full() -> None:
    print("about 10 minutes on one thread, less what is done", flush=True)
    warnings.simplefilter("ignore")
    for measure, (run, models) in MEASURES.items():
        for model in models:
            if CELLS.read(measure=measure, model=model):
                continue
            start = time.perf_counter()
            found = run(model)
            seconds = (time.perf_counter() - start) / len(found)
            for row in found:
                CELLS.add({"measure": measure, "model": model} | row | {"seconds": seconds} | provenance())
                print(measure, model, row, f"{seconds:.0f} s", flush=True)


def run_quick() -> None:
    warnings.simplefilter("ignore")
    found = bounds("bent", 1000, epochs=3) + bounds("bent, flow", 300, 100, epochs=3)
    above, error = max(row["value"] for row in found), gains("linear", 2, ((4, 0.3),))[0]["value"]
    within, right = gaps("linear", 3, ((5, 0.1),))[0]["value"], min(row["value"] for row in units("flow", 3))
    print(f"bound above the divergence in {above:.2%} of rows; gains wrong by {error:.3f} nats at most; gap 0 in")
    print(f"{within:.0%} of runs; {right:.0%} of latents called right")
    if above > 0.001 or error > 0.05 or within < 1 or right < 0.9:
        raise SystemExit("One of these misses its mark; see above.")


def table() -> str:
    lines = [
        "| `kl_lower_bound` above the divergence, of 10 000 rows | 2 draws | 10 | 100 | kept with 100 draws |",
        "|---|---|---|---|---|",
    ]
    for name in ESTIMATORS:
        shares = [CELLS.mean("value", measure="kl_lower_bound", model=name, setting=n) for n in DRAWS]
        kept = CELLS.mean("kept", measure="kl_lower_bound", model=name, setting=DRAWS[-1])
        lines.append(f"| {name} | {' | '.join(f'{share:.2%}' for share in shares)} | {kept:.0%} |")
    lines += ["", "| | model | setting | of | figure |", "|---|---|---|---|---|"]
    units_of = {"mutual_information": " nats", "active_units": " rows"}
    for row in CELLS.read():
        measure, value = row["measure"], float(row["value"])
        if measure != "kl_lower_bound":
            figure = f"{value:.3f} nats at most" if measure == "informative_units" else f"{value:.1%}"
            setting = row["setting"] + units_of.get(measure, "")
            lines.append(f"| `{measure}` | {row['model']} | {setting} | {row['n_cases']} | {figure} |")
    return "\n".join(lines)


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "few rows and runs, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )


if __name__ == "__main__":
    main()
