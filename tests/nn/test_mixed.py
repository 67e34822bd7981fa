"""A mixed likelihood is the product of its parts, column by column."""

import copy
import pickle

import pytest
import torch

from sklid.nn import (
    LIKELIHOODS,
    BernoulliLikelihood,
    CategoricalLikelihood,
    ColumnProduct,
    GaussianLikelihood,
    GaussianPosterior,
    LatentVariableModel,
    MixedLikelihood,
    PoissonLikelihood,
    SectionDecoder,
    StandardNormal,
)

FAMILIES = ["gaussian", "categorical", "poisson", "gaussian", "log_normal", "ordinal", "categorical", "bernoulli"]
N_CODES = 4


def rows(n_rows=40):
    """A table of one column for each of FAMILIES, all codes in it."""
    codes = torch.arange(n_rows)[:, None] % N_CODES
    return torch.cat(
        [
            torch.randn(n_rows, 1),
            codes,
            torch.poisson(torch.full((n_rows, 1), 3.0)),
            torch.randn(n_rows, 1),
            torch.randn(n_rows, 1).exp(),
            codes.flip(0),
            (codes + 1) % N_CODES,
            codes > 1,
        ],
        dim=1,
    ).double()


@pytest.fixture
def x():
    return rows()


@pytest.fixture
def mixed(x):
    likelihood = MixedLikelihood.from_families([x], FAMILIES).double()
    for parameter in likelihood.parameters():
        torch.nn.init.normal_(parameter)
    return likelihood


def eta_of(mixed, *shape):
    return torch.randn(*shape, mixed.n_parameters, dtype=torch.float64)


def part_of(mixed, name):
    """A part, its columns and its natural parameters."""
    start = 0
    for part, columns in zip(mixed.parts, groups_of(FAMILIES), strict=True):
        if part.name == name:
            return part, columns, slice(start, start + part.n_parameters)
        start += part.n_parameters
    raise KeyError(name)


def groups_of(families):
    return [[j for j, family in enumerate(families) if family == name] for name in dict.fromkeys(families)]


parts = pytest.mark.parametrize("name", list(dict.fromkeys(FAMILIES)))


def test_columns_of_one_family_are_one_part_and_parameters_stand_part_after_part(mixed):
    assert [part.name for part in mixed.parts] == list(dict.fromkeys(FAMILIES))
    expected = [0, 3, *[1] * 3, *[6] * 3, 2, 4, 5, 7]
    assert mixed.columns.tolist() == expected
    assert mixed.n_parameters == len(expected)
    assert mixed.n_features == len(FAMILIES)


@parts
def test_each_part_answers_for_its_own_columns(mixed, x, name):
    part, columns, own = part_of(mixed, name)
    eta = eta_of(mixed, 40)
    torch.testing.assert_close(
        mixed.column_log_probs(eta, x)[:, columns], part.column_log_probs(eta[:, own], x[:, columns])
    )
    torch.testing.assert_close(mixed.mean(eta)[:, columns], part.mean(eta[:, own]))
    torch.testing.assert_close(mixed.inputs(x)[:, own], part.inputs(x[:, columns]))
    torch.testing.assert_close(mixed.link(x)[:, own], part.link(part.moments(x[:, columns])))
    exact, of_mean = part.exact_link(part.moments(x[:, columns])), part.parameters_of_mean(x[:, columns])
    torch.testing.assert_close(mixed.exact_link(x)[:, own], exact, equal_nan=True)
    torch.testing.assert_close(mixed.parameters_of_mean(x)[:, own], of_mean, equal_nan=True)
    torch.testing.assert_close(mixed.mean_parameters(x)[own], part.mean_parameters(x[:, columns]))
    torch.testing.assert_close(mixed(eta).variance[:, columns], part(eta[:, own]).variance, equal_nan=True)
    torch.testing.assert_close(mixed(eta).mean[:, columns], part(eta[:, own]).mean, equal_nan=True)


def test_log_density_of_a_row_is_the_sum_of_its_columns(mixed, x):
    eta = eta_of(mixed, 5, 40)
    torch.testing.assert_close(mixed(eta).log_prob(x), mixed.column_log_probs(eta, x).sum(-1))
    assert mixed(eta).batch_shape == (5, 40)
    assert mixed(eta).event_shape == (8,)


