r"""What a fitted model answers about rows, each answer a torch module, in the units of the data.

.. math:: E[z \mid x], \quad E[x \mid z], \quad q(y \mid x), \quad \log p(x)

Draws that an answer needs are those of the estimator: constants, of which a row names its own. Answers are in the
floating-point type of the rows, and those of the estimator for rows in double precision.
"""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from ..nn import JointMixtureModel, LatentVariableModel, SeparatedMixture, iwae
from ..nn.gaps import wide_draws
from ..randomness import RowNoise
from .frozen import frozen
from .row_noise import GraphNoise
from .units import Units

__all__ = ["Decoding", "LabelProbabilities", "Labels", "PosteriorMean", "Reconstruction", "Scores"]


class PosteriorMean(nn.Module):
    """E[z | x]: ``(N, P) -> (N, K)``, computed in single precision.

    Parameters
    ----------
    model : LatentVariableModel
    units : Units
    noise : RowNoise or None
        Whose draws the mean is over, of a posterior whose mean has no closed form.
    """

    def __init__(self, model: LatentVariableModel, units: Units, noise: RowNoise | None) -> None:
        super().__init__()
        self.model, self.units = frozen(model), units
        self.noise = None if noise is None else GraphNoise(noise, model.likelihood.n_features)

    def forward(self, X: Tensor) -> Tensor:
        return self.of_rows(self.units(X).float()).to(X.dtype)

    def of_rows(self, x: Tensor) -> Tensor:
        """The same of rows as the model sees them."""
        q = self.model.encode(x)
        return q.mean if self.noise is None else self.model.draw(q, self.noise(x))[0].mean(0)


class Decoding(nn.Module):
    """E[x | z], or the most probable code: ``(N, K) -> (N, P)``, computed in single precision.

    Parameters
    ----------
    model : LatentVariableModel
    units : Units
    """

    def __init__(self, model: LatentVariableModel, units: Units) -> None:
        super().__init__()
        self.model, self.units = frozen(model), units

    def forward(self, Z: Tensor) -> Tensor:
        eta = self.model.natural_parameters(Z.float())
        return self.units.restored(self.model.likelihood.mean(eta)).to(Z.dtype)


class Reconstruction(nn.Module):
    """E[x | z] at the posterior mean, or the most probable code: ``(N, P) -> (N, P)``, computed in single precision.

    Parameters
    ----------
    model : LatentVariableModel
    units : Units
    noise : RowNoise or None
        As of `PosteriorMean`.
    """

    def __init__(self, model: LatentVariableModel, units: Units, noise: RowNoise | None) -> None:
        super().__init__()
        self.encoding, self.units = PosteriorMean(model, units, noise), units

    def forward(self, X: Tensor) -> Tensor:
        x, model = self.units(X).float(), self.encoding.model
        eta = model.natural_parameters(self.encoding.of_rows(x), model.given(x))
        return self.units.restored(model.likelihood.mean(eta)).to(X.dtype)


class LabelProbabilities(nn.Module):
    """q(y | x): ``(N, P) -> (N, C)``, computed in double precision, of an encoder with convolutions in single.

    onnxruntime has convolutions in single precision alone.

    Parameters
    ----------
    model : MixtureModel
    units : Units
    noise : RowNoise
        Whose draws the probabilities are averaged over.
    """

    def __init__(self, model: LatentVariableModel, units: Units, noise: RowNoise) -> None:
        super().__init__()
        convolves = any(isinstance(part, nn.Conv2d) for part in model.posterior.modules())
        self.dtype = torch.float32 if convolves else torch.float64
        self.model, self.units = frozen(model).to(self.dtype), units
        self.noise = GraphNoise(noise, model.likelihood.n_features)

    def forward(self, X: Tensor) -> Tensor:
        x = self.units(X).to(self.dtype)
        probabilities = self.model.label_probabilities(x, self.noise(x))
        return (probabilities / probabilities.sum(-1, keepdim=True)).to(X.dtype)


class Labels(LabelProbabilities):
    """The most probable label: ``(N, P)`` to whole numbers ``(N,)``."""

    def forward(self, X: Tensor) -> Tensor:
        return super().forward(X.double()).argmax(-1)


class Scores(nn.Module):
    """Importance-weighted bound on log p(x) in nats: ``(N, P) -> (N,)``, computed in single precision.

    Rows with gaps have half their draws from the moments of the prior, as of `sklid.nn.gaps.guarded_draws`.

    Parameters
    ----------
    model : LatentVariableModel
    units : Units
    noise : RowNoise
        Of the importance samples.
    """

    centre: Tensor
    spread: Tensor
    log_shares: Tensor

    def __init__(self, model: LatentVariableModel, units: Units, noise: RowNoise) -> None:
        super().__init__()
        self.model, self.units = frozen(model), units
        self.noise = GraphNoise(noise, model.likelihood.n_features)
        self.n_wide = noise.n_draws // 2
        p = model.prior()
        self.register_buffer("centre", p.mean.detach().cpu())
        self.register_buffer("spread", p.stddev.detach().cpu())
        shares = torch.tensor([noise.n_draws - self.n_wide, self.n_wide]) / noise.n_draws
        self.register_buffer("log_shares", shares.log())

    def forward(self, X: Tensor) -> Tensor:
        x = self.units(X).float()
        return (iwae(self.log_weights(x, self.noise(x))).double() - self.units.log_volumes(X)).to(X.dtype)

    def log_weights(self, x: Tensor, noise: Tensor) -> Tensor:
        """Log-weights of the draws: ``(N, P), (S, N, K) -> (S, N)``."""
        has_gaps = torch.isnan(x).any(-1)
        q = self.model.encode(x)
        wide, z_wide = wide_draws(self.model, self.centre, self.spread, noise[: self.n_wide])
        if isinstance(self.model, JointMixtureModel):  # which places its draws by their number
            z = torch.cat([self.model.draw(q, noise[self.n_wide :])[0], z_wide])
            guarded = self._log_joint(x, z) - self._log_density(q, wide, z)
            return torch.where(has_gaps, guarded, self.model.log_weights(x, noise))
        z, log_q = self.model.draw(q, noise)
        z = torch.cat([torch.where(has_gaps.unsqueeze(-1), z_wide, z[: self.n_wide]), z[self.n_wide :]])
        return self._log_joint(x, z) - torch.where(has_gaps, self._log_density(q, wide, z), log_q)

    def _log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """Log p(x, z): ``(N, P), (S, N, K) -> (S, N)``."""
        prior = self.model.prior
        of_mixture = isinstance(prior, SeparatedMixture)
        log_prior = prior.log_joint(z.unsqueeze(-2)).logsumexp(-1) if of_mixture else prior().log_prob(z)
        return self.model.decode(z, self.model.given(x)).log_prob(x) + log_prior

    def _log_density(self, q: Distribution, wide: Distribution, z: Tensor) -> Tensor:
        """That of draws of which half are wide: ``(S, N, K) -> (S, N)``."""
        return torch.logaddexp(q.log_prob(z) + self.log_shares[0], wide.log_prob(z) + self.log_shares[1])
