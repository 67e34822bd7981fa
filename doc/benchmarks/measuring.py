"""Memory and time of the metrics on 100 000 rows and 64 latents.

    python doc/benchmarks/measuring.py            full run: about 5 minutes on two cores; goes on where it stopped
    python doc/benchmarks/measuring.py --quick    5 000 rows and 16 latents, in 10 seconds; peaks must stay under 2 GB
    python doc/benchmarks/measuring.py --table    the table of the saved results, in Markdown

Each metric runs in a process of its own, so that its peak of resident memory is its own. The model is linear and
Gaussian with 128 features, so that its posterior is exact; posteriors alone come as arrays.
"""

import time
import warnings
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, numbers_of_process, peak_mb, provenance
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from sklid import metrics

COLUMNS = [
    "metric",
    "n_rows",
    "n_latents",
    "value",
    "peak_mb",
    "start_mb",
    "seconds",
    "threads",
    "sklid",
    "torch",
    "scikit_learn",
    "commit",
]
CELLS = Cells(Path(__file__).parent / "results" / "measuring.csv", COLUMNS)
ON_ARRAYS = ("kl_divergence", "active_units", "mutual_information", "aggregate_posterior_kl")
UNDER_A_MIXTURE = "kl_divergence, mixture prior"
ON_MODELS = {
    "log_likelihood": {},
    "informative_units": {"n_importance_samples": 10},
    "amortization_gap": {},
    "collapse_report": {},
}
FULL, QUICK = (100_000, 64), (5_000, 16)
LIMIT_MB = 2_000
N_FEATURES = 128


def rows_and_model(n_rows: int, n_latents: int) -> tuple[torch.Tensor, metrics.VariationalModel]:
    """Rows of a linear Gaussian model, and the model with its exact posterior.

    The noise has variance 1, and the loadings are orthogonal, from 3 down to 0.3.
    """
    generator = torch.Generator().manual_seed(0)
    directions = torch.linalg.qr(torch.randn(N_FEATURES, n_latents, generator=generator)).Q.T
    W = directions * torch.linspace(3, 0.3, n_latents)[:, None]
    x = torch.randn(n_rows, n_latents, generator=generator) @ W + torch.randn(n_rows, N_FEATURES, generator=generator)
    precision = 1 + W.square().sum(1)

    def encode(x: torch.Tensor) -> Independent:
        return Independent(Normal(x @ W.T / precision, precision.rsqrt().expand(len(x), -1)), 1)

    return x, metrics.VariationalModel(encode, lambda z: Independent(Normal(z @ W, 1.0), 1))


def measure(name: str, n_rows: int, n_latents: int) -> tuple[float, float, float, float]:
    """One metric in this process: its value, the peak of memory, the memory before it began, and seconds."""
    x, model = rows_and_model(n_rows, n_latents)
    q = model.encode(x)
    arguments = (q.mean.numpy(), q.stddev.numpy()) if name in ON_ARRAYS else (model, x)
    if name == UNDER_A_MIXTURE:
        torch.manual_seed(0)
        components = Independent(Normal(torch.randn(10, n_latents), torch.ones(10, n_latents)), 1)
        arguments = (q, MixtureSameFamily(Categorical(torch.ones(10)), components))
    before, start = peak_mb(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = getattr(metrics, name.split(",")[0])(*arguments, **ON_MODELS.get(name, {}))
    value = found.totals.kl if name == "collapse_report" else found[0]
    return value, peak_mb(), before, time.perf_counter() - start


def print_measured(name: str, n_rows: int, n_latents: int) -> None:
    print(*measure(name, n_rows, n_latents))


def run(name: str, n_rows: int, n_latents: int) -> dict:
    numbers = numbers_of_process("measuring", f"print_measured({name!r}, {n_rows}, {n_latents})")
    found = dict(zip(("value", "peak_mb", "start_mb", "seconds"), numbers, strict=True))
    return {"metric": name, "n_rows": n_rows, "n_latents": n_latents} | found


def run_full() -> None:
    print("about 5 minutes on two cores, less what is done", flush=True)
    for name in (*ON_ARRAYS, UNDER_A_MIXTURE, *ON_MODELS):
        if not CELLS.read(metric=name):
            row = run(name, *FULL)
            CELLS.add(row | provenance())
            print(row, flush=True)


def run_quick() -> None:
    for name in ("mutual_information", "log_likelihood"):
        value, peak, *_ = measure(name, *QUICK)
        print(f"{name}: {value:.3f} nats, {peak:.0f} MB")
        if not (np.isfinite(value) and peak < LIMIT_MB):
            raise SystemExit(f"{name} should stay under {LIMIT_MB} MB; see above.")


def table() -> str:
    lines = ["| metric | peak memory, MB | memory in use before it, MB |", "|---|---|---|"]
    for row in CELLS.read():
        lines.append(f"| `{row['metric']}` | {float(row['peak_mb']):.0f} | {float(row['start_mb']):.0f} |")
    return "\n".join(lines)


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "5 000 rows and 16 latents, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )


if __name__ == "__main__":
    main()
