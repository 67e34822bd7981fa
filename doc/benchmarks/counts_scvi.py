"""SCVI of scvi-tools on the counts of `data_counts.py`, for a Python that has scvi-tools: prints figures as JSON.

python doc/benchmarks/counts_scvi.py '{"seed": 0, "max_epochs": 100, "lr": 0.001}'
"""

import json
import logging
import sys
import time
import warnings

import numpy as np
import torch
from counts_data import accuracy, ari, bladder

WIDTH, DEPTH, N_LATENT, N_DRAWS, WARMUP = 256, 2, 10, 100, 400


def main(told: dict) -> dict:
    """Fit, score and embed; the seconds are those of the process in `train`."""
    import anndata
    import scvi

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    scvi.settings.seed = told["seed"]
    split = bladder(told["seed"], told.get("n_genes", 2_000))
    train, test = (anndata.AnnData(X.copy()) for X in (split.X, split.X_test))
    scvi.model.SCVI.setup_anndata(train)
    sizes = {"n_hidden": WIDTH, "n_layers": DEPTH, "n_latent": N_LATENT}
    model = scvi.model.SCVI(train, gene_likelihood="nb", dispersion="gene", **sizes)
    plan = {"lr": told["lr"], "n_epochs_kl_warmup": min(WARMUP, told["max_epochs"])}
    start = time.process_time()
    model.train(
        max_epochs=told["max_epochs"], accelerator="cpu", train_size=1.0, plan_kwargs=plan, enable_progress_bar=False,
        logger=False,
    )  # fmt: skip
    seconds = time.process_time() - start
    test = model._validate_anndata(test)
    ll = model.get_marginal_ll(test, n_mc_samples=N_DRAWS, return_mean=False)
    ll = ll["marginal_ll"] if isinstance(ll, dict) else ll
    Z, Z_test = (model.get_latent_representation(data) for data in (train, test))
    return {
        "ll": float(np.mean(np.asarray(ll))),
        "accuracy": accuracy(Z, split.y, Z_test, split.y_test),
        "ari": ari(Z_test, split.y_test),
        "cpu_seconds": seconds,
        "version": scvi.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
