"""A user's script for the type checker: what public names take and give. `test_typing` checks it; nothing runs it."""

from typing import assert_type

import numpy as np
from numpy.typing import NDArray
from torch.distributions import Distribution

from sklid import LIDVAE, IdentifiablePPCA, LIDGMVAEClustering
from sklid.metrics import CollapseReport, Divergence, collapse_report, kl_divergence


def use(X: NDArray[np.float64]) -> None:
    model = assert_type(LIDVAE(n_components=2, random_state=0).fit(X), LIDVAE)
    assert_type(model.transform(X), NDArray[np.float32])
    assert_type(model.score(X), float)
    assert_type(model.encode(X), Distribution)
    assert_type(model.invert(X), NDArray[np.float64])
    clusters = assert_type(LIDGMVAEClustering(k=2).fit(X), LIDGMVAEClustering)
    assert_type(clusters.predict(X), NDArray[np.int64])
    assert_type(clusters.predict_proba(X), NDArray[np.float64])
    assert_type(IdentifiablePPCA().fit(X), IdentifiablePPCA)
    assert_type(kl_divergence(model, X), Divergence)
    assert_type(collapse_report(model, X), CollapseReport)
    assert_type(collapse_report(model, X).verdict, str)
    LIDVAE(n_components="two")  # type: ignore[arg-type]
    str(collapse_report(model, X).verdikt)  # type: ignore[attr-defined]
