"""Deeper decoders collapse more, unless latents are kept: active units and log-likelihood against depth.

The results are those of the saved benchmark on Fashion-MNIST.

`DepthCurveDisplay.from_estimator` draws the same from a fitted `GridSearchCV` over ``decoder_depth`` with the scorers
of `sklid.metrics`.

    python doc/examples/plot_depth_curve.py
"""

import csv
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure

from sklid.plots import DepthCurveDisplay

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "depth.csv"


def main() -> Figure:
    with RESULTS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    figure = Figure(figsize=(10, 4), layout="constrained")
    for ax, (column, metric) in zip(
        figure.subplots(1, 2), {"au": "active units (share)", "ll": "test log-likelihood (nats)"}.items(), strict=True
    ):
        values: dict = defaultdict(lambda: defaultdict(list))
        for row in rows:
            values[row["method"]][int(row["depth"])].append(float(row[column]))
        DepthCurveDisplay.from_predictions(values, metric).plot(ax)
    return figure


if __name__ == "__main__":
    main().savefig("plot_depth_curve.png", dpi=150)
