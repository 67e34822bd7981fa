"""
A training loop of your own
===========================

The modules of `sklid.nn` in a training loop of your own, and in a skorch net of your own. Both train the same model on
three noisy copies of one curve; both end with a latent that orders the points along it.
"""

import torch
from skorch import NeuralNet

from sklid.nn import Bound, GaussianLikelihood, GaussianPosterior, InjectiveDecoder, LatentVariableModel, StandardNormal


def curve(n_rows: int = 512) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on a parabola in three dimensions with a little noise, and their place t along it."""
    t = torch.randn(n_rows, 1)
    return torch.cat([t, 0.5 * t**2, -t], dim=1) + 0.1 * torch.randn(n_rows, 3), t.squeeze(1)


def build(x: torch.Tensor) -> LatentVariableModel:
    """A model of four parts, started at the principal component of the rows."""
    model = LatentVariableModel(
        prior=StandardNormal(1),
        decoder=InjectiveDecoder(1, 3, depth=2, width=32, inverse_lipschitz=1.0),
        likelihood=GaussianLikelihood(3),
        posterior=GaussianPosterior(3, 1, width=32),
    )
    model.initialise(x)
    return model


def train_in_a_loop(x: torch.Tensor, n_epochs: int = 30) -> LatentVariableModel:
    model = build(x)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(n_epochs):
        for batch in x[torch.randperm(len(x))].split(64):
            optimiser.zero_grad()
            (-model(batch).elbo().mean()).backward()
            optimiser.step()
    return model


class NegativeBound(torch.nn.Module):
    def forward(self, bound: Bound, target: torch.Tensor) -> torch.Tensor:
        return -bound.elbo().mean()


def train_with_skorch(x: torch.Tensor, n_epochs: int = 30) -> LatentVariableModel:
    settings = {
        "optimizer": torch.optim.Adam,
        "lr": 5e-3,
        "batch_size": 64,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
    }
    net = NeuralNet(build(x), NegativeBound, max_epochs=n_epochs, **settings)
    return net.fit(x, torch.zeros(len(x))).module_


def rank_correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    ranks = torch.stack([a.argsort().argsort(), b.argsort().argsort()]).double()
    return torch.corrcoef(ranks)[0, 1].abs().item()


def main() -> dict[str, float]:
    torch.manual_seed(0)
    x, t = curve()
    found = {}
    for train in (train_in_a_loop, train_with_skorch):
        model = train(x)
        with torch.no_grad():
            found[train.__name__] = rank_correlation(model.encode(x).mean.squeeze(1), t)
            z = torch.linspace(-2, 2, 9)[:, None]
            error = (
                (model.decoder.inverse(model.natural_parameters(z), model.likelihood.gain(), tol=1e-4) - z).abs().max()
            )
        print(
            f"{train.__name__}: rank correlation of latent and curve {found[train.__name__]:.3f}, "
            f"error of the inverse decoder {error:.1e}"
        )
    return found


if __name__ == "__main__":
    main()
