"""Components of a mixture prior stay apart and bounded for every value of its parameters; densities are torch's."""

import pytest
import torch
from torch.distributions import Independent, Laplace, MixtureSameFamily, MultivariateNormal, Normal, kl_divergence

from sklid.nn import (
    GaussianClusters,
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    MixtureModel,
    SeparatedMixture,
    mixture_kl_floor,
    mutual_information_floor,
    separated,
)

C, K = 4, 3
KINDS = {"diag": (C, K), "spherical": (C, 1), "full": (C, K), "tied": (1, K)}
every_kind = pytest.mark.parametrize("kind", KINDS)


def mixture(kind="full", codes=None, bounds=(0.05, 5.0), **kwargs):
    codes = separated(2 * torch.randn(C, K, dtype=torch.float64), 1.0) if codes is None else codes
    scales = 0.3 + torch.rand(KINDS[kind], dtype=torch.float64)
    axes = torch.linalg.qr(torch.randn(len(scales), K, K, dtype=torch.float64)).Q if kind in ("full", "tied") else None
    clusters = GaussianClusters(scales, K, axes, bounds)
    return SeparatedMixture(
        codes, clusters, torch.rand(len(codes), dtype=torch.float64).softmax(0), **{"separation": 0.5, **kwargs}
    )


def randomised(prior, size):
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.normal_(std=size)
    return prior


def least_distance(points):
    return torch.pdist(points).min().item()


@pytest.mark.parametrize("size", [0.1, 1.0, 1e2, 1e6])
def test_means_are_never_nearer_than_the_separation(size):
    for _ in range(50):
        assert least_distance(randomised(mixture(), size).means()) >= 0.5 * (1 - 1e-9)


def test_means_driven_towards_each_other_stop_at_the_separation():
    """The worst case: the shifts of two neighbours point at each other, as far as they go."""
    prior = mixture(
        codes=torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]], dtype=torch.float64)
    )
    with torch.no_grad():
        prior.shifts[0, 0], prior.shifts[1, 0] = 1e8, -1e8
    assert least_distance(prior.means()) == pytest.approx(0.5)


@every_kind
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_scales_stay_within_their_bounds_and_axes_orthogonal(kind, size):
    prior = randomised(mixture(kind, bounds=(0.2, 3.0)), size)
    deviations = torch.linalg.eigvalsh(
        prior.clusters(prior.means()).covariance_matrix if kind in ("full", "tied") else prior.covariances()
    ).sqrt()
    assert deviations.min() >= 0.2 * (1 - 1e-6)
    assert deviations.max() <= 3.0 * (1 + 1e-6)


@every_kind
def test_mixture_starts_where_it_is_told(kind):
    codes = separated(2 * torch.randn(C, K, dtype=torch.float64), 1.0)
    scales = 0.3 + torch.rand(KINDS[kind], dtype=torch.float64)
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    prior = SeparatedMixture(codes, GaussianClusters(scales, K), weights)
    torch.testing.assert_close(prior.means(), codes)
    torch.testing.assert_close(prior.clusters.scales(), scales)
    torch.testing.assert_close(prior().mixture_distribution.probs, weights)


@every_kind
def test_log_joint_is_the_density_of_torch(kind):
    prior = randomised(mixture(kind), 0.5)
    w = torch.randn(6, K, dtype=torch.float64)
    log_joint = prior.log_joint(w.unsqueeze(-2))
    torch.testing.assert_close(log_joint.logsumexp(-1), prior().log_prob(w))
    covariances = prior.covariances().expand(C, -1, -1)
    expected = prior.log_weights.log_softmax(-1) + MultivariateNormal(prior.means(), covariances).log_prob(
        w.unsqueeze(-2)
    )
    torch.testing.assert_close(log_joint, expected)
    torch.testing.assert_close(prior.label_probabilities(w), expected.softmax(-1))


@every_kind
def test_settled_clusters_have_the_same_covariances_and_nothing_left_to_turn(kind):
    clusters = randomised(mixture(kind), 0.5).clusters
    before = clusters.covariances()
    clusters.settle()
    torch.testing.assert_close(clusters.covariances(), before)
    assert clusters.turns is None or not clusters.turns.any()


