"""What a fitted model is follows from its mean, loadings and noise."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from sklid import IdentifiablePPCA

from .tables import planted


def test_precision_is_the_inverse_and_samples_have_the_covariance():
    model = IdentifiablePPCA(3, random_state=0).fit(planted())
    np.testing.assert_allclose(model.get_precision() @ model.get_covariance(), np.eye(8), atol=1e-10)
    np.testing.assert_allclose(np.cov(model.sample(200_000).T), model.get_covariance(), atol=0.15)


def test_attributes_follow_from_the_model():
    model = IdentifiablePPCA(3).fit(planted())
    model.model_ = model.model_._replace(mean=np.zeros(8), noise_variance=2.0)
    assert (model.noise_variance_, model.n_components_, list(model.mean_)) == (2.0, 3, [0.0] * 8)
    np.testing.assert_allclose(model.components_ * model.model_.amplitudes[:, None], model.loadings_.T)
    np.testing.assert_allclose(model.mutual_information_, 0.5 * np.log1p((model.loadings_**2).sum(0) / 2), rtol=1e-10)
    assert model.inverse_lipschitz_ == pytest.approx(np.linalg.norm(model.loadings_[:, -1]) / 2**0.5)


def test_shares_of_variance_are_those_of_pca():
    X = planted()
    np.testing.assert_allclose(
        IdentifiablePPCA(3).fit(X).explained_variance_ratio_, PCA(3).fit(X).explained_variance_ratio_, rtol=1e-8
    )


@pytest.mark.parametrize("name", ["mean_", "collapsed_components_", "explained_variance_ratio_", "inverse_lipschitz_"])
def test_there_are_no_attributes_before_a_fit(name):
    assert not hasattr(IdentifiablePPCA(), name)


def test_singular_values_are_those_of_pca():
    X = planted()
    np.testing.assert_allclose(IdentifiablePPCA(3).fit(X).singular_values_, PCA(3).fit(X).singular_values_, rtol=1e-8)


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_criteria_of_one_component_count_mean_direction_loading_and_noise():
    """A Gaussian of D features with one loading has D + D + 1 parameters, D + D where the noise is known."""
    X = planted()
    for noise, n_parameters in ((None, 17), (0.49, 16)):
        model = IdentifiablePPCA(1, noise_variance=noise).fit(X)
        total = model.score_samples(X).sum()
        assert model.aic(X) == pytest.approx(2 * n_parameters - 2 * total)
        assert model.bic(X) == pytest.approx(n_parameters * np.log(300) - 2 * total)
    assert min(range(1, 7), key=lambda k: IdentifiablePPCA(k).fit(X).bic(X)) == 3
