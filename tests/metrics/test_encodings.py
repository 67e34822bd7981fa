"""The same answer from every kind of argument, and one clear line for what is none."""

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal

from sklid import metrics

from .models import as_tensors, channel


@pytest.mark.filterwarnings("ignore::sklid.exceptions.CappedEstimateWarning")
def test_arrays_distributions_and_full_covariances_agree():
    loc, scale = channel(2.0, 400)
    m, s = as_tensors((loc, scale))
    pairs = [
        (loc, scale),
        (Normal(m, s), None),
        (Independent(Normal(m, s), 1), Independent(Normal(torch.zeros(4).double(), torch.ones(4).double()), 1)),
    ]
    covariance = MultivariateNormal(m, torch.diag_embed(s.square()))
    mixture = MixtureSameFamily(Categorical(torch.ones(400, 1)), Independent(Normal(m.unsqueeze(1), s.unsqueeze(1)), 1))
    expected = (
        metrics.mutual_information(loc, scale),
        metrics.kl_divergence(loc, scale),
        metrics.aggregate_posterior_kl(loc, scale),
    )
    for first, second in [*pairs, (covariance, None), (mixture, None)]:
        information, divergence, aggregate = (
            measure(first, second)
            for measure in (metrics.mutual_information, metrics.kl_divergence, metrics.aggregate_posterior_kl)
        )
        assert information.value == pytest.approx(expected[0].value, abs=3 * information.standard_error)
        assert divergence.value == pytest.approx(expected[1].value, rel=0.02)
        np.testing.assert_allclose(divergence.per_dimension, expected[1].per_dimension, rtol=0.1)
        assert aggregate.value == pytest.approx(expected[2].value, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (([[0.0]], [[0.0]]), ValueError, "positive scales"),
        (([[0.0]], [[1.0, 1.0]]), ValueError, "one shape"),
        (([[0.0]],), TypeError, "standard deviations beside them"),
        ((Normal(torch.zeros(3), torch.ones(3)),), ValueError, "batch shape"),
        (
            (Normal(torch.zeros(3, 2), torch.ones(3, 2)), [[1.0]]),
            TypeError,
            "The prior is a torch.distributions.Distribution",
        ),
        (
            (Normal(torch.zeros(3, 2), torch.ones(3, 2)), Independent(Normal(torch.zeros(3), 1.0), 1)),
            ValueError,
            "2 latents and the prior 3",
        ),
    ],
)
def test_bad_arguments_get_one_clear_line(arguments, error, match):
    with pytest.raises(error, match=match):
        metrics.kl_divergence(*arguments)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_posteriors_that_are_nowhere_are_refused_with_their_row(value):
    """One such row in many would turn every average into nan, and comparisons with nan into zeros."""
    mean = torch.zeros(200, 2)
    mean[7, 1] = value
    with pytest.raises(ValueError, match="posteriors of 1 of 200 rows .* first that of row 7"):
        metrics.kl_divergence(Normal(mean, 1.0, validate_args=False))


def test_a_pair_of_moments_may_come_as_one_tuple():
    loc, scale = np.random.default_rng(0).standard_normal((20, 2)), np.full((20, 2), 0.5)
    assert metrics.mutual_information((loc, scale)) == metrics.mutual_information(loc, scale)