def test_a_change_of_one_parameter_moves_its_own_column_alone(mixed, x):
    eta = eta_of(mixed)
    jacobian = torch.autograd.functional.jacobian(lambda point: mixed.column_log_probs(point, x[0]), eta)
    for parameter, column in enumerate(mixed.columns.tolist()):
        moved = jacobian[:, parameter].nonzero().squeeze(-1).tolist()
        assert moved == [column]


def test_slope_of_the_expected_statistic_is_that_of_the_parts(mixed):
    eta = eta_of(mixed)
    slope = torch.autograd.functional.jacobian(mixed.expected_statistic, eta)
    blocks = [
        torch.autograd.functional.jacobian(part_of(mixed, name)[0].expected_statistic, eta[part_of(mixed, name)[2]])
        for name in dict.fromkeys(FAMILIES)
    ]
    torch.testing.assert_close(slope, torch.block_diag(*blocks))


def test_draws_are_in_the_support_of_each_column_and_have_its_mean(mixed):
    torch.manual_seed(0)
    eta = eta_of(mixed)
    drawn = mixed(eta).sample((20_000,))
    assert drawn.shape == (20_000, 8)
    assert drawn.dtype == torch.float64
    assert mixed.support.constraint.check(drawn).all()
    for name in ("gaussian", "poisson", "bernoulli"):
        _, columns, _ = part_of(mixed, name)
        error = (mixed(eta).variance[columns] / len(drawn)).sqrt()
        assert ((drawn.mean(0) - mixed.mean(eta))[columns].abs() < 5 * error).all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (1, 4.0, "the codes 0 to 3 seen in fit"),
        (2, 0.5, "the non-negative whole numbers"),
        (4, 0.0, "the positive numbers"),
        (7, 1.5, r"[0, 1]"),
    ],
)
def test_support_checks_and_names_each_column(mixed, x, column, value, words):
    assert mixed.support.constraint.check(x).all()
    x[3, column] = value
    wrong = ~mixed.support.constraint.check(x)
    assert wrong.nonzero().tolist() == [[3, column]]
    assert words in mixed.support.describe(column)


def test_fillers_are_in_the_support(mixed):
    assert mixed.filler.shape == (8,)
    assert mixed.support.constraint.check(mixed.filler).all()


def test_values_that_were_not_seen_count_for_nothing(x):
    gaps = torch.rand(len(x), 8) > 0.6
    stacked = torch.cat([x, torch.full_like(x, torch.nan)])[torch.randperm(80)]
    whole = MixedLikelihood.from_families([x], FAMILIES)
    for blocks in (stacked.split(13), iter(stacked.split(13))):
        with_gaps = MixedLikelihood.from_families(blocks, FAMILIES)
        for one, other in zip(whole.state_dict().values(), with_gaps.state_dict().values(), strict=True):
            torch.testing.assert_close(one, other)
    filled = torch.where(gaps, whole.filler.double(), x)
    found = whole.double().mean_parameters(filled, ~gaps)
    for column in range(8):
        alone = whole.mean_parameters(x[~gaps[:, column]])
        own = whole.columns == column
        torch.testing.assert_close(found[own], alone[own])


def test_noise_by_feature_is_for_the_parts_that_have_noise(x):
    mixed = MixedLikelihood.from_families([x], FAMILIES, noise="feature")
    assert mixed.parts[0].noise().shape == (2,)
    mixed.initialise(0.25)
    torch.testing.assert_close(mixed.parts[0].noise(), torch.full((2,), 0.25))


def test_parameters_in_units_of_noise_are_those_of_gaussian_and_log_normal_columns(mixed):
    assert [FAMILIES[column] for column in mixed.columns[mixed.noise_unit_parameters].tolist()] == [
        "gaussian",
        "gaussian",
        "log_normal",
    ]
    assert not mixed.noise_units
    assert mixed.gain() == 1.0
    beside_counts = MixedLikelihood.from_families([torch.ones(4, 2)], ["negative_binomial", "gaussian"])
    assert beside_counts.noise_unit_parameters.tolist() == [1]


def test_slopes_at_the_start_are_bounded_where_a_part_bounds_them():
    amplitudes = torch.tensor([30.0, 0.1])
    alone = MixedLikelihood([(GaussianLikelihood(2), [0, 1])], 2)
    torch.testing.assert_close(alone.slopes(amplitudes), amplitudes)
    beside = MixedLikelihood([(GaussianLikelihood(2), [0, 1]), (BernoulliLikelihood(2), [2, 3])], 4)
    torch.testing.assert_close(beside.slopes(amplitudes), BernoulliLikelihood(4).slopes(amplitudes))


