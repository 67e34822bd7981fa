"""A hundred models and rows whose verdict is known, for verdicts.py.

Latents: a decoder and an exact posterior by quadrature, of which one direction is cut in the decoder ("model" where the
rows hold it, "data" where they do not) or in the encoder ("inference"). Labels: mixtures with their true parameters,
with too many clusters, and with labels or clusters that say nothing. A case is near its threshold where the truth is
weak: a direction of a few times the least that so many rows show, a latent whose gain is a few standard errors.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.signal import lfilter
from sklearn.mixture import GaussianMixture
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Categorical,
    Distribution,
    Independent,
    Laplace,
    MixtureSameFamily,
    Normal,
    Poisson,
)

from sklid.metrics import VariationalModel

__all__ = ["CASES", "Case"]

Built = tuple[Any, Any]
N_NODES = {1: 401, 2: 61}
"""Points of the quadrature along each latent, from -5 to 5."""
TRIANGLE = [(1, 0), (-0.5, 0.866), (-0.5, -0.866)]
EVEN_SIGNS = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]


class Case(NamedTuple):
    """What a verdict is asked of: the name, what it is about, the truth, whether it is near, how rows are made."""

    name: str
    about: str
    family: str
    n_rows: int
    n_features: int
    near: bool
    truth: str
    build: Callable[[np.random.Generator], Built]


class Labelled(NamedTuple):
    """A model with labels: prior, decoder and encoder, and q(y | x)."""

    encode: Callable
    decode: Callable
    prior: Callable
    predict_proba: Callable


FAMILIES = {
    "gaussian": lambda eta: Normal(eta, 1.0),
    "laplace": lambda eta: Laplace(eta, 1.0),
    "bernoulli": lambda eta: Bernoulli(logits=eta),
    "poisson": lambda eta: Poisson((eta + 1).exp()),
    "categorical": lambda eta: Categorical(logits=torch.stack([torch.zeros_like(eta), eta, -eta], -1)),
}


def unit(rng: np.random.Generator, n_directions: int, n_features: int) -> Tensor:
    """Random orthonormal rows."""
    return torch.from_numpy(np.linalg.qr(rng.standard_normal((n_features, n_directions)))[0].T)


def decoder(loadings: Tensor, family: str) -> Callable[[Tensor], Distribution]:
    return lambda z: Independent(FAMILIES[family](z @ loadings), 1)


def posterior(decode: Callable[[Tensor], Distribution], n_latents: int) -> Callable[[Tensor], Distribution]:
    """Gaussians with the moments of the exact posteriors, by quadrature over one or two latents."""
    line = torch.linspace(-5, 5, N_NODES[n_latents], dtype=torch.float64)
    z = torch.cartesian_prod(*[line] * n_latents).reshape(-1, n_latents)

    def encode(x: Tensor) -> Distribution:
        p = decode(z)
        log_joint = torch.stack([p.log_prob(row) for row in x]) - 0.5 * z.square().sum(-1)
        weights = log_joint.softmax(-1)
        mean = weights @ z
        return Independent(Normal(mean, (weights @ z.square() - mean.square()).clamp_min(1e-6).sqrt()), 1)

    return encode


def linear_posterior(loadings: Tensor) -> Callable[[Tensor], Distribution]:
    """The exact posterior of orthogonal loadings in unit noise."""
    precision = 1 + loadings.square().sum(1)
    return lambda x: Independent(Normal(x @ loadings.T / precision, precision.rsqrt().expand(len(x), -1)), 1)


def frozen(encode: Callable[[Tensor], Distribution], latent: int) -> Callable[[Tensor], Distribution]:
    """The encoder with the posterior of one latent at the prior."""

    def cut(x: Tensor) -> Distribution:
        q = encode(x)
        mean, spread = q.mean.clone(), q.stddev.clone()
        mean[:, latent], spread[:, latent] = 0.0, 1.0
        return Independent(Normal(mean, spread), 1)

    return cut


def constant(n_latents: int) -> Callable[[Tensor], Distribution]:
    """An encoder at the prior."""
    return lambda x: Independent(Normal(torch.zeros(len(x), n_latents).double(), torch.ones(()).double()), 1)


def known(
    family: str, n: int, d: int, true: list[float], modelled: list[float], cut: int | None = None
) -> Callable[[np.random.Generator], Built]:
    """Rows with loadings of the `true` lengths along orthonormal directions, a model with the `modelled` ones.

    The encoder of a latent is the exact one of the model, or the prior for the latent `cut`.
    """

    def build(rng: np.random.Generator) -> Built:
        directions = unit(rng, max(len(true), len(modelled)), d)
        z = torch.from_numpy(rng.standard_normal((n, len(true))))
        x = decoder(torch.tensor(true).double()[:, None] * directions[: len(true)], family)(z).sample().double()
        loadings = torch.tensor(modelled).double()[:, None] * directions[: len(modelled)]
        decode = decoder(loadings, family)
        encode = linear_posterior(loadings) if family == "gaussian" else posterior(decode, len(modelled))
        return VariationalModel(encode if cut is None else frozen(encode, cut), decode, standard(len(modelled))), x

    return build


def standard(n_latents: int) -> Callable[[], Distribution]:
    return lambda: Independent(Normal(torch.zeros(n_latents).double(), torch.ones(n_latents).double()), 1)


def ignoring(
    make: Callable[[np.random.Generator], np.ndarray], inflated: float = 1.0
) -> Callable[[np.random.Generator], Built]:
    """Rows that a Gaussian model with one latent ignores, its noise at the spread of all columns or more."""

    def build(rng: np.random.Generator) -> Built:
        x = torch.from_numpy(make(rng))
        x = x - x.mean(0)
        noise = inflated * x.square().mean().sqrt()
        decode = lambda z: Independent(Normal(torch.zeros(len(z), x.shape[1]).double(), noise), 1)  # noqa: E731
        return VariationalModel(constant(1), decode, standard(1)), x

    return build


def curve(n: int, d: int, bend: float) -> Callable[[np.random.Generator], Built]:
    """A parabola in d columns, with the exact posterior."""

    def build(rng: np.random.Generator) -> Built:
        directions = unit(rng, 2, d)
        decode = lambda z: Independent(Normal(torch.cat([2 * z, bend * z.square()], 1) @ directions, 1.0), 1)  # noqa: E731
        x = decode(torch.from_numpy(rng.standard_normal((n, 1)))).sample()
        return VariationalModel(posterior(decode, 1), decode, standard(1)), x

    return build


def ring(n: int, noise: float, d: int = 2) -> Callable[[np.random.Generator], np.ndarray]:
    def make(rng: np.random.Generator) -> np.ndarray:
        angle = rng.uniform(0, 2 * math.pi, n)
        circle = np.stack([np.cos(angle), np.sin(angle)], 1) * math.sqrt(2)
        others = rng.standard_normal((n, d - 2)) * math.sqrt(1 + noise**2)
        return np.hstack([circle + noise * rng.standard_normal((n, 2)), others])

    return make


def corners(points: list, n: int, noise: float) -> Callable[[np.random.Generator], np.ndarray]:
    """Rows at random points of a list, with noise."""
    places = np.array(points, dtype=float)
    return lambda rng: places[rng.integers(len(places), size=n)] + noise * rng.standard_normal((n, places.shape[1]))


def sphere(n: int, noise: float, d: int = 3) -> Callable[[np.random.Generator], np.ndarray]:
    def make(rng: np.random.Generator) -> np.ndarray:
        x = rng.standard_normal((n, d))
        return math.sqrt(d) * x / np.linalg.norm(x, axis=1, keepdims=True) + noise * rng.standard_normal((n, d))

    return make


def hidden_classes(family: str, n: int, d: int, size: float) -> Callable[[np.random.Generator], Built]:
    """Rows of two classes with natural parameters of opposite signs; a model that knows of none."""

    def build(rng: np.random.Generator) -> Built:
        sign = torch.from_numpy(np.sign(rng.standard_normal((n, 1))))
        x = decoder(size * torch.from_numpy(np.sign(rng.standard_normal((1, d)))), family)(sign).sample().double()
        decode = decoder(torch.zeros(1, d).double(), family)
        return VariationalModel(constant(1), decode, standard(1)), x

    return build


def autocorrelated(n: int, d: int, share: float) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda rng: lfilter([1], [1, -share], rng.standard_normal((n, d)), axis=0)


def repeated(n: int, d: int, times: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda rng: np.repeat(rng.standard_normal((n // times, d)), times, axis=0)


def blobs(rng: np.random.Generator, n: int, d: int, shares: list[float], apart: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit Gaussians at the corners of a simplex, so far apart, and their means."""
    means = np.eye(max(d, len(shares)))[: len(shares), :d] * apart / math.sqrt(2)
    if len(shares) > d:
        means = np.arange(len(shares))[:, None] * apart * np.eye(d)[:1]
    return means[rng.choice(len(shares), n, p=shares)] + rng.standard_normal((n, d)), means


