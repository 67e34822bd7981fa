"""What a fitted model is follows from its mean, loadings and noise."""

import numpy as np

from sklid import IdentifiablePPCA

from .tables import planted


def test_precision_is_the_inverse_and_samples_have_the_covariance():
    model = IdentifiablePPCA(3, random_state=0).fit(planted())
    np.testing.assert_allclose(model.get_precision() @ model.get_covariance(), np.eye(8), atol=1e-10)
    np.testing.assert_allclose(np.cov(model.sample(200_000).T), model.get_covariance(), atol=0.15)
