"""Pictures of models, as data plus a method `plot` that alone draws; they need the extra ``sklid[plots]``."""

from .clusters import ClusterDisplay
from .collapse import CollapseDisplay
from .comparison import ComparisonDisplay
from .depth import DepthCurveDisplay
from .latent_space import LatentSpaceDisplay
from .reconstruction import ReconstructionDisplay
from .surface import LikelihoodSurfaceDisplay
from .training import TrainingCurveDisplay
from .traversal import LatentTraversalDisplay

__all__ = [
    "ClusterDisplay",
    "CollapseDisplay",
    "ComparisonDisplay",
    "DepthCurveDisplay",
    "LatentSpaceDisplay",
    "LatentTraversalDisplay",
    "LikelihoodSurfaceDisplay",
    "ReconstructionDisplay",
    "TrainingCurveDisplay",
]
