"""
Collapse and the depth of the decoder
=====================================

Deeper decoders collapse more, unless latents are kept: active units and log-likelihood against depth. The results are
those of the saved benchmark on Fashion-MNIST.
"""

import csv
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt

from sklid.plots import DepthCurveDisplay

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
with (here.parent / "benchmarks/results/depth.csv").open(newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["split"] == "test"]

# %%
# `DepthCurveDisplay.from_estimator` draws the same from a fitted ``GridSearchCV`` over ``decoder_depth`` with the
# scorers of `sklid.metrics`.

metrics = {"au": "active units (share)", "ll": "test log-likelihood (nats)"}
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, (column, metric) in zip(axes, metrics.items(), strict=True):
    values: dict = defaultdict(lambda: defaultdict(list))
    for row in rows:
        values[row["method"]][int(row["depth"])].append(float(row[column]))
    DepthCurveDisplay.from_predictions(values, metric).plot(ax)
plt.show()
