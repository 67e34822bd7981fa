"""Which torch module answers a question in the place of a fitted estimator, and which questions have none."""

from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ..data.conditioned_adapter import ConditionedAdapter
from ..estimators.base import LatentVariableEstimator
from ..estimators.sequences import SequenceEstimator
from ..linear.ppca import IdentifiablePPCA
from ..nn.refined_model import Refined
from ..surroundings import making_modules, without_gradients
from .answers import Decoding, LabelProbabilities, Labels, PosteriorMean, Reconstruction, Scores
from .document_answers import DocumentMean
from .linear_answers import LinearDecoding, LinearPosteriorMean, LinearReconstruction, LinearScores
from .units import Units

__all__ = ["METHODS", "final_step", "to_module"]

METHODS = ("transform", "predict", "predict_proba", "score_samples", "inverse_transform")
LINEAR = {
    "transform": LinearPosteriorMean,
    "predict": LinearReconstruction,
    "score_samples": LinearScores,
    "inverse_transform": LinearDecoding,
}


class Scaled(nn.Module):
    """An answer of a pipeline whose earlier steps are scalers.

    Parameters
    ----------
    answer : nn.Module
        Of the last step.
    steps : list of Units
    decodes : bool
        Whether rows are what it gives, not what it takes.
    """

    def __init__(self, answer: nn.Module, steps: list[Units], decodes: bool) -> None:
        super().__init__()
        self.answer, self.steps, self.decodes = answer, nn.ModuleList(steps), decodes

    def forward(self, X: Tensor) -> Tensor:
        x = X.double()
        for step in () if self.decodes else self.steps:
            x = step(x)
        y = self.answer(x)
        for step in reversed(self.steps) if self.decodes else ():
            y = step.restored(y)
        return y.to(X.dtype) if y.is_floating_point() else y


@without_gradients()
def to_module(model: Any, method: str = "transform") -> nn.Module:
    """What a fitted estimator answers as a torch module on the CPU: rows in the units of the data in, answers out.

    The module is a copy, in evaluation mode, with the scaler and all draws inside it. ``torch.export.export`` makes a
    program of it that is saved and run where this package is not installed. In the type of the rows it gives what the
    estimator gives for them in double precision, up to rounding.

    Parameters
    ----------
    model : estimator, or Pipeline of `StandardScaler` and one
        Fitted: `LIDVAE`, `LIDGMVAEClustering`, `LIDMVAEClustering`, `IdentifiablePPCA`, `LIDSVAE`, or a baseline.
    method : {"transform", "predict", "predict_proba", "score_samples", "inverse_transform"}, default="transform"
        Of the estimator.

    Returns
    -------
    module : torch.nn.Module
        From a tensor of shape (n_samples, n_features), single or double precision, or (n_samples, n_components) for
        "inverse_transform", to one in its type, or of whole numbers for labels. nan is a gap where the estimator takes
        gaps. Of a mixed table the columns are numbers and codes, see `rows_of`. Of documents rows hold whole numbers of
        words, and -1 behind their end.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        For another method, or one that the estimator does not have.
    TypeError
        For another estimator, one with exposure columns or covariates, a step of a pipeline that is no
        `StandardScaler`, and answers that no module gives.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklid import IdentifiablePPCA
    >>> from sklid.export import to_module
    >>> X = np.random.default_rng(0).standard_normal((50, 4)) * [3, 2, 1, 1]
    >>> model = IdentifiablePPCA(2).fit(X)
    >>> Z = to_module(model, "transform")(torch.from_numpy(X))
    >>> bool(np.allclose(Z.numpy(), model.transform(X)))
    True
    """
    estimator = final_step(model)
    if method not in METHODS:
        raise ValueError(f"method={method!r} is none of {', '.join(map(repr, METHODS))}.")
    check_is_fitted(estimator)
    if not hasattr(estimator, method):
        raise ValueError(f"{type(estimator).__name__} has no {method}.")
    steps = _scalers(model)
    with making_modules():
        answer = _answer(estimator, method)
    answer = Scaled(answer, steps, method == "inverse_transform") if steps else answer
    return answer.eval().requires_grad_(False)


def final_step(model: Any) -> Any:
    """The estimator of this package that a model is, or that a pipeline ends with."""
    estimator = model[-1] if isinstance(model, Pipeline) else model
    if not isinstance(estimator, LatentVariableEstimator | SequenceEstimator | IdentifiablePPCA):
        raise TypeError(
            f"{type(estimator).__name__} cannot be exported. LIDVAE, LIDGMVAEClustering, LIDMVAEClustering, "
            "IdentifiablePPCA, LIDSVAE and the baselines can, and pipelines that end with one of these."
        )
    return estimator


def _scalers(model: Any) -> list[Units]:
    """The earlier steps of a pipeline."""
    found = []
    for name, step in model.steps[:-1] if isinstance(model, Pipeline) else ():
        if step is None or step == "passthrough":
            continue
        if not isinstance(step, StandardScaler):
            raise TypeError(
                f"The step {name!r} of the pipeline is a {type(step).__name__}, and StandardScaler alone is exported "
                "with a model. Export pipeline[-1], and give it the rows that pipeline[:-1].transform gives."
            )
        found.append(Units.of(step, step.n_features_in_))
    return found


def _answer(estimator: Any, method: str) -> nn.Module:
    """That of an estimator alone."""
    if isinstance(estimator, IdentifiablePPCA):
        fitted = estimator.model_
        return LINEAR[method](fitted.mean, fitted.loadings, fitted.noise_variance)
    inference = estimator._inference()
    model = inference.model
    _check_conditions(estimator, inference.table)
    if isinstance(estimator, SequenceEstimator):
        return DocumentMean(model, method)
    if isinstance(model, Refined) and method != "inverse_transform":
        raise TypeError(
            f"{type(estimator).__name__} refines the posterior of each row by gradients of its bound, which no "
            'exported graph holds. "inverse_transform" can be exported.'
        )
    units = Units.of(inference.table.scaler, model.likelihood.n_features)
    if method == "inverse_transform":
        return Decoding(model, units)
    if hasattr(estimator, "predict_proba") and method.startswith("predict"):
        return (Labels if method == "predict" else LabelProbabilities)(model, units, inference.noise)
    if method == "score_samples":
        return Scores(model, units, inference.noise)
    noise = None if _has_mean(model) else inference.noise_of_means
    return (PosteriorMean if method == "transform" else Reconstruction)(model, units, noise)


def _check_conditions(estimator: Any, table: Any) -> None:
    """TypeError for columns that rows are conditioned on."""
    if isinstance(table, ConditionedAdapter) and table.conditions.has_columns:
        raise TypeError(
            f"{type(estimator).__name__} has exposure columns or covariates, which no exported graph takes yet. Fit "
            'without them, or with offset="library" alone, or save the model by sklid.save and load it where sklid is.'
        )


def _has_mean(model: Any) -> bool:
    """Whether posterior means have a closed form."""
    parameter = next(model.parameters())
    try:
        _ = model.encode(parameter.new_ones(1, model.likelihood.n_features)).mean
    except NotImplementedError:
        return False
    return True
