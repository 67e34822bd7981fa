"""The saved results of table 1, and the tables made of them."""

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from cells import Cells, spread
from table_1_methods import CLUSTERS, METHODS, OURS, RATES

__all__ = ["CELLS", "table"]

COLUMNS = ["data", "network", "side", "method", "encoder", "decoder", "posterior", "seed", "learning_rate", "width",
           "au", "informative_units", "kl", "mi", "mi_lower", "mi_upper", "ll", "mi_y", "accuracy", "clusters",
           "converged", "cpu_seconds", *(f"valid_{rate:g}" for rate in RATES), "n_train", "n_test", "epochs",
           "threads", "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "table_1_images.csv", COLUMNS)
TITLES = {"fashion": "Fashion-MNIST", "omniglot": "Omniglot", "noise": "white noise"}
PUBLISHED = {
    "fashion": {
        "VAE": (0.1, -258.8),
        "SA-VAE": (0.2, -252.2),
        "lagging VAE": (0.4, -248.5),
        "beta-VAE": (0.6, -245.3),
        "LIDVAE brenier": (1.0, -242.3),
    },
    "omniglot": {
        "VAE": (0.02, -862.1),
        "SA-VAE": (0.1, -853.4),
        "lagging VAE": (0.5, -849.4),
        "beta-VAE": (0.7, -842.6),
        "LIDVAE brenier": (1.0, -820.3),
    },
}
"""Active units and log-likelihood in Wang, Blei & Cunningham (2021), table 1."""
COLLAPSED = 0.5
"""A seed is collapsed if fewer of its units are active than this share."""


def table() -> str:
    """Mean and standard deviation over the seeds, for each data set and network."""
    parts = []
    for data, title in TITLES.items():
        for network in ("9 layers", "2 layers", "9 layers, all rows"):
            if CELLS.read(data=data, network=network):
                parts += [f"### {title}, {network}", "", methods_table(data, network), ""]
        if any(CELLS.read(data=data, side=side) for side in CLUSTERS):
            parts += [f"### {title}, mixtures, 9 layers", "", clusters_table(data), ""]
    return "\n".join([*parts, "### The paper's figures beside these", "", published_table()])


def published_table() -> str:
    """Active units and log-likelihood of the paper's methods: as published, and as they are here."""
    heads = ["data", "method", *(f"{name}: {where}" for name in ("active units", "log-likelihood")
                                 for where in ("paper", "here"))]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for data, methods in PUBLISHED.items():
        for side, (active, likelihood) in methods.items():
            key = {"data": data, "network": "9 layers", "side": side}
            au, ll = CELLS.mean("au", **key), CELLS.mean("ll", **key)
            lines.append(f"| {TITLES[data]} | {side} | {active} | {au:.2f} | {likelihood} | {ll:.1f} |")
    return "\n".join(lines)


def methods_table(data: str, network: str) -> str:
    heads = ["method", "encoder", "posterior", "log-likelihood", "active units", "informative of 32", "KL",
             "I(x; z) between", "collapsed seeds", "time"]  # fmt: skip
    base = [float(row["cpu_seconds"]) for row in CELLS.read(data=data, network=network, side=OURS[0])]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for side in METHODS:
        if rows := CELLS.read(data=data, network=network, side=side):
            lines.append(f"| {' | '.join([side, rows[0]['encoder'], rows[0]['posterior'], *figures(rows, base)])} |")
    return "\n".join(lines)


def figures(rows: list[dict], base: list[float]) -> list[str]:
    of = {name: [float(row[name]) for row in rows] for name in
          ("ll", "au", "informative_units", "kl", "mi_lower", "mi_upper", "cpu_seconds")}  # fmt: skip
    collapsed = sum(share < COLLAPSED for share in of["au"])
    return [
        spread(of["ll"], 1),
        f"{statistics.mean(of['au']):.2f} (least {min(of['au']):.2f})",
        f"{statistics.mean(of['informative_units']):.1f}",
        f"{statistics.mean(of['kl']):.1f}",
        f"{statistics.mean(of['mi_lower']):.1f} and {statistics.mean(of['mi_upper']):.1f}",
        f"{collapsed} of {len(rows)}",
        f"{statistics.median(of['cpu_seconds']) / statistics.median(base):.1f}" if base else "",
    ]


def clusters_table(data: str) -> str:
    heads = ["method", "encoder", "log-likelihood", "active units", "informative of 32", "KL", "I(x; y)", "accuracy",
             "clusters", "time"]  # fmt: skip
    base = [float(row["cpu_seconds"]) for row in CELLS.read(data=data, side="LIDGMVAE section")]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for side in CLUSTERS:
        if rows := CELLS.read(data=data, side=side):
            of = {name: [float(row[name]) for row in rows] for name in
                  ("ll", "au", "informative_units", "kl", "mi_y", "accuracy", "clusters", "cpu_seconds")}  # fmt: skip
            accuracy = f"{statistics.mean(of['accuracy']):.2f}" if data == "fashion" else ""
            told = [side, rows[0]["encoder"], spread(of["ll"], 1), f"{statistics.mean(of['au']):.2f}",
                    f"{statistics.mean(of['informative_units']):.1f}", f"{statistics.mean(of['kl']):.1f}",
                    f"{statistics.mean(of['mi_y']):.2f}", accuracy,
                    f"{statistics.mean(of['clusters']):.0f}",
                    f"{statistics.median(of['cpu_seconds']) / statistics.median(base):.1f}"]  # fmt: skip
            lines.append(f"| {' | '.join(told)} |")
    return "\n".join(lines)
