r"""A fitted model whose parts that depend on its parameters alone are constants.

An orthonormal beta is found by Householder's decomposition and the axes of clusters by the exponential of a matrix, for
which inference engines have no operator. Neither depends on a row.
"""

import copy

import torch
from torch import Tensor, nn

from ..nn import LatentVariableModel, OrthogonalEmbedding, gaps

__all__ = ["Constant", "frozen"]


class Constant(nn.Module):
    """A module without arguments that gives one tensor."""

    value: Tensor

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value.detach().clone())

    def forward(self) -> Tensor:
        return self.value


@torch.no_grad()
def frozen(model: LatentVariableModel, takes_gaps: bool = True) -> LatentVariableModel:
    """A copy on the CPU, out of training, with constants in the place of what depends on its parameters alone.

    Parameters
    ----------
    model : LatentVariableModel
    takes_gaps : bool, default=True
        Whether nan in a row is to be a gap, as it is to the estimators of tables.
    """
    model = copy.deepcopy(model).cpu().eval().requires_grad_(False)
    if takes_gaps and not gaps.takes_gaps(model.likelihood):
        gaps.take_gaps(model)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, OrthogonalEmbedding):
                setattr(module, name, Constant(child()))
    clusters = getattr(model.prior, "clusters", None)
    if getattr(clusters, "turns", None) is not None:
        clusters.settle()
        clusters.turns = None
    return model
