r"""Posteriors q(z | x_n) of rows beside the prior p(z), and their marginals, from any source that a metric takes."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, MultivariateNormal, Normal

from ..data.blocks import tensor_of
from ..data.table import ModelRows
from ..nn.draws import drawing, generators_of
from ..surroundings import without_gradients
from .joined import joined
from .sources import View, is_model, standard_normal, view_of

__all__ = [
    "Encodings",
    "draws_of",
    "encodings",
    "encodings_of",
    "marginal",
    "marginals",
    "n_draws_of",
    "posterior_of",
    "without",
]

LEAST_DRAWS, DRAWS_IN_ALL = 64, 1 << 16
"""Draws per row, and of all rows together at least, for moments and divergences that have no closed form."""
DRAW_NUMBERS = 1 << 22
"""Numbers in the draws held at once."""


def n_draws_of(q: Distribution) -> int:
    """How many draws `draws_of` gives for each row: more where the rows are few, and their averages noisy."""
    return max(LEAST_DRAWS, math.ceil(DRAWS_IN_ALL / max(1, q.batch_shape.numel())))


def draws_of(q: Distribution) -> Iterator[Tensor]:
    """Draws in blocks, each ``(S, *)``."""
    n_draws = n_draws_of(q)
    step = max(1, DRAW_NUMBERS // max(1, math.prod(q.batch_shape + q.event_shape)))
    return (q.sample(torch.Size([min(step, n_draws - start)])) for start in range(0, n_draws, step))


class Encodings(NamedTuple):
    """Posteriors of batch shape ``(N,)`` and a prior, both of event shape ``(K,)``."""

    posterior: Distribution
    prior: Distribution

    @property
    def has_moments(self) -> bool:
        """Whether means and standard deviations of the posteriors have a closed form."""
        try:
            return len(self.posterior.mean) == len(self.posterior.stddev)
        except NotImplementedError:
            return False

    def moments(self) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the posteriors, each ``(N, K)``; by draws where there is no closed form."""
        if self.has_moments:
            return self.posterior.mean, self.posterior.stddev
        total, squares, n_draws = 0.0, 0.0, n_draws_of(self.posterior)
        for z in draws_of(self.posterior):
            total, squares = total + z.double().sum(0), squares + z.double().square().sum(0)
        mean = total / n_draws
        variance = ((squares - n_draws * mean.square()) / (n_draws - 1)).clamp_min(0)
        return mean.to(z.dtype), variance.sqrt().to(z.dtype)

    def variances_of_means(self, means: Tensor, deviations: Tensor) -> Tensor:
        """Variance over the rows of the posterior means, ``(K,)``, from what `moments` gave.

        Means of S draws vary by the S-th part of the posterior variance more than those of the posteriors do.
        """
        variances = means.double().var(0, correction=0)
        if self.has_moments:
            return variances
        return (variances - deviations.double().square().mean(0) / n_draws_of(self.posterior)).clamp_min(0)


@without_gradients()
def encodings(first: Any, second: Any = None) -> Encodings:
    """The posteriors and the prior behind the two arguments of a metric.

    Parameters
    ----------
    first, second
        One of three pairs. A model and rows X: what `view_of` takes. A `torch.distributions.Distribution` q(z | x) over
        rows, with one of p(z) or None for the standard normal; batch shape ``(N,)`` and event shape ``(K,)``, or batch
        shape ``(N, K)``. Arrays of posterior means and of standard deviations, each ``(N, K)``, for Gaussian posteriors
        under the standard normal prior. A pair may also come as one tuple.

    Raises
    ------
    TypeError
        If the first is none of these, or the second does not go with it.
    ValueError
        If shapes do not agree, a standard deviation is not positive, or a posterior is not finite.
    """
    if isinstance(first, tuple) and len(first) == 2 and second is None:
        first, second = first
    if isinstance(first, Distribution):
        return _of_distributions(first, second)
    if is_model(first):
        return encodings_of(view_of(first, second))
    return _of_moments(first, second)


@without_gradients()
def encodings_of(view: View) -> Encodings:
    """The posteriors of the rows and the prior of a model."""
    prior, posterior = getattr(view.model, "prior", None), posterior_of(view)
    if not isinstance(posterior, Distribution):
        raise TypeError(
            "encode gives a torch.distributions.Distribution over the latents of every row; "
            f"it gave a {type(posterior).__name__}."
        )
    encoded = _of_distributions(posterior, prior() if callable(prior) else prior)
    n_encoded = encoded.posterior.batch_shape[0]
    if n_encoded != len(view.rows):
        raise ValueError(f"encode gave {n_encoded} posteriors for {len(view.rows)} rows.")
    return encoded


def posterior_of(view: View) -> Any:
    """What the encoder of a model gives for the rows; block by block where these are read as they are needed."""
    if not isinstance(view.rows, ModelRows):
        return view.model.encode(view.rows)
    posterior = joined(view.model.encode(block.rows) for block in view.blocks(1))
    return view.model.encode(view.rows[:]) if posterior is None else posterior


