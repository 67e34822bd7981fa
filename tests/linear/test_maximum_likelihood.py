"""Every solver reaches the maximum of the likelihood, which has a closed form."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA

from sklid import CollapseWarning, IdentifiablePPCA

from .tables import planted, rows_with_covariance, with_gaps

SOLVERS = ("eig", "em", "gradient")
SINGULAR_VALUES = np.array([4.372, 3.036])
quiet = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


@pytest.mark.parametrize("rows", [planted(), planted(60, 100), load_iris().data], ids=["tall", "wide", "iris"])
@pytest.mark.parametrize("solver", ["em", "gradient"])
def test_every_solver_finds_the_closed_form(solver, rows):
    closed = IdentifiablePPCA(2, solver="eig").fit(rows)
    found = IdentifiablePPCA(2, solver=solver, random_state=0).fit(rows)
    error = np.linalg.norm(found.loadings_ - closed.loadings_, axis=0) / np.linalg.norm(closed.loadings_, axis=0)
    assert error.max() < 1e-3
    assert found.score(rows) == pytest.approx(closed.score(rows), abs=1e-4)


@quiet
@pytest.mark.parametrize("n_components", [1, 2, 3, 4])
def test_score_is_that_of_pca_of_the_same_rank(n_components):
    X = load_iris().data
    assert IdentifiablePPCA(n_components).fit(X).score(X) == pytest.approx(PCA(n_components).fit(X).score(X), rel=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("noise", "information", "floor"),
    [
        (0.1, 7.19, 6.83),
        (0.2, 5.81, 5.44),
        (0.5, 3.99, 3.63),
        (1, 2.66, 2.32),
        (1.5, 1.94, 1.63),
        (2, 1.48, 1.20),
        (5, 0.441, 0.31),
        (10, 0.132, 0.09),
    ],
)
def test_information_at_known_noise_is_that_of_the_closed_form(solver, noise, information, floor):
    W = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 2)))[0] * SINGULAR_VALUES
    X = rows_with_covariance(W @ W.T + noise**2 * np.eye(5))
    model = IdentifiablePPCA(2, solver=solver, noise_variance=noise**2, random_state=0).fit(X)
    assert model.mutual_information_.sum() == pytest.approx(information, abs=1e-2)
    assert model.mutual_information_lower_bound_ == pytest.approx(floor, abs=1e-2)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_loading_is_zero_exactly_when_known_noise_reaches_its_variance(solver):
    X = planted()
    second = PCA(2).fit(X).explained_variance_[1]
    alive = IdentifiablePPCA(2, solver=solver, noise_variance=0.9 * second, random_state=0).fit(X)
    assert alive.n_identifiable_ == 2
    assert alive.kl_[1] > 0.01
    with pytest.warns(CollapseWarning, match="1 of 2 components are noise"):
        dead = IdentifiablePPCA(2, solver=solver, noise_variance=1.1 * second, random_state=0).fit(X)
    assert (dead.n_identifiable_, dead.kl_[1], list(dead.collapsed_components_)) == (1, 0.0, [1])
    np.testing.assert_array_equal(dead.transform(X)[:, 1], 0)


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_odd_tables_get_the_right_answer(solver):
    X = planted()
    as_many = IdentifiablePPCA(8, solver=solver, random_state=0).fit(X)
    np.testing.assert_allclose(as_many.get_covariance(), np.cov(X.T), atol=1e-2)
    constant = IdentifiablePPCA(3, solver=solver, random_state=0).fit(np.column_stack([X, np.full(300, 3.0)]))
    assert np.abs(constant.loadings_[-1]).max() < 1e-6


NOISELESS = {
    "few rows": np.random.default_rng(0).standard_normal((10, 50)),
    "shares": np.random.default_rng(0).dirichlet(np.ones(20), 500),
    "one-hot": np.eye(20)[np.random.default_rng(0).integers(0, 20, 500)],
    "a constant": np.c_[np.random.default_rng(0).standard_normal((200, 19)), np.ones(200)],
}


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", NOISELESS)
def test_without_noise_the_rows_are_reconstructed(name, solver):
    X = NOISELESS[name]
    rank = np.linalg.matrix_rank(X - X.mean(0))
    model = IdentifiablePPCA(rank, solver=solver, random_state=0).fit(X)
    np.testing.assert_allclose(model.predict(X), X, atol=1e-5)
    assert model.score(X) > IdentifiablePPCA(rank - 1).fit(X).score(X)


@quiet
def test_without_noise_gaps_are_filled_exactly():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 6))
    model = IdentifiablePPCA(2).fit(with_gaps(X, 0.1))
    np.testing.assert_allclose(model.predict(with_gaps(X, 0.1)), X, atol=1e-6)


@quiet
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_share_of_the_variance_keeps_as_many_components_as_pca_does(share, monkeypatch):
    X = planted()
    right = PCA(share).fit(X).n_components_
    assert IdentifiablePPCA(share).fit(X).n_components_ == right
    gaps = IdentifiablePPCA(share).fit(with_gaps(X, 0.02))
    assert gaps.explained_variance_ratio_.sum() > share
    assert right <= gaps.n_components_ <= right + 1
    wide = planted(60, 80)
    monkeypatch.setattr("sklid.linear.covariance.LARGEST_MATRIX", 50)
    monkeypatch.setattr("sklid.linear.covariance.FIRST_LEADING", 2)
    assert IdentifiablePPCA(share, random_state=0).fit(wide).n_components_ == PCA(share).fit(wide).n_components_


@quiet
@pytest.mark.parametrize(("rows", "right"), [(planted(), 8), (planted(6), 5)])
def test_no_number_of_components_is_the_most_that_the_rows_allow(rows, right):
    assert IdentifiablePPCA(None).fit(rows).n_components_ == right