def two_blobs(rng: np.random.Generator) -> np.ndarray:
    return blobs(rng, 1000, 8, [0.5, 0.5], 4.0)[0]


def mixture(means: np.ndarray, shares: list[float]) -> GaussianMixture:
    """The mixture of unit Gaussians, as if it had been fitted."""
    model = GaussianMixture(len(means), covariance_type="spherical")
    model.means_, model.weights_ = means, np.asarray(shares)
    model.covariances_ = model.precisions_ = model.precisions_cholesky_ = np.ones(len(means))
    return model


def true_mixture(n: int, d: int, shares: list[float], apart: float) -> Callable[[np.random.Generator], Built]:
    def build(rng: np.random.Generator) -> Built:
        x, means = blobs(rng, n, d, shares, apart)
        return mixture(means, shares), x

    return build


def fitted_mixture(n: int, d: int, shares: list[float], apart: float, k: int) -> Callable[[np.random.Generator], Built]:
    """A mixture of more clusters than the rows form."""

    def build(rng: np.random.Generator) -> Built:
        x = blobs(rng, n, d, shares, apart)[0]
        return GaussianMixture(k, covariance_type="spherical", random_state=0).fit(x), x

    return build


def close_clusters(n: int, d: int, apart: float, modelled: float) -> Callable[[np.random.Generator], Built]:
    """Rows of two clusters, and a mixture whose two are nearer to each other than those."""

    def build(rng: np.random.Generator) -> Built:
        x, means = blobs(rng, n, d, [0.5, 0.5], apart)
        return mixture(means.mean(0) + modelled / apart * (means - means.mean(0)), [0.5, 0.5]), x

    return build


