"""Agreement of latents: 1 and 0 where it must be, the known correlations between, and the same from either side."""

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA

from sklid.metrics import latent_agreement

every_alignment = pytest.mark.parametrize("alignment", ["affine", "permutation"])
CORRELATIONS = np.array([0.9, 0.6, 0.3])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def correlated(n_rows):
    """Independent latents and noisy copies with the correlations above."""
    Z = normal(n_rows, 3)
    return Z, CORRELATIONS * Z + np.sqrt(1 - CORRELATIONS**2) * normal(n_rows, 3, seed=1)


def test_affine_maps_of_the_same_latents_agree_wholly():
    Z = normal(200, 4)
    found = latent_agreement(Z, Z @ normal(4, 4, seed=1) * [1e-4, 1.0, 10.0, 1e4] + 5.0)
    assert found.value == pytest.approx(1)
    assert found.standard_error == pytest.approx(0, abs=1e-8)


def test_permuted_and_reflected_latents_agree_wholly_without_an_affine_map():
    Z = normal(200, 3)
    found = latent_agreement(Z, Z[:, [2, 0, 1]] * [-3.0, 1.0, -0.1] + 5.0, alignment="permutation")
    assert found.per_dimension == pytest.approx(np.ones(3))


def test_a_rotation_by_an_eighth_of_a_turn_agrees_wholly_up_to_affine_maps_and_by_its_cosine_up_to_permutations():
    Z = normal(20_000, 2)
    turned = Z @ np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    assert latent_agreement(Z, turned).value == pytest.approx(1)
    assert latent_agreement(Z, turned, alignment="permutation").value == pytest.approx(np.sqrt(0.5), abs=0.01)


@every_alignment
def test_independent_latents_agree_by_nothing_on_average_though_few_rows_can_be_aligned_well(alignment):
    values = [latent_agreement(*normal(2, 60, 8, seed=seed), alignment=alignment).value for seed in range(40)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(40)
    aligned_on_all = CCA(8, scale=False).fit_transform(*normal(2, 60, 8))
    assert (
        np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(*np.transpose(aligned_on_all, (0, 2, 1)), strict=True)])
        > 0.25
    )


@every_alignment
def test_noisy_copies_agree_by_the_correlations_that_they_were_given(alignment):
    Z, copies = correlated(20_000)
    other = copies @ normal(3, 3, seed=2) if alignment == "affine" else -copies[:, [1, 2, 0]]
    found = latent_agreement(Z, other, alignment=alignment)
    assert found.per_dimension == pytest.approx(CORRELATIONS, abs=0.02)
    assert found.value == pytest.approx(CORRELATIONS.mean(), abs=4 * found.standard_error)


def test_correlations_are_in_the_order_of_the_smaller_table():
    Z, copies = correlated(2_000)
    more = np.column_stack([normal(2_000, seed=2), copies[:, [1, 2, 0]]])
    for pair in ((Z, more), (more, Z)):
        assert latent_agreement(*pair, alignment="permutation").per_dimension == pytest.approx(CORRELATIONS, abs=0.06)


def test_standard_error_is_the_spread_over_tables_of_rows():
    found = [
        latent_agreement(*tables)
        for tables in zip(*(np.split(table, 100) for table in correlated(50_000)), strict=True)
    ]
    spread = np.std([agreement.value for agreement in found])
    assert np.mean([agreement.standard_error for agreement in found]) == pytest.approx(spread, rel=0.2)


@every_alignment
@pytest.mark.parametrize("n_others", [2, 3, 5])
def test_it_does_not_matter_which_latents_come_first(alignment, n_others):
    Z, other = normal(100, 3), normal(100, n_others, seed=1)
    other[:, :2] += Z[:, :2]
    one, two = (latent_agreement(*pair, alignment=alignment) for pair in ((Z, other), (other, Z)))
    assert one.value == pytest.approx(two.value)
    assert sorted(one.per_dimension) == pytest.approx(sorted(two.per_dimension))
    assert one.standard_error == pytest.approx(two.standard_error)


@every_alignment
def test_latents_that_do_not_vary_agree_with_nothing(alignment):
    Z = normal(100, 3)
    Z[:, 1] = 0.1 + 1e-8 * Z[:, 1]
    assert latent_agreement(Z, Z, alignment=alignment).value == pytest.approx(2 / 3)
    assert latent_agreement(Z, np.full((100, 3), 0.1), alignment=alignment).value == 0


def test_rows_need_not_be_in_random_order():
    Z, other = correlated(2_000)
    order = np.argsort(Z[:, 0])
    shuffled, ordered = latent_agreement(Z, other), latent_agreement(Z[order], other[order])
    assert ordered.value == pytest.approx(shuffled.value, abs=0.01)


def test_tables_of_other_rows_too_few_rows_and_unknown_alignments_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        latent_agreement(normal(20, 2), normal(21, 2))
    with pytest.raises(ValueError, match="minimum of 10 is required"):
        latent_agreement(normal(9, 2), normal(9, 2))
    with pytest.raises(ValueError, match="'alignment' parameter"):
        latent_agreement(normal(20, 2), normal(20, 2), alignment="rotation")
