"""Clusters of every family: densities of SciPy, moments of draws, bounds under the truth, floors under the truth."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import Independent, Normal

from sklid.nn import (
    GammaClusters,
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    JointMixtureModel,
    LocationScaleClusters,
    MixtureModel,
    PositivePosterior,
    SeparatedMixture,
    StandardLaplace,
    StandardStudentT,
    iwae,
    separated,
)

from .families import FAMILIES, GREATEST, LEAST, SEPARATION, C, exact_information, mixture, posterior

every = pytest.mark.parametrize("family", FAMILIES)
of_tails = pytest.mark.parametrize("family", ["laplace", "student_t"])
NEW = ["laplace", "student_t", "gamma"]
KINDS = ["full", "tied", "diag", "spherical"]


def log_density_of_scipy(prior, family, w):
    """Log p(w | y) of each label, ``(N, C)``."""
    means, covariances = prior.means().detach().numpy(), prior.covariances().detach().numpy()
    found = []
    for label, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        if family == "student_t":
            df = prior.clusters.standard.degrees_of_freedom()[label].item()
            found.append(scipy.stats.multivariate_t(mean, covariance * (df - 2) / df, df).logpdf(w))
        elif family == "gamma":
            variances = np.diag(covariance)
            found.append(scipy.stats.gamma.logpdf(w, mean**2 / variances, scale=variances / mean).sum(1))
        else:
            number = label if len(prior.clusters.axes()) > 1 else 0
            axes = prior.clusters.axes()[number].detach().numpy()
            scales = prior.clusters.scales().expand(C, w.shape[1])[label].detach().numpy()
            found.append(scipy.stats.laplace.logpdf((w - mean) @ axes, scale=scales / np.sqrt(2)).sum(1))
    return torch.from_numpy(np.stack(found, axis=1))


@pytest.mark.parametrize(
    ("family", "kind"),
    [(family, kind) for family in NEW[:2] for kind in KINDS] + [("gamma", "diag"), ("gamma", "spherical")],
)
def test_densities_are_those_of_scipy(family, kind):
    prior = mixture(family, K=2, kind=kind)
    w = 3 + 2 * torch.randn(40, 2, dtype=torch.float64)
    w = w.abs() if family == "gamma" else w
    expected = log_density_of_scipy(prior, family, w.numpy())
    torch.testing.assert_close(prior.clusters(prior.means()).log_prob(w.unsqueeze(-2)), expected)
    log_joint = prior.log_joint(w.unsqueeze(-2))
    torch.testing.assert_close(log_joint, prior.log_weights.log_softmax(-1) + expected)
    torch.testing.assert_close(log_joint.logsumexp(-1), prior().log_prob(w))


@pytest.mark.parametrize("family", NEW)
def test_draws_have_the_mean_and_the_covariance_of_their_cluster(family):
    prior = mixture(family, K=2, kind="diag" if family == "gamma" else "full", size=0.3)
    clusters = prior.clusters(prior.means())
    draws = clusters.sample(torch.Size([200_000]))
    torch.testing.assert_close(clusters.mean, prior.means())
    torch.testing.assert_close(clusters.variance, prior.covariances().diagonal(dim1=-2, dim2=-1))
    torch.testing.assert_close(draws.mean(0), prior.means().detach(), atol=0.02, rtol=0)
    for label in range(C):
        found, expected = torch.cov(draws[:, label].T), prior.covariances()[label].detach()
        torch.testing.assert_close(found, expected, atol=0.05 * expected.diagonal().max().item(), rtol=0.05)


@of_tails
def test_draws_along_an_axis_are_those_of_scipy(family):
    """A fourth moment alone would not tell a Laplace distribution from a t distribution of nine degrees."""
    prior = mixture(family, K=2, kind="full")
    draws = prior.clusters(prior.means()).sample(torch.Size([5000]))[:, 0]
    along = ((draws - prior.means()[0]) @ prior.clusters.axes()[0] / prior.clusters.scales()[0]).detach().numpy()
    reference = scipy.stats.laplace(scale=0.5**0.5)
    if family == "student_t":
        df = prior.clusters.standard.degrees_of_freedom()[0].item()
        reference = scipy.stats.t(df, scale=((df - 2) / df) ** 0.5)
    assert scipy.stats.kstest(along[:, 1], reference.cdf).pvalue > 1e-3


@pytest.mark.parametrize("size", [1.0, 100.0])
def test_degrees_of_freedom_stay_where_there_is_a_covariance(size):
    standard = StandardStudentT(1000, bounds=(2.5, 30.0)).double()
    torch.testing.assert_close(standard.degrees_of_freedom(), torch.full((1000,), 10.0, dtype=torch.float64))
    torch.nn.init.normal_(standard.excess_logits, std=size)
    assert standard.degrees_of_freedom().min() >= 2.5 * (1 - 1e-9)
    assert standard.degrees_of_freedom().max() <= 30.0 * (1 + 1e-9)


@every
@pytest.mark.parametrize("size", [1.0, 100.0, 1e6])
def test_means_keep_their_distance_and_scales_their_bounds(family, size):
    for seed in range(20):
        prior = mixture(family, K=3, kind="diag", seed=seed, size=size)
        assert torch.pdist(prior.means()).min() >= SEPARATION * (1 - 1e-6)
        deviations = prior.covariances().diagonal(dim1=-2, dim2=-1).sqrt()
        assert deviations.min() >= LEAST * (1 - 1e-6)
        assert deviations.max() <= GREATEST * (1 + 1e-6)
        if family == "gamma":
            assert prior.means().min() >= LEAST * (1 - 1e-6)
            assert (deviations <= prior.means() * (1 + 1e-6)).all()


def test_positive_means_driven_down_stop_at_the_least():
    prior = mixture("gamma", K=2, kind="diag", size=0.0)
    with torch.no_grad():
        prior.shifts.fill_(-1e8)
    assert prior.means().min() >= LEAST * (1 - 1e-9)
    assert (prior.means() < prior.codes).all()


def test_codes_below_the_least_mean_are_refused_and_lifted_by_separated():
    codes = torch.tensor([[0.1, 3.0], [0.3, 3.0]])
    lifted = separated(codes, 1.0, least_value=0.5)
    assert lifted.min() >= 0.5 * (1 - 1e-6)
    assert torch.pdist(lifted).item() >= 1.0 * (1 - 1e-5)
    torch.testing.assert_close(lifted[:, 1], codes[:, 1])
    clusters = GammaClusters(torch.ones(2, 2), lifted)
    with pytest.raises(ValueError, match=r"coordinate of 0.1, below least_mean=0.2; lift them with `separated`"):
        SeparatedMixture(codes * torch.tensor([1.0, 1.0]) + torch.tensor([[0.0, 0], [0, 3]]), clusters,
                         torch.ones(2) / 2, least_mean=0.2)  # fmt: skip


def test_gamma_clusters_are_positive_and_have_no_density_elsewhere():
    prior = mixture("gamma", K=2, kind="diag")
    assert (prior().sample(torch.Size([10_000])) > 0).all()
    w = torch.tensor([[-1.0, 2.0], [0.0, 1.0]], dtype=torch.float64)
    assert torch.isneginf(prior().log_prob(w)).all()


def test_gamma_density_keeps_its_digits_far_from_the_exponential():
    """Mean 5 and standard deviation .05 are a shape of 10^4, where logarithms of 10^5 cancel."""
    clusters = GammaClusters(torch.full((2, 1), 0.05), torch.full((2, 1), 5.0), bounds=(0.01, 5.0))
    w = torch.tensor([[4.9], [5.0], [5.13]])
    means = torch.full((2, 1), 5.0)
    scale = clusters.scales(means)[0, 0].item()
    expected = scipy.stats.gamma.logpdf(w.double().numpy(), (5 / scale) ** 2, scale=scale**2 / 5)
    found = clusters.log_joint(torch.zeros(2), means, w.unsqueeze(-2))[:, :1]
    torch.testing.assert_close(found.double(), torch.from_numpy(expected), atol=1e-3, rtol=0)


@pytest.mark.parametrize("family", NEW)
def test_expected_density_is_the_average_over_draws_or_below_it_for_student_t(family):
    prior = mixture(family, K=2, kind="diag" if family == "gamma" else "full", size=0.3)
    loc, scale = torch.randn(5, 1, 2, dtype=torch.float64), 0.1 + 0.4 * torch.rand(5, 1, 2, dtype=torch.float64)
    q = posterior(family, loc if family == "gamma" else 3 + 2 * loc, scale)
    densities = prior.log_joint(q.sample(torch.Size([40_000])))
    error = 5 * densities.std(0) / len(densities) ** 0.5
    bound = prior.expected_log_joint(q.mean, q.variance)
    assert (bound <= densities.mean(0) + error).all()
    if family != "student_t":
        assert (bound >= densities.mean(0) - error).all()


def model_of(family, rows, joint=False):
    """A model of one latent, a little away from its start, in double precision."""
    prior = mixture(family, K=1, kind="diag", seed=1, size=0.1)
    encoder = GaussianPosterior(3, 1, width=8)
    parts = (
        InjectiveDecoder(1, 3, width=8),
        GaussianLikelihood(3),
        PositivePosterior(encoder) if family == "gamma" else encoder,
    )
    model = (JointMixtureModel(prior, *parts, width=8) if joint else MixtureModel(prior, *parts)).double()
    model.initialise(rows)
    with torch.no_grad():
        for parameter in [*model.posterior.parameters(), *model.decoder.parameters()]:
            parameter.add_(0.05 * torch.randn_like(parameter))
        encoder.linear.bias[1] += 1.5  # wide, so that importance sampling covers the posterior
    return model


@pytest.fixture
def rows():
    return (torch.randn(15, 1) * torch.tensor([[1.0, 0.5, -1.0]]) + 0.5 * torch.randn(15, 3)).double()


MODELS = pytest.mark.parametrize(("family", "joint"), [(family, joint) for family in NEW for joint in (False, True)])


@MODELS
def test_bounds_are_below_the_exact_log_likelihood_and_importance_weights_reach_it(family, joint, rows):
    model = model_of(family, rows, joint)
    grid = torch.linspace(1e-4 if family == "gamma" else -15, 30, 8001, dtype=torch.float64)[:, None]
    with torch.no_grad():
        log_joint = model.decode(grid).log_prob(rows[:, None]) + model.prior().log_prob(grid)
        exact = torch.logsumexp(log_joint, dim=1) + torch.log(grid[1] - grid[0])
        bounds = torch.stack([model(rows).elbo() for _ in range(300)])
        assert (bounds.mean(0) <= exact + 4 * bounds.std(0) / 300**0.5).all()
        found = iwae(model.log_weights(rows, torch.randn(20_000, len(rows), 1, dtype=torch.float64)))
    torch.testing.assert_close(found, exact, atol=0.1, rtol=0)


@MODELS
def test_gradients_of_the_bound_are_those_of_finite_differences(family, joint, rows):
    model = model_of(family, rows, joint)
    noise, h = model.noise_for(rows), 1e-5
    parameters = [each for each in model.parameters() if each.requires_grad]
    directions = [torch.randn_like(each) for each in parameters]

    def bound(step):
        with torch.no_grad():
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter.add_(step * direction)
        return model(rows, noise).elbo().mean()

    gradients = torch.autograd.grad(bound(0.0), parameters)
    slope = sum((gradient * direction).sum() for gradient, direction in zip(gradients, directions, strict=True))
    with torch.no_grad():
        differences = (bound(h) - bound(-2 * h)) / (2 * h)
    torch.testing.assert_close(slope, differences, rtol=1e-5, atol=1e-5)
    of_prior = torch.autograd.grad(bound(0.0), list(model.prior.parameters()))
    assert all(gradient.abs().sum() > 0 for gradient in of_prior)


@pytest.mark.parametrize("family", NEW)
@pytest.mark.parametrize("r", [0.3, 1.0, 3.0])
def test_information_floors_are_below_the_information_of_a_linear_channel(family, r):
    for seed in range(5):
        prior = mixture(family, K=1, kind="diag", seed=seed)
        with torch.no_grad():
            clusters = prior.clusters(prior.means())
            parts = [_Label(clusters, label) for label in range(C)]
            weights = prior.weights()
            truth = sum(weights[label].item() * exact_information(parts[label], r) for label in range(C))
            floor = prior.mutual_information_floor(r)
        assert 0 < floor <= truth + 1e-3
        if family != "student_t":
            assert floor > 0.5 * truth


class _Label:
    """One of some clusters on the line."""

    def __init__(self, clusters, label):
        self.clusters, self.label = clusters, label
        self.mean, self.stddev = clusters.mean[label, 0], clusters.variance[label, 0].sqrt()

    def log_prob(self, w):
        return self.clusters.log_prob(w.unsqueeze(-2))[:, self.label]


@pytest.mark.parametrize("family", NEW)
def test_divergence_floors_never_exceed_the_divergence(family):
    some_are_positive = False
    for seed in range(60):
        prior = mixture(family, K=2, kind="diag" if family == "gamma" else "full", seed=seed)
        with torch.no_grad():
            centres = prior.means()
            scale = 0.4 * torch.rand(C, 2, dtype=torch.float64) + 1e-2
            q = posterior(family, centres.log() - scale**2 if family == "gamma" else centres, scale)
            w = q.sample(torch.Size([4000]))
            log_ratio = q.log_prob(w) - prior().log_prob(w)
            r = 0.5 + 2 * torch.rand(()).item()
            floor = prior.kl_floor(r**2 * q.variance.sum(-1), q.mean, r)
        assert (floor <= log_ratio.mean(0) + 4 * log_ratio.std(0) / 4000**0.5).all()
        some_are_positive |= bool((floor > 0.1).any())
    assert some_are_positive


@pytest.mark.parametrize("family", NEW)
def test_no_ball_holds_more_of_a_cluster_than_it_may(family):
    for seed in range(10):
        prior = mixture(family, K=2, kind="diag" if family == "gamma" else "full", seed=seed)
        with torch.no_grad():
            w, _ = prior.sample_with_labels(20_000)
            modes = modes_of(prior, family)
            for radius in (0.05, 0.2, 0.6):
                most = prior.ball_probability(torch.tensor(radius, dtype=torch.float64), torch.zeros(2))
                shares = ((w.unsqueeze(-2) - modes).norm(dim=-1) < radius).double().mean(0)
                assert (shares <= most + 4 * (most * (1 - most) / len(w)).sqrt() + 1e-3).all()


def modes_of(prior, family):
    if family != "gamma":
        return prior.means()
    return prior.means() - prior.covariances().diagonal(dim1=1, dim2=2) / prior.means()


@pytest.mark.parametrize("family", NEW)
def test_probability_of_a_small_ball_is_its_volume_times_the_density_at_the_highest_mode(family):
    prior = mixture(family, K=2, kind="diag" if family == "gamma" else "full")
    with torch.no_grad():
        radius = torch.tensor(1e-4, dtype=torch.float64)
        highest = prior.clusters(prior.means()).log_prob(modes_of(prior, family).unsqueeze(-2)).diagonal().max().exp()
        most = prior.ball_probability(radius, torch.zeros(2))
    torch.testing.assert_close(most, np.pi * radius**2 * highest)


@of_tails
def test_information_floors_of_clusters_with_turned_axes_are_below_a_lower_estimate(family):
    """InfoNCE over draws of w and x = r w + noise never exceeds their information."""
    for number in range(5):
        prior, r, n = mixture(family, K=3, kind="full", seed=number), 0.8, 2000
        w, _ = prior.sample_with_labels(n)
        x = r * w + torch.randn_like(w)
        log_p = -0.5 * torch.cdist(x, r * w).square()
        lower = (log_p.diagonal() - log_p.logsumexp(1)).mean().item() + np.log(n)
        assert prior.mutual_information_floor(r) <= lower + 0.05


@of_tails
@pytest.mark.parametrize("kind", KINDS)
def test_settled_clusters_are_the_same_distributions(family, kind):
    prior = mixture(family, K=3, kind=kind)
    w = torch.randn(7, 3, dtype=torch.float64)
    before = prior().log_prob(w)
    prior.clusters.settle()
    torch.testing.assert_close(prior().log_prob(w), before)


def test_student_t_of_many_degrees_is_gaussian_and_so_are_its_floors():
    means = torch.tensor([[0.0, 0.0], [4.0, 0.0]], dtype=torch.float64)
    scales = torch.tensor([[0.5, 1.0], [0.7, 0.4]], dtype=torch.float64)
    standard = StandardStudentT(2, degrees_of_freedom=1e7, bounds=(3.0, 1e9)).double()
    clusters = LocationScaleClusters(standard, scales, 2)
    q = Independent(
        Normal(torch.randn(5, 1, 2, dtype=torch.float64), 0.3 + torch.rand(5, 1, 2, dtype=torch.float64)), 1
    )
    normal = Independent(Normal(means, clusters.scales()), 1)
    expected = -(normal.base_dist.scale.log() + 0.5 * np.log(2 * np.pi)).sum(-1) - 0.5 * (
        ((q.mean - means).square() + q.variance) / normal.base_dist.scale.square()
    ).sum(-1)
    found = clusters.expected_log_joint(torch.zeros(2), means, q.mean, q.variance)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    weights = torch.tensor([0.4, 0.6], dtype=torch.float64)
    gaussian = 0.5 * (weights * torch.log1p(clusters.scales().square()).sum(-1)).sum().item()
    assert clusters.mutual_information_floor(weights, means, 1.0) == pytest.approx(gaussian, rel=1e-4)


def test_laplace_clusters_start_where_they_are_told():
    scales = torch.tensor([[0.5, 1.0], [0.7, 0.4]], dtype=torch.float64)
    clusters = LocationScaleClusters(StandardLaplace(), scales, 2)
    torch.testing.assert_close(clusters.scales(), scales)
    torch.testing.assert_close(clusters.covariances()[0], torch.diag(scales[0] ** 2))