def blind_labels(n: int, d: int, apart: float, known_share: float) -> Callable[[np.random.Generator], Built]:
    """A mixture prior with clusters along the first latent, decoded as they are, and a q(y | x) that hardly looks."""

    def build(rng: np.random.Generator) -> Built:
        x, means = blobs(rng, n, d, [0.5, 0.5], apart)
        centre, spread = torch.from_numpy(means), torch.full((2, d), 1.0).double()
        noise = 0.3
        x = torch.from_numpy(x + noise * rng.standard_normal(x.shape))
        prior = MixtureSameFamily(Categorical(torch.ones(2).double()), Independent(Normal(centre, spread), 1))
        decode = lambda z: Independent(Normal(z, noise), 1)  # noqa: E731
        encode = lambda x: Independent(Normal(x / (1 + noise**2), noise), 1)  # noqa: E731

        def probabilities(rows: Tensor) -> np.ndarray:
            exact = mixture(means, [0.5, 0.5]).predict_proba(np.asarray(rows))
            return known_share * exact + (1 - known_share) / 2

        return Labelled(encode, decode, lambda: prior, probabilities), x

    return build


def healthy() -> list[Case]:
    strong = [
        ("gaussian", 200, 5, [2.0]), ("gaussian", 1000, 8, [3.0, 2.0, 1.5]), ("gaussian", 4000, 20, [2.0, 1.0]),
        ("gaussian", 500, 64, [3.0, 2.0]), ("bernoulli", 1000, 12, [6.0]), ("poisson", 500, 6, [1.5]),
        ("categorical", 1000, 10, [4.0]), ("laplace", 1000, 6, [4.0]),
    ]  # fmt: skip
    weak = [
        ("gaussian", 2000, 8, [0.6]), ("gaussian", 3000, 8, [0.55, 0.55, 0.55]), ("gaussian", 300, 8, [2.0, 0.9]),
        ("gaussian", 5000, 20, [1.0, 0.5]), ("bernoulli", 1500, 12, [1.8]), ("poisson", 1000, 6, [0.35]),
        ("categorical", 1500, 10, [1.2]), ("gaussian", 100, 5, [1.2]),
    ]  # fmt: skip
    return [
        *(
            Case("exact model", "latents", family, n, d, near, "healthy", known(family, n, d, sizes, sizes))
            for near, group in ((False, strong), (True, weak))
            for family, n, d, sizes in group
        ),
        Case("parabola", "latents", "gaussian", 500, 5, False, "healthy", curve(500, 5, 1.0)),
    ]


