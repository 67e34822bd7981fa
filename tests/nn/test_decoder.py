"""The injective decoder keeps distances, for every value of its parameters, and has a left inverse."""

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklid.nn import InjectiveDecoder, OrthogonalEmbedding, PlainDecoder, SectionDecoder
from sklid.nn.principal import probabilistic_pca

every_decoder = pytest.mark.parametrize(
    ("K", "D", "options"),
    [
        (1, 1, {}),
        (1, 3, {}),
        (3, 5, {"depth": 4}),
        (3, 5, {"inverse_lipschitz": 0.2, "skip_connections": True}),
        (3, 5, {"inverse_lipschitz": 3.0, "embedding": "identity"}),
        (3, 5, {"maps": 1, "activation": "leaky_relu"}),
    ],
)


def decoder_of(K, D, options, scale=1.0):
    f = InjectiveDecoder(K, D, width=16, **options).double()
    for parameter in f.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    return f


@every_decoder
@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
@pytest.mark.parametrize("gain", [0.1, 10.0])
def test_distances_never_shrink_below_the_inverse_lipschitz_constant(K, D, options, scale, gain):
    f = decoder_of(K, D, options, scale)
    z = torch.randn(500, K, dtype=torch.float64)
    other = z + torch.randn_like(z) * torch.logspace(-3, 1, 500, dtype=torch.float64)[:, None]
    ratio = (f(z, gain) - f(other, gain)).norm(dim=-1) / (z - other).norm(dim=-1)
    assert ratio.min() >= f.inverse_lipschitz * (1 - 1e-6)


@every_decoder
def test_left_inverse_undoes_the_decoder(K, D, options):
    if options.get("activation") == "leaky_relu":
        options = {**options, "activation": "softplus"}
    f = decoder_of(K, D, options)
    z = torch.randn(20, K, dtype=torch.float64)
    torch.testing.assert_close(f.inverse(f(z, 0.5), 0.5, tol=1e-9), z, rtol=0, atol=1e-6)


def test_left_inverse_is_lipschitz_off_the_range_too():
    f = decoder_of(2, 5, {"inverse_lipschitz": 0.5})
    x, y = torch.randn(2, 20, 5, dtype=torch.float64)
    ratio = (f.inverse(x) - f.inverse(y)).norm(dim=-1) / (x - y).norm(dim=-1)
    assert ratio.max() <= 1 / 0.5


def test_embedding_has_orthonormal_rows_that_span_the_columns():
    embedding = OrthogonalEmbedding(3, 7).double()
    torch.nn.init.normal_(embedding.columns)
    rows = embedding()
    torch.testing.assert_close(rows @ rows.mT, torch.eye(3, dtype=torch.float64))
    projected = embedding.columns.mT @ rows.mT @ rows
    torch.testing.assert_close(projected, embedding.columns.mT)


@pytest.mark.parametrize("inverse_lipschitz", [0.1, 1.0, 2.5])
def test_initial_map_is_near_the_linear_one_asked_for(inverse_lipschitz):
    torch.manual_seed(0)
    f = InjectiveDecoder(2, 10, width=64, depth=2, inverse_lipschitz=inverse_lipschitz).double()
    directions = torch.linalg.qr(torch.randn(10, 2, dtype=torch.float64)).Q.mT
    mean, amplitudes = torch.randn(10, dtype=torch.float64), torch.tensor([6.0, 4.0], dtype=torch.float64)
    f.initialise(mean, directions, amplitudes, 2.0)
    torch.testing.assert_close(f(torch.zeros(2, dtype=torch.float64), 2.0), mean)
    z = torch.randn(200, 2, dtype=torch.float64) / 2
    wanted = z * amplitudes
    found = (f(z, 2.0) - mean) @ directions.mT
    assert (found - wanted).norm() < 0.5 * wanted.norm()
    assert 0.75 < (found * wanted).sum() / wanted.square().sum() < 1.25


@pytest.mark.parametrize("f", [InjectiveDecoder, SectionDecoder])
def test_units_that_bend_nowhere_near_the_origin_start_finite(f):
    """Of three leaky ReLUs often none has its kink where slopes are measured."""
    for seed in range(20):
        torch.manual_seed(seed)
        decoder = f(2, 4, width=3, activation="leaky_relu")
        decoder.initialise(torch.zeros(4), torch.eye(2, 4), torch.tensor([5.0, 2.0]), gain=3.0)
        assert torch.isfinite(decoder(torch.randn(10, 2), 3.0)).all()