@every_kind
def test_expected_log_joint_is_the_divergence_of_torch_from_each_component(kind):
    prior = randomised(mixture(kind), 0.5)
    loc, scale = torch.randn(6, 1, K, dtype=torch.float64), 0.1 + torch.rand(6, 1, K, dtype=torch.float64)
    q = MultivariateNormal(loc, torch.diag_embed(scale.square()))
    component = MultivariateNormal(prior.means(), prior.covariances().expand(C, -1, -1))
    expected = prior.log_weights.log_softmax(-1) - q.entropy() - kl_divergence(q, component)
    torch.testing.assert_close(prior.expected_log_joint(loc, scale.square()), expected)


def test_divergence_bounds_the_average_over_draws_from_above():
    prior = randomised(mixture(), 0.5)
    q = Independent(Normal(torch.randn(20, K, dtype=torch.float64), 0.5 + torch.rand(20, K, dtype=torch.float64)), 1)
    w = q.sample(torch.Size([20_000]))
    log_ratio = q.log_prob(w) - prior().log_prob(w)
    bound, error = prior.divergences(q, w, q.log_prob(w)).sum(-1), log_ratio.std(0) / len(w) ** 0.5
    assert (bound >= log_ratio.mean(0) - 3 * error).all()
    assert (bound > log_ratio.mean(0) + 3 * error).any()


def test_divergence_is_exact_where_one_component_accounts_for_all():
    prior = mixture(codes=50.0 * torch.eye(C, K, dtype=torch.float64))
    q = Independent(Normal(prior.means() + 0.1, 0.5 * torch.ones(C, K, dtype=torch.float64)), 1)
    expected = kl_divergence(
        MultivariateNormal(q.mean, torch.diag_embed(q.variance)), MultivariateNormal(prior.means(), prior.covariances())
    )
    torch.testing.assert_close(
        prior.divergences(q, q.mean, q.mean).sum(-1), expected - prior.log_weights.log_softmax(-1)
    )


def test_divergence_of_another_posterior_is_the_average_over_its_draws():
    prior = mixture()
    q = MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(2)), Independent(Normal(torch.randn(2, K), torch.ones(2, K)), 1)
    )
    w = q.sample(torch.Size([9])).double()
    torch.testing.assert_close(
        prior.divergences(q, w, q.log_prob(w)).squeeze(), (q.log_prob(w) - prior().log_prob(w)).mean()
    )


def test_codes_nearer_than_the_separation_are_refused():
    with pytest.raises(ValueError, match="apart, nearer than separation=0.5; spread them"):
        SeparatedMixture(torch.zeros(2, 1), GaussianClusters(torch.ones(2, 1), 1), torch.ones(2) / 2)


@pytest.mark.parametrize(
    "codes", [torch.zeros(10, 1), torch.zeros(5, 3), torch.linspace(0, 1, 40)[:, None], torch.randn(30, 2)]
)
def test_separated_codes_are_far_enough_apart(codes):
    assert least_distance(separated(codes, 0.7)) >= 0.7 * (1 - 1e-5)


def test_codes_far_apart_stay_where_they_are():
    codes = torch.tensor([[0.0, 0.0], [0.0, 2.0], [5.0, 5.0]])
    assert torch.equal(separated(codes, 1.0), codes)


def test_fixed_means_and_weights_have_nothing_to_learn():
    prior = mixture(fixed_means=True, fixed_weights=True)
    assert not prior.shifts.requires_grad
    assert not prior.log_weights.requires_grad
    assert prior.clusters.scale_logits.requires_grad


def test_labels_of_draws_name_their_components():
    prior = mixture(codes=50.0 * torch.eye(C, K, dtype=torch.float64))
    w, labels = prior.sample_with_labels(4000)
    assert torch.equal(prior.label_probabilities(w).argmax(-1), labels)
    shares = torch.bincount(labels, minlength=C) / len(labels)
    torch.testing.assert_close(shares.double(), prior.log_weights.softmax(-1).detach(), atol=0.03, rtol=0)


def test_information_floor_of_equal_unit_components_is_that_of_the_standard_normal():
    prior = SeparatedMixture(torch.eye(3), GaussianClusters(torch.ones(3, 3), 3), torch.ones(3) / 3)
    assert prior.mutual_information_floor(1.7) == pytest.approx(mutual_information_floor(3, 1.7), rel=1e-5)


