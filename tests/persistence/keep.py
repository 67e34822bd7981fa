"""Writes small files of this release, and what their models answer: ``PYTHONPATH=tests python -m persistence.keep``.

Files that are there stay as they are: later releases have to read them, and give these answers.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

import sklid
from sklid import LIDSVAE, LIDVAE, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering, LIDVAEImputer, baselines

FILES = Path(__file__).with_name("files")
N_ROWS = 4
QUESTIONS = ("transform", "predict", "predict_proba", "score_samples", "sample")

rng = np.random.default_rng(0)
X = (rng.standard_normal((30, 2)) + 3 * rng.integers(0, 2, (30, 1))) @ rng.standard_normal((2, 4))
X = (X + 0.3 * rng.standard_normal(X.shape)).round(3)
GAPS = np.where(rng.random(X.shape) < 0.1, np.nan, X)
COUNTS = rng.poisson(np.exp(X / 4)).astype(float)
COLUMNS = {
    "length": X[:, 0].tolist(),
    "colour": ["red" if value > 0 else "blue" for value in X[:, 1]],
    "count": [int(value) for value in X[:, 2] > 0],
    "grade": [int(value) % 3 for value in COUNTS[:, 0]],
}
TEXTS = [f"the {animal} sees the {thing} ." for animal in ("cat", "dog") for thing in ("sun", "sea")] * 3

TORCH = {"0.1.0": "2.13"}
"""The torch with which the files of a release were written; from a seed others draw other words and categories."""

FAST = {"max_epochs": 2, "n_importance_samples": 3, "random_state": 0}
SMALL = {"n_components": 2, "decoder_width": 4, "encoder_width": 4, "decoder_depth": 1, "encoder_depth": 1, **FAST}
WORDS = {"n_components": 2, "hidden_size": 3, "embedding_size": 2, **FAST}
MADE = {
    "LIDVAE": (LIDVAE(maps=1, **SMALL), X),
    "LIDVAE-paper": (LIDVAE(decoder="brenier", **SMALL), X),
    "LIDVAE-gaps": (LIDVAE(maps=1, noise="feature", **SMALL), GAPS),
    "LIDVAE-counts": (LIDVAE(maps=1, likelihood="zero_inflated_negative_binomial", **SMALL), COUNTS),
    "LIDVAE-frame": (LIDVAE(maps=1, likelihood={"grade": "ordinal"}, **SMALL), COLUMNS),
    "LIDGMVAEClustering": (LIDGMVAEClustering(k=2, maps=1, **SMALL), X),
    "LIDGMVAEClustering-joint": (LIDGMVAEClustering(k=2, maps=1, inference="joint", **SMALL), X),
    "LIDMVAEClustering": (LIDMVAEClustering(k=2, maps=1, family="student_t", covariance_type="diag", **SMALL), X),
    "LIDSVAE": (LIDSVAE(maps=1, **WORDS), TEXTS),
    "IdentifiablePPCA": (IdentifiablePPCA(2, random_state=0), X),
    "IdentifiablePPCA-gradient": (IdentifiablePPCA(2, solver="gradient", random_state=0), X),
    "IdentifiablePPCA-feature": (IdentifiablePPCA(1, noise="feature", random_state=0), X),
    "LIDVAEImputer": (LIDVAEImputer("linear", random_state=0), GAPS),
    "Pipeline": (make_pipeline(QuantileTransformer(n_quantiles=5), LIDVAE(maps=1, **SMALL)), X),
    "BNVAE": (baselines.BNVAE(**SMALL), X),
    "GMVAE": (baselines.GMVAE(k=2, **SMALL), X),
    "SequentialVAE": (baselines.SequentialVAE(**WORDS), TEXTS),
}


def table(rows):
    """Rows as JSON has them, as an estimator takes them."""
    if isinstance(rows, dict):
        return pd.DataFrame(rows)
    return rows if isinstance(rows[0], str) else np.array(rows, dtype=float)


def answers(model, rows):
    """What a model says of rows, and what it draws, as JSON has it."""
    found = {}
    for name in QUESTIONS:
        if hasattr(model, name):
            value = getattr(model, name)(2 if name == "sample" else rows)
            found[name] = plain(value)
    return found


def plain(value):
    """As JSON has it."""
    if isinstance(value, tuple):
        return list(map(plain, value))
    return value.tolist() if isinstance(value, np.ndarray) else value


def main():
    for name, (model, rows) in MADE.items():
        path = FILES / f"{sklid.__version__}-{name}.sklid"
        if path.exists():
            continue
        model.fit(table(rows))
        sklid.save(model, path)
        shown = {key: values[:N_ROWS] for key, values in rows.items()} if isinstance(rows, dict) else rows[:N_ROWS]
        asked = shown.tolist() if isinstance(shown, np.ndarray) else shown
        kept = {"rows": asked, "answers": answers(model, table(asked))}
        path.with_suffix(".json").write_text(json.dumps(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
