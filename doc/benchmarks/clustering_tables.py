"""The saved results of `clustering.py` in Markdown, and what a change of the package must not fall below."""

import statistics
from collections.abc import Iterable
from typing import NamedTuple

from cells import Cells, spread
from clustering_data import DATA

__all__ = ["MEASURES", "Bar", "bars_of", "tables_of"]

MEASURES = ("accuracy", "purity", "nmi", "ari", "mi_y", "ll", "clusters", "seconds", "cpu_seconds")
LARGEST_GAP = 0.1
"""A seed whose accuracy is further below that of its method's best seed has failed, as one has whose fit ends in an
error."""


class Bar(NamedTuple):
    """Mean accuracy, and the least information of a seed in nats."""

    accuracy: float
    information: float


def bars_of(cells: Cells, method: str) -> dict[str, Bar]:
    """The bars of a method, by data set."""
    found = {name: [saved(cells, name, method, figure) for figure in ("accuracy", "mi_y")] for name in DATA}
    return {
        name: Bar(statistics.mean(accuracy), min(information))
        for name, (accuracy, information) in found.items()
        if accuracy
    }


def tables_of(cells: Cells, methods: Iterable[str], ours: str) -> str:
    """Accuracy of every method beside every data set; then every other figure, times as shares of ours."""
    return "\n".join([*accuracies(cells, methods), "", *other_figures(cells, methods, ours)])


def saved(cells: Cells, name: str, method: str, figure: str) -> list[float]:
    """A figure of every seed that has it."""
    return [float(row[figure]) for row in cells.read(data=name, method=method) if row[figure]]


def accuracies(cells: Cells, methods: Iterable[str]) -> list[str]:
    names = [name for name in DATA if cells.read(data=name)]
    titles = [DATA[name].title for name in names]
    lines = [f"| accuracy (least) | {' | '.join(titles)} |", "|---" * (1 + len(titles)) + "|"]
    for method in methods:
        found = [saved(cells, name, method, "accuracy") for name in names]
        if any(found):
            shown = [f"{spread(values, 3)} ({min(values):.3f})" if values else "" for values in found]
            lines.append(f"| {method} | {' | '.join(shown)} |")
    return lines


def other_figures(cells: Cells, methods: Iterable[str], ours: str) -> list[str]:
    heads = ["data", "method", "purity", "NMI", "ARI", "I(x; y), nats", "least", "log-likelihood", "clusters",
             "failed", "time"]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, data in DATA.items():
        base = saved(cells, name, ours, "cpu_seconds")
        for method in methods:
            figures = {figure: saved(cells, name, method, figure) for figure in MEASURES}
            n_errors = sum(bool(row["error"]) for row in cells.read(data=name, method=method))
            if figures["accuracy"]:
                lines.append(f"| {data.title} | {method} | {' | '.join(line_of(figures, base, n_errors))} |")
            elif n_errors:
                lines.append(f"| {data.title} | {method} |{' |' * 7} {n_errors} of {n_errors} | |")
    return lines


def line_of(figures: dict[str, list[float]], base: list[float], n_errors: int) -> list[str]:
    accuracy, information, times = (figures[name] for name in ("accuracy", "mi_y", "cpu_seconds"))
    failed = n_errors + sum(value < max(accuracy) - LARGEST_GAP for value in accuracy)
    return [
        *(spread(figures[name], 2) for name in ("purity", "nmi", "ari", "mi_y")),
        f"{min(information):.2f}" if information else "",
        spread(figures["ll"], 2),
        f"{statistics.mean(figures['clusters']):.3g}",
        f"{failed} of {len(accuracy) + n_errors}",
        f"{statistics.median(times) / statistics.median(base):.2g}" if base else "",
    ]