def model() -> list[Case]:
    cut = [
        (False, "gaussian", 500, 8, [3.0], [0.0]), (False, "gaussian", 1000, 20, [3.0, 2.0], [3.0, 0.0]),
        (False, "gaussian", 2000, 5, [2.0, 2.0], [2.0, 0.05]), (False, "poisson", 500, 6, [1.0], [0.0]),
        (True, "gaussian", 2000, 8, [0.55], [0.0]), (True, "gaussian", 1000, 20, [3.0, 0.7], [3.0, 0.0]),
        (True, "gaussian", 100, 5, [1.15], [0.0]), (True, "gaussian", 300, 64, [1.3], [0.0]),
        (True, "bernoulli", 1000, 12, [1.8], [0.0]), (True, "poisson", 1000, 6, [0.35], [0.0]),
    ]  # fmt: skip
    shapes = [
        (False, "ring", 1000, 2, ignoring(ring(1000, 0.1))),
        (False, "triangle", 1000, 2, ignoring(corners(TRIANGLE, 1000, 0.1))),
        (False, "sphere", 2000, 3, ignoring(sphere(2000, 0.1))),
        (True, "ring in eight columns", 2000, 8, ignoring(ring(2000, 0.2, 8))),
        (False, "noise of three times the spread", 1000, 8, ignoring(two_blobs, 3.0)),
        (True, "noisy ring", 1000, 2, ignoring(ring(1000, 0.45))),
        (True, "two values of one column", 500, 1, ignoring(corners([(-1,), (1,)], 500, 0.5))),
        (True, "product of signs", 1000, 3, ignoring(corners(EVEN_SIGNS, 1000, 0.55))),
    ]  # fmt: skip
    hidden = [(False, "bernoulli", 500, 10, 1.0), (True, "categorical", 1000, 8, 0.4), (True, "poisson", 500, 6, 0.15)]
    return [
        *(
            Case("decoder cut", "latents", f, n, d, near, "model", known(f, n, d, true, has))
            for near, f, n, d, true, has in cut
        ),
        *(Case(name, "latents", "gaussian", n, d, near, "model", build) for near, name, n, d, build in shapes),
        *(
            Case("two classes", "latents", f, n, d, near, "model", hidden_classes(f, n, d, size))
            for near, f, n, d, size in hidden
        ),
    ]


def data() -> list[Case]:
    none = [
        (False, "gaussian", 1000, 8, [0.0], [0.0]), (False, "gaussian", 2000, 20, [0.0], [0.0, 0.0]),
        (False, "gaussian", 1000, 8, [3.0, 2.0], [3.0, 2.0, 0.0]), (False, "gaussian", 3000, 8, [2.0], [2.0, 1.0]),
        (False, "bernoulli", 1000, 12, [0.0], [0.0]), (False, "categorical", 1000, 10, [0.0], [0.0]),
        (False, "poisson", 500, 6, [0.0], [0.0]), (False, "laplace", 1000, 6, [0.0], [0.0]),
        (True, "gaussian", 60, 8, [0.0], [0.0]), (True, "gaussian", 300, 64, [0.0], [0.0]),
        (True, "gaussian", 4000, 8, [0.25], [0.0]), (True, "gaussian", 3000, 8, [2.0], [2.0, 0.5]),
        (True, "poisson", 1000, 6, [1.0], [1.0, 0.0]), (True, "bernoulli", 1000, 12, [4.0], [4.0, 0.0]),
    ]  # fmt: skip
    others = [
        (False, "rows repeated ten times", 2000, 8, ignoring(repeated(2000, 8, 10))),
        (True, "autocorrelation .9", 1500, 8, ignoring(autocorrelated(1500, 8, 0.9))),
        (False, "one column of noise", 500, 1, ignoring(lambda rng: rng.standard_normal((500, 1)))),
        (True, "rows repeated twenty times", 2000, 5, ignoring(repeated(2000, 5, 20))),
        (True, "autocorrelation .6", 500, 4, ignoring(autocorrelated(500, 4, 0.6))),
        (True, "wide noise", 400, 100, ignoring(lambda rng: rng.standard_normal((400, 100)))),
    ]  # fmt: skip
    return [
        *(
            Case("no direction", "latents", f, n, d, near, "data", known(f, n, d, true, has))
            for near, f, n, d, true, has in none
        ),
        *(Case(name, "latents", "gaussian", n, d, near, "data", build) for near, name, n, d, build in others),
    ]


