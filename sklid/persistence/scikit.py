"""Forms of what scikit-learn's pipelines have beside the estimators of this package: scalers, and the pipelines."""

from typing import Any

import numpy as np
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from ..exceptions import ModelFileError
from .archive import damaged
from .estimators import OF_ALL, EstimatorForm
from .kinds import Anything, Array, Is, Kind, Maybe, Number, Text, Whole
from .values import Packer, Unpacker

__all__ = ["SCIKIT_LEARN"]

COLUMNS = Array("fiu", ("features",))
MAYBE_COLUMNS = Maybe(COLUMNS)
COMPONENTS = Array("f", ("components",))
DIRECTIONS = Array("f", ("components", "features"))
COUNT = Maybe(Number(), Array("iuf", ("features",)))
DECOMPOSED: dict[str, Kind] = {
    "components_": DIRECTIONS,
    "explained_variance_": COMPONENTS,
    "explained_variance_ratio_": COMPONENTS,
    "singular_values_": COMPONENTS,
}
WIDTH = {"n_features_in_": Whole(1, "features")}


def of_scaler(cls: type, optional: dict[str, Kind] | None = None, **fields: Kind) -> EstimatorForm:
    """The form of an estimator that knows the number of its columns."""
    return EstimatorForm(cls, {**WIDTH, **fields}, optional or {})


SCALERS = [
    of_scaler(StandardScaler, mean_=MAYBE_COLUMNS, var_=MAYBE_COLUMNS, scale_=MAYBE_COLUMNS, n_samples_seen_=COUNT),
    of_scaler(
        MinMaxScaler,
        min_=COLUMNS,
        scale_=COLUMNS,
        data_min_=COLUMNS,
        data_max_=COLUMNS,
        data_range_=COLUMNS,
        n_samples_seen_=COUNT,
    ),
    of_scaler(MaxAbsScaler, scale_=COLUMNS, max_abs_=COLUMNS, n_samples_seen_=COUNT),
    of_scaler(RobustScaler, center_=MAYBE_COLUMNS, scale_=MAYBE_COLUMNS),
    of_scaler(Normalizer),
    of_scaler(PowerTransformer, {"_scaler": Is((StandardScaler,))}, lambdas_=COLUMNS),
    of_scaler(
        QuantileTransformer,
        n_quantiles_=Whole(1, "quantiles"),
        references_=Array("f", ("quantiles",)),
        quantiles_=Array("f", ("quantiles", "features")),
    ),
    of_scaler(
        SimpleImputer,
        {"_fill_dtype": Is((type(np.dtype("f4")), type(np.dtype("f8"))))},
        statistics_=Array("Ofiu", ("features",)),
        _fit_dtype=Is((type(np.dtype("f4")), type(np.dtype("f8")))),
        indicator_=Maybe(Is((MissingIndicator,))),
    ),
    of_scaler(MissingIndicator, features_=Array("iu", None), _n_features=Whole(1, "features"), _precomputed=Anything()),
    of_scaler(
        PCA,
        **DECOMPOSED,
        mean_=COLUMNS,
        noise_variance_=Number(),
        n_samples_=Whole(1),
        n_components_=Whole(1, "components"),
        _fit_svd_solver=Text(),
    ),
    of_scaler(TruncatedSVD, **DECOMPOSED),
    of_scaler(
        LogisticRegression,
        classes_=Array("OUfiub", ("classes",)),
        coef_=Array("f", ("rows", "features")),
        intercept_=Array("f", ("rows",)),
        n_iter_=Array("iu", None),
    ),
]


class PipelineForm:
    """The form of a pipeline, whose steps have forms of their own."""

    cls = Pipeline
    plain = ("verbose", "transform_input")

    def packed(self, found: Pipeline, packer: Packer, path: str) -> dict[str, Any]:
        if found.memory is not None:
            packer.value(found.memory, f"{path}.memory")
            raise ModelFileError(f"{path} keeps fitted steps in the folder {found.memory!r}: set memory=None.")
        own = {name: value for name, value in vars(found).items() if name in (*self.plain, *OF_ALL)}
        self._check_steps(found, packer, path)
        return {
            "steps": [[name, packer.value(step, f"{path}.{name}")] for name, step in found.steps],
            "own": {name: packer.value(value, f"{path}.{name}") for name, value in own.items()},
        }

    def unpacked(self, described: dict[str, Any], unpacker: Unpacker, path: str) -> Pipeline:
        steps = [(str(name), unpacker.value(step, f"{path}.{name}")) for name, step in described["steps"]]
        for name, step in steps:
            if step not in (None, "passthrough") and not hasattr(step, "fit"):
                raise damaged(f"{path}.{name} is {step!r}, which is no step of a pipeline")
        own = {name: unpacker.value(value, f"{path}.{name}") for name, value in described["own"].items()}
        unknown = sorted(own.keys() - {*self.plain, *OF_ALL})
        if unknown or not steps:
            raise damaged(f"{path} has the parts {[*unknown, *described['steps']]}, which make no pipeline")
        found = Pipeline(steps)
        vars(found).update(own)
        return found

    def _check_steps(self, found: Pipeline, packer: Packer, path: str) -> None:
        """ModelFileError for a step that has no form, by its name."""
        for name, step in found.steps:
            if step not in (None, "passthrough") and not packer.knows(step):
                raise ModelFileError(
                    f"The step {name!r} of {path} is a {type(step).__name__}, which a model file does not hold. It "
                    f"holds the estimators of sklid, {', '.join(form.cls.__name__ for form in SCALERS)}, and pipelines "
                    "of these. Save the steps apart, or use joblib.dump, whose files run code when they are read."
                )


SCIKIT_LEARN = [*SCALERS, PipelineForm()]