def marginals(distribution: Distribution) -> Distribution | None:
    """The distributions of each latent alone, as one of batch shape ``(*, K)``; None where they are not known.

    The joint distribution has batch shape ``(*,)`` and event shape ``(K,)``.
    """
    if isinstance(distribution, Independent) and isinstance(distribution.base_dist, Normal):
        return distribution.base_dist
    if isinstance(distribution, MultivariateNormal):
        return Normal(distribution.mean, distribution.stddev, validate_args=False)
    clusters = marginals(distribution.component_distribution) if isinstance(distribution, MixtureSameFamily) else None
    if clusters is None:
        return None
    logits = distribution.mixture_distribution.logits.unsqueeze(-2)
    normals = Normal(clusters.mean.mT, clusters.stddev.mT, validate_args=False)
    return MixtureSameFamily(
        Categorical(logits=logits.expand_as(normals.mean), validate_args=False), normals, validate_args=False
    )


def marginal(each: Distribution, latent: int) -> Distribution:
    """One of the marginals that `marginals` gives, of batch shape ``(*,)``."""
    if isinstance(each, Normal):
        return Normal(each.mean[..., latent], each.stddev[..., latent], validate_args=False)
    normals = each.component_distribution
    labels = Categorical(logits=each.mixture_distribution.logits[..., latent, :], validate_args=False)
    chosen = Normal(normals.mean[..., latent, :], normals.stddev[..., latent, :], validate_args=False)
    return MixtureSameFamily(labels, chosen, validate_args=False)


def without(distribution: Distribution, latent: int) -> Distribution | None:
    """The joint marginal of all latents but one, of event shape ``(K - 1,)``, or None where it is not known."""
    kept = [number for number in range(distribution.event_shape[0]) if number != latent]
    if isinstance(distribution, Independent) and isinstance(distribution.base_dist, Normal):
        return Independent(
            Normal(distribution.mean[..., kept], distribution.stddev[..., kept], validate_args=False),
            1,
            validate_args=False,
        )
    if isinstance(distribution, MultivariateNormal):
        covariance = distribution.covariance_matrix[..., kept, :][..., kept]
        return MultivariateNormal(distribution.mean[..., kept], covariance, validate_args=False)
    clusters = (
        without(distribution.component_distribution, latent) if isinstance(distribution, MixtureSameFamily) else None
    )
    return (
        None
        if clusters is None
        else MixtureSameFamily(distribution.mixture_distribution, clusters, validate_args=False)
    )


def _of_distributions(posterior: Distribution, prior: Distribution | None) -> Encodings:
    if len(posterior.event_shape) == 0 and len(posterior.batch_shape) == 2:
        posterior = Independent(posterior, 1, validate_args=False)
    if len(posterior.event_shape) != 1 or len(posterior.batch_shape) != 1:
        raise ValueError(
            "The posterior needs batch shape (N,) and event shape (K,), or batch shape (N, K); "
            f"it has {tuple(posterior.batch_shape)} and {tuple(posterior.event_shape)}."
        )
    _check_finite(posterior)
    if prior is None:
        prior = standard_normal(posterior.event_shape[0], posterior.sample())
    if not isinstance(prior, Distribution):
        raise TypeError(
            "The prior is a torch.distributions.Distribution, of a VariationalModel also a function without arguments "
            f"that gives one, or None for N(0, I); got {type(prior).__name__}."
        )
    if len(prior.event_shape) == 0 and prior.batch_shape in (torch.Size(), torch.Size([1]), posterior.event_shape):
        prior = Independent(prior.expand(posterior.event_shape), 1, validate_args=False)
    if prior.event_shape != posterior.event_shape:
        size = tuple(prior.batch_shape + prior.event_shape)
        raise ValueError(
            f"The posterior has {posterior.event_shape[0]} latents and the prior {', '.join(map(str, size))}."
        )
    return Encodings(posterior, prior)


def _check_finite(posterior: Distribution) -> None:
    """ValueError for a row whose posterior is nowhere, which every average would turn into nothing or into nan."""
    try:
        moments = posterior.mean + posterior.stddev
    except NotImplementedError:
        with generators_of(0), drawing():  # no draw of the measurement is used up
            moments = posterior.sample()
    wrong = ~torch.isfinite(moments).all(dim=-1)
    if wrong.any():
        raise ValueError(
            f"The posteriors of {int(wrong.sum())} of {len(wrong)} rows have means or standard deviations that are not "
            f"finite, first that of row {int(wrong.nonzero()[0])}. Leave these rows out, or mend the encoder."
        )


def _of_moments(loc: ArrayLike, scale: ArrayLike | None) -> Encodings:
    if scale is None:
        raise TypeError(
            "Posterior means need standard deviations beside them: pass (loc, scale), two arrays of shape (n_samples, "
            "n_components)."
        )
    loc, scale = check_array(loc, dtype=np.float64), check_array(scale, dtype=np.float64)
    check_consistent_length(loc, scale)
    if loc.shape != scale.shape or not (scale > 0).all():
        raise ValueError(
            "loc and scale need one shape and positive scales; "
            f"got {loc.shape}, {scale.shape}, least scale {scale.min():.3g}."
        )
    q = Normal(tensor_of(loc), tensor_of(scale), validate_args=False)
    return Encodings(Independent(q, 1, validate_args=False), standard_normal(loc.shape[1], q.mean))