def inference() -> list[Case]:
    cut = [
        (False, "gaussian", 500, 8, [2.0], 0), (False, "gaussian", 1000, 20, [3.0, 2.0], 1),
        (False, "gaussian", 2000, 8, [3.0, 2.0, 1.5], 2), (False, "bernoulli", 500, 12, [6.0], 0),
        (False, "poisson", 500, 6, [1.0], 0), (False, "categorical", 500, 10, [4.0], 0),
        (False, "laplace", 500, 6, [4.0], 0),
        (True, "gaussian", 100, 5, [0.3], 0), (True, "gaussian", 1000, 8, [0.18], 0),
        (True, "gaussian", 500, 20, [2.0, 0.25], 1), (True, "bernoulli", 500, 12, [0.8], 0),
        (True, "poisson", 300, 6, [0.2], 0), (True, "categorical", 500, 10, [0.4], 0),
        (True, "laplace", 300, 6, [0.3], 0),
    ]  # fmt: skip
    return [
        Case("encoder cut", "latents", f, n, d, near, "inference", known(f, n, d, sizes, sizes, latent))
        for near, f, n, d, sizes, latent in cut
    ]


def undecided() -> list[Case]:
    few = [(True, 12, 8), (True, 20, 20), (True, 30, 40), (True, 40, 100)]
    return [
        Case("too few rows", "latents", "gaussian", n, d, near, "undecided", known("gaussian", n, d, [0.0], [0.0]))
        for near, n, d in few
    ]


def labels() -> list[Case]:
    half = [0.5, 0.5]
    true = [
        (False, 500, 4, half, 6.0), (False, 600, 4, [0.9, 0.1], 8.0), (False, 500, 3, [1 / 3] * 3, 6.0),
        (False, 1000, 8, [0.2] * 5, 7.0), (True, 1000, 5, [0.98, 0.02], 6.0), (True, 500, 2, half, 3.0),
        (True, 1000, 5, [0.9, 0.1], 3.2), (True, 300, 3, [0.6, 0.3, 0.1], 5.0),
    ]  # fmt: skip
    many = [
        (False, 500, 3, [1.0], 0.0, 2), (False, 500, 6, [1.0], 0.0, 10), (False, 600, 4, [1 / 3] * 3, 8.0, 6),
        (False, 600, 2, [0.9, 0.1], 8.0, 4), (True, 300, 2, [1.0], 0.0, 3), (True, 400, 4, [1 / 3] * 3, 5.0, 4),
        (True, 200, 3, half, 5.0, 3), (True, 500, 1, [1.0], 0.0, 2),
    ]  # fmt: skip
    close = [(False, 500, 4, 8.0, 0.0), (False, 1000, 8, 5.0, 0.2), (True, 500, 4, 4.0, 0.3), (True, 300, 2, 4.0, 0.3)]
    blind = [(False, 500, 2, 6.0, 0.0), (False, 500, 3, 8.0, 0.02), (True, 300, 2, 5.0, 0.3), (True, 500, 2, 5.0, 0.2)]
    return [
        *(
            Case("true clusters", "labels", "mixture", n, d, near, "healthy", true_mixture(n, d, *what))
            for near, n, d, *what in true
        ),
        *(
            Case("too many clusters", "labels", "mixture", n, d, near, "data", fitted_mixture(n, d, *what))
            for near, n, d, *what in many
        ),
        *(
            Case("close clusters", "labels", "mixture", n, d, near, "model", close_clusters(n, d, *what))
            for near, n, d, *what in close
        ),
        *(
            Case("blind labels", "labels", "gaussian", n, d, near, "inference", blind_labels(n, d, *what))
            for near, n, d, *what in blind
        ),
    ]


CASES = [*healthy(), *model(), *data(), *inference(), *undecided(), *labels()]