def test_probabilistic_pca_is_probabilistic_pca():
    rows = torch.randn(500, 4, dtype=torch.float64) @ torch.diag(
        torch.tensor([5.0, 3.0, 1.0, 1.0], dtype=torch.float64)
    )
    start, pca = probabilistic_pca(rows, 2), PCA(2).fit(rows.numpy())
    torch.testing.assert_close(
        (start.directions @ torch.from_numpy(pca.components_).mT).abs(), torch.eye(2, dtype=torch.float64)
    )
    noise = pca.noise_variance_ * 499 / 500
    assert start.noise**2 == pytest.approx(noise)
    expected = torch.from_numpy(pca.explained_variance_) * 499 / 500 / noise - 1
    torch.testing.assert_close(start.amplitudes, expected.sqrt())


def test_probabilistic_pca_spans_the_principal_directions_of_images():
    rows = torch.from_numpy(load_digits().data).float()
    start, pca = probabilistic_pca(rows, 10), PCA(10).fit(rows.numpy())
    cosines = torch.linalg.svdvals(start.directions @ torch.from_numpy(pca.components_).float().mT)
    assert cosines.min() > 0.999


@pytest.mark.parametrize("decades", [2, 4, 6, 7])
def test_embedding_has_orthonormal_rows_in_single_precision_however_near_its_columns_are_to_each_other(decades):
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(n, 5, generator=generator)).Q for n in (20, 5))
    embedding = OrthogonalEmbedding(5, 20)
    with torch.no_grad():
        embedding.columns.copy_(left * torch.logspace(0, -decades, 5) @ right)
    rows = embedding()
    torch.testing.assert_close(rows @ rows.mT, torch.eye(5), rtol=0, atol=1e-5)


def test_embedding_is_that_of_the_cholesky_factor():
    embedding = OrthogonalEmbedding(3, 7).double()
    with torch.no_grad():
        embedding.columns.copy_(torch.randn(7, 3, generator=torch.Generator().manual_seed(1)))
    V = embedding.columns
    expected = torch.linalg.inv(torch.linalg.cholesky(V.mT @ V)) @ V.mT
    torch.testing.assert_close(embedding(), expected)


def test_single_precision_keeps_the_plane_of_a_section_where_the_noise_is_small():
    torch.manual_seed(0)
    f = SectionDecoder(3, 50, width=32)
    z, gain = torch.randn(200, 3), torch.tensor(1000.0)
    with torch.no_grad():
        f.embedding.columns.copy_(torch.randn(50, 3) @ torch.tensor([[1.0, 1, 1], [0, 1e-3, 0], [0, 0, 1e-3]]))
        eta = f(z, gain)
        deviation = (eta @ f.embedding().mT - f.plane(z, gain)).abs().max()
    assert deviation < 1e-6 * eta.abs().max()


def test_probabilistic_pca_of_wide_rows_gives_orthonormal_directions():
    start = probabilistic_pca(torch.randn(3, 1500), 5)
    torch.testing.assert_close(start.directions @ start.directions.mT, torch.eye(5))


def test_more_latents_than_parameters_are_refused():
    with pytest.raises(ValueError, match="cannot shrink.*Lower n_components to at most 3"):
        InjectiveDecoder(4, 3)


def test_plain_decoder_starts_at_the_mean():
    f = PlainDecoder(2, 3, width=8)
    mean = torch.tensor([1.0, 2.0, 3.0])
    f.initialise(mean, torch.zeros(2, 3), torch.zeros(2), 4.0)
    torch.testing.assert_close(f(torch.zeros(2), 4.0), mean)


def test_tapered_decoder_is_injective_with_its_constant_and_has_narrow_upper_layers():
    f = InjectiveDecoder(2, 7, depth=3, width=160, inverse_lipschitz=0.5, potential="tapered").double()
    assert [len(bias) for bias in f.outer.potential.biases] == [160, 20, 20]
    z, other = torch.randn(2, 200, 2, dtype=torch.float64)
    assert ((f(z) - f(other)).norm(dim=-1) >= 0.5 * (z - other).norm(dim=-1) - 1e-9).all()
    torch.testing.assert_close(f.inverse(f(z)), z, atol=1e-5, rtol=0)