def test_distributions_copy_pickle_expand_and_run_without_gradients(mixed, x):
    likelihood = pickle.loads(pickle.dumps(copy.deepcopy(mixed)))
    for mode in (torch.inference_mode, torch.no_grad):
        with mode():
            p = likelihood(torch.zeros(40, mixed.n_parameters).double())
            again = pickle.loads(pickle.dumps(copy.deepcopy(p)))
            assert isinstance(again, ColumnProduct)
            torch.testing.assert_close(again.log_prob(x), p.log_prob(x))
            torch.testing.assert_close(p.expand((3, 40)).log_prob(x), p.log_prob(x).expand(3, 40))
            assert p.sample().shape == (40, 8)
            assert repr(p)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([(PoissonLikelihood(2), [0, 1])], "2 columns, and the table has 3"),
        ([(PoissonLikelihood(2), [0, 1]), (BernoulliLikelihood(1), [1])], "not a partition"),
        ([(PoissonLikelihood(2), [0, 1, 2])], r"2 columns was given the columns \[0, 1, 2\]"),
    ],
)
def test_parts_that_are_no_partition_of_the_columns_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        MixedLikelihood(given, 3)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_mixture_of_one_family_is_that_family(name):
    x = torch.randint(1, 4, (30, 3)).double() / (3 if "bernoulli" in name else 1)
    alone = LIKELIHOODS[name].from_data([x]).double()
    mixed = MixedLikelihood.from_families([x], [name] * 3).double()
    eta = torch.randn(30, alone.n_parameters, dtype=torch.float64)
    torch.testing.assert_close(mixed(eta).log_prob(x), alone(eta).log_prob(x))
    torch.testing.assert_close(mixed.mean(eta), alone.mean(eta))
    torch.testing.assert_close(mixed.inputs(x), alone.inputs(x))
    torch.testing.assert_close(mixed.columns, alone.columns)


def test_a_model_of_a_mixed_table_begins_at_its_means_trains_and_inverts_them():
    """Of columns whose means determine the parameters; codes have none."""
    families = ["negative_binomial", "gaussian", "log_normal", "negative_binomial", "bernoulli"]
    torch.manual_seed(0)
    x = torch.stack(
        [
            torch.poisson(torch.full((60,), 4.0)),
            torch.randn(60),
            torch.randn(60).exp(),
            torch.poisson(torch.ones(60)),
            (torch.rand(60) > 0.5).float(),
        ],
        dim=1,
    )
    likelihood = MixedLikelihood.from_families([x], families)
    model = LatentVariableModel(
        StandardNormal(2), SectionDecoder(2, 5, width=8), likelihood, GaussianPosterior(5, 2, width=8)
    )
    model.initialise(x)
    with torch.no_grad():
        at_origin = model.natural_parameters(torch.zeros(2))
    torch.testing.assert_close(at_origin, likelihood.mean_parameters(x), rtol=1e-3, atol=1e-3)
    model(x).elbo().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in likelihood.parameters())
    model.double()
    z = torch.randn(20, 2, dtype=torch.float64)
    with torch.no_grad():
        eta = likelihood.parameters_of_mean(likelihood.mean(model.natural_parameters(z)))
    torch.testing.assert_close(model.decoder.inverse(eta, likelihood.gain()), z, rtol=0, atol=1e-4)


def test_categories_take_their_columns_by_slots():
    likelihood = CategoricalLikelihood([3, 1, 2])
    assert likelihood.columns.tolist() == [0, 0, 2]
    x, eta = torch.tensor([[2.0, 0.0, 1.0]]).double(), torch.randn(1, 3).double()
    by_column = likelihood.double().column_log_probs(eta, x)
    torch.testing.assert_close(by_column.sum(-1), likelihood(eta).log_prob(x))


def test_categories_that_were_not_seen_count_for_nothing():
    x = torch.tensor([[0.0, torch.nan], [torch.nan, torch.nan], [2.0, torch.nan]])
    likelihood = CategoricalLikelihood.from_data([x])
    assert likelihood.n_categories == [3, 1]
    seen = ~x.isnan()
    means = likelihood.mean_parameters(x.nan_to_num(likelihood.filler), seen)
    torch.testing.assert_close(likelihood(means).base_dist.probs[0], torch.tensor([0.5, 0.0, 0.5]), rtol=0, atol=1e-5)
