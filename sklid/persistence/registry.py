"""The closed list of what a file may hold: each class with its form, and nothing beside them."""

from functools import cache

import numpy as np
from sklearn.preprocessing import StandardScaler

from .. import baselines
from ..estimators.clustering import MixtureMixin
from ..estimators.lidgmvae import LIDGMVAEClustering
from ..estimators.lidmvae import LIDMVAEClustering
from ..estimators.lidsvae import LIDSVAE
from ..estimators.lidvae import LIDVAE
from ..estimators.sequences import SequenceEstimator
from ..estimators.valleys import Merging
from ..imputation.imputer import LIDVAEImputer
from ..imputation.linear import LinearFilling
from ..linear.factor_model import FactorModel
from ..linear.incremental import Batches
from ..linear.linear_gaussian import LinearGaussian
from ..linear.ppca import IdentifiablePPCA
from .estimators import EstimatorForm, LinearForm, TrainedForm
from .frames import ContainerForm
from .kinds import Anything, Array, Each, Flag, Is, Kind, Maybe, Number, Table, Whole
from .records import RECORDS
from .scikit import SCIKIT_LEARN
from .values import Form

__all__ = ["forms"]

FLOATS = Is((type(np.dtype("f4")), type(np.dtype("f8"))))
COMPONENTS = Array("f", ("components",))

TRAINED: dict[str, Kind] = {
    "_seed": Whole(),
    "_architecture": Table(Anything()),
    "n_components_": Whole(1, "components"),
    "interrupted_": Flag(),
    "_table": Anything(),
    "net_": Anything(),
}
"""Attributes of every estimator with a net."""
OF_TABLES = {**TRAINED, "n_features_in_": Whole(1, "features")}
OF_CLUSTERS = {**OF_TABLES, "labels_": Array("iu", ("rows",)), "_mergings": Each(Is((Merging,)))}
LINEAR: dict[str, Kind] = {
    "n_features_in_": Whole(1, "features"),
    "model_": Is((LinearGaussian, FactorModel)),
    "_dtype": FLOATS,
    "_batches": Maybe(Is((Batches,))),
    "kl_": COMPONENTS,
    "explained_variance_": COMPONENTS,
    "total_variance_": Number(),
    "n_identifiable_": Whole(),
    "n_samples_": Number(),
    "n_iter_": Whole(),
    "converged_": Flag(),
    "isotropy_pvalue_": Number(),
    "noise_kurtosis_": Number(),
    "net_": Anything(),
}
IMPUTER: dict[str, Kind] = {
    "n_features_in_": Whole(1, "features"),
    "_seed": Whole(),
    "scaler_": Is((StandardScaler,)),
    "errors_": Table(Number()),
    "spread_": Number(),
    "estimator_": Is((LIDVAE, LinearFilling)),
}


@cache
def forms() -> tuple[Form, ...]:
    """The forms of all classes that a file may hold."""
    trained = [LIDVAE, LIDGMVAEClustering, LIDMVAEClustering, LIDSVAE]
    trained += [getattr(baselines, name) for name in baselines.__all__]
    return (
        *(TrainedForm(cls, _attributes(cls)) for cls in trained),
        *(LinearForm(cls, LINEAR) for cls in (IdentifiablePPCA, LinearFilling)),
        EstimatorForm(LIDVAEImputer, IMPUTER),
        *SCIKIT_LEARN,
        *RECORDS,
        ContainerForm(),
    )


def _attributes(cls: type) -> dict[str, Kind]:
    if issubclass(cls, SequenceEstimator):
        return TRAINED
    return OF_CLUSTERS if issubclass(cls, MixtureMixin) else OF_TABLES