def test_information_floor_is_below_a_lower_estimate_of_a_linear_channel():
    """InfoNCE over draws of w and x = r w + noise never exceeds their information."""
    for _ in range(10):
        prior, r, n = randomised(mixture(), 1.0), 0.8, 2000
        w, _ = prior.sample_with_labels(n)
        x = r * w + torch.randn_like(w)
        log_p = -0.5 * torch.cdist(x, r * w).square()
        lower = (log_p.diagonal() - log_p.logsumexp(1)).mean().item() + torch.tensor(float(n)).log().item()
        assert prior.mutual_information_floor(r) <= lower + 0.05


def test_mixture_kl_floor_never_exceeds_the_divergence():
    for _ in range(100):
        prior, r = randomised(mixture(), 1.0), 0.5 + torch.rand(()).item()
        q = Independent(Normal(torch.randn(K, dtype=torch.float64), 0.3 * torch.rand(K, dtype=torch.float64) + 1e-3), 1)
        w = q.sample(torch.Size([2000]))
        log_ratio = q.log_prob(w) - prior().log_prob(w)
        floor = mixture_kl_floor(r**2 * q.variance.sum(), K, prior.clusters.scales().min(), r)
        assert floor <= log_ratio.mean() + 4 * log_ratio.std() / 2000**0.5


class LaplaceClusters(torch.nn.Module):
    """Another family around each mean, with one scale for all; its bound has no closed form."""

    def __init__(self, n_components):
        super().__init__()
        self.n_components = n_components
        self.log_scale = torch.nn.Parameter(torch.zeros(1, n_components))

    def forward(self, means):
        return Independent(Laplace(means, self.log_scale.exp().expand_as(means)), 1)

    def log_joint(self, log_weights, means, w):
        return log_weights + Laplace(means, self.log_scale.exp()).log_prob(w).sum(-1)

    def expected_log_joint(self, log_weights, means, loc, variance):
        raise NotImplementedError


def test_clusters_are_a_part_and_another_family_trains_as_well():
    codes = torch.tensor([[-4.0, 0.0], [4.0, 0.0]])
    prior = SeparatedMixture(codes, LaplaceClusters(2), torch.tensor([0.3, 0.7]))
    w, labels = prior.sample_with_labels(5000)
    assert (prior.label_probabilities(w).argmax(-1) == labels).float().mean() > 0.95
    q = Independent(Normal(torch.randn(20, 2), 0.5 + torch.rand(20, 2)), 1)
    draws = q.sample(torch.Size([9]))
    expected = (q.log_prob(draws) - prior().log_prob(draws)).mean(0)
    torch.testing.assert_close(prior.divergences(q, draws, q.log_prob(draws)).squeeze(-1), expected)
    parts = (InjectiveDecoder(2, 3, width=8), GaussianLikelihood(3), GaussianPosterior(3, 2, width=8))
    model = MixtureModel(prior, *parts)
    model(torch.randn(10, 3)).elbo().mean().backward()
    assert prior.clusters.log_scale.grad.abs().sum() > 0


def test_divergence_floor_of_a_mixture_holds_in_its_narrowest_cluster():
    """A posterior inside a narrow cluster is near the prior there: a wider one's floor would exceed its divergence."""
    codes = torch.tensor([[-6.0, 0.0], [6.0, 0.0]], dtype=torch.float64)
    scales = torch.tensor([[0.2, 0.2], [3.0, 3.0]], dtype=torch.float64)
    prior = SeparatedMixture(codes, GaussianClusters(scales, 2), torch.tensor([0.5, 0.5], dtype=torch.float64))
    spread = torch.linspace(0.05, 0.4, 8, dtype=torch.float64)
    q = Independent(Normal(codes[:1].expand(8, -1), spread[:, None].expand(-1, 2)), 1)
    w = q.sample(torch.Size([20_000]))
    divergence = (q.log_prob(w) - prior().log_prob(w)).mean(0)
    floor = prior.kl_floor(q.variance.sum(-1), q.mean, 1.0)  # of the identity, which is 1-Lipschitz both ways
    assert (floor <= divergence + 1e-2).all()
    assert (floor > 0).any()
