"""A fitted model as an ONNX file: a graph of one answer, and what the file says of itself."""

import json
import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import nn

from ..estimators.sequences import SequenceEstimator
from ..surroundings import without_gradients
from .document_answers import DocumentMean
from .modules import final_step, to_module
from .operators import DECOMPOSITIONS

__all__ = ["to_onnx"]

OPSET = 18
TYPES = {"float64": torch.float64, "float32": torch.float32}
INPUTS = {"inverse_transform": "Z"}
OUTPUTS = {
    "transform": "Z",
    "predict": "X_hat",
    "predict_proba": "probabilities",
    "score_samples": "log_likelihood",
    "inverse_transform": "X",
}
UNITS = {
    "transform": "standard deviations of the prior",
    "predict": "those of the data",
    "predict_proba": "probabilities",
    "score_samples": "nats",
    "inverse_transform": "those of the data",
}
N_ROWS = 3
"""Of the table that a graph is traced with; any number of rows goes through it."""
LEAST_TORCH = (2, 13)
"""The oldest whose exporter is known to write graphs that hold; that of torch 2.6 writes some that no engine loads."""


def to_onnx(model: Any, method: str = "transform", path: Any = None, dtype: str = "float64") -> Any:
    """Write what a fitted estimator answers as an ONNX graph: rows in the units of the data in, answers out.

    Any number of rows goes through the graph, nan is a gap where the estimator takes gaps, and draws that an answer
    needs are constants, of which a row names its own, so the graph gives the same answer at each call. It gives what
    the estimator gives for the same numbers in double precision, up to rounding. It needs an engine with the operators
    of opset 18, and none besides.

    Parameters
    ----------
    model : estimator, or Pipeline of `StandardScaler` and one
        As of `to_module`.
    method : {"transform", "predict", "predict_proba", "score_samples", "inverse_transform"}, default="transform"
    path : str or path-like, optional
        Of the file to write.
    dtype : {"float64", "float32"}, default="float64"
        Type of the rows that the graph takes, and of its answer, unless these are labels.

    Returns
    -------
    proto : onnx.ModelProto
        With the input ``X``, or ``Z`` for "inverse_transform"; the output ``Z``, ``X_hat``, ``probabilities``,
        ``log_likelihood`` or ``X``, in the order of the methods above, or ``labels`` of a clustering; and metadata:
        version, estimator, method, names of features, categories, units.

    Raises
    ------
    ImportError
        Without the extra ``sklid[onnx]``.
    NotFittedError, TypeError, ValueError
        As `to_module`; and ValueError for another dtype.
    RuntimeError
        If torch is older than 2.13, or its exporter has no operator for a part of the model, such as a network of one's
        own.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid import IdentifiablePPCA
    >>> from sklid.export import to_onnx
    >>> X = np.random.default_rng(0).standard_normal((50, 4)) * [3, 2, 1, 1]
    >>> proto = to_onnx(IdentifiablePPCA(1).fit(X), "inverse_transform")
    >>> [each.name for each in (*proto.graph.input, *proto.graph.output)]
    ['Z', 'X']
    """
    if dtype not in TYPES:
        raise ValueError(f"dtype={dtype!r} is none of {', '.join(map(repr, TYPES))}.")
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError('to_onnx needs onnx and onnxscript: pip install "sklid[onnx]".') from error
    if torch.__version__ < LEAST_TORCH:
        raise RuntimeError(
            f"to_onnx needs torch 2.13 or newer, and this is torch {torch.__version__}, whose exporter writes graphs "
            "that engines may not load. Update torch, or use to_module, which needs no exporter."
        )
    module, estimator = to_module(model, method), final_step(model)
    labels = method == "predict" and hasattr(estimator, "predict_proba")
    output = "labels" if labels else OUTPUTS[method]
    proto = written(module, _example(model, method, TYPES[dtype]), INPUTS.get(method, "X"), output)
    units = "labels" if labels else UNITS[method]
    onnx.helper.set_model_props(proto, {**_about(model, estimator), "method": method, "units_of_output": units})
    onnx.checker.check_model(proto)
    if path is not None:
        onnx.save(proto, os.fspath(path))
    return proto


@without_gradients()
def written(module: nn.Module, example: torch.Tensor, input_name: str, *output_names: str) -> Any:
    """The graph of a module for tables of any number of rows, traced with one; RuntimeError where there is none."""
    sizes = {0: torch.export.Dim("rows")}
    if isinstance(module, DocumentMean):
        sizes[1] = torch.export.Dim("words")
    try:
        program = torch.export.export(module, (example,), dynamic_shapes=(sizes,), strict=False)
        program = program.run_decompositions(_decompositions())
        graph: Any = torch.onnx.export(
            program,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=output_names,
            optimize=False,  # engines do so when they load a graph, and in less time
        )
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise RuntimeError(
            f"torch {torch.__version__} cannot export this model: {reason[-1] if reason else error!r} If the decoder "
            "or the encoder has a network of your own, build it of other layers; `to_module` needs no exporter."
        ) from error
    return graph.model_proto


def _decompositions() -> Any:
    """Torch's own of operators that are made of others, and those of `sklid.export.operators`."""
    table = torch.export.default_decompositions()
    for operator, function in DECOMPOSITIONS.items():
        table[operator] = function
    return table


def _example(model: Any, method: str, dtype: torch.dtype) -> torch.Tensor:
    """A table such as the graph takes."""
    estimator = final_step(model)
    if isinstance(estimator, SequenceEstimator):
        return torch.zeros(N_ROWS, N_ROWS, dtype=dtype)
    n_columns = estimator.n_components_ if method == "inverse_transform" else model.n_features_in_
    return torch.ones(N_ROWS, n_columns, dtype=dtype)


def _about(model: Any, estimator: Any) -> dict[str, str]:
    """What the file says of itself, JSON where it is a list."""
    try:
        release = version("sklid")
    except PackageNotFoundError:
        release = "unknown"
    about = {"sklid_version": release, "torch_version": torch.__version__, "estimator": type(estimator).__name__}
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        about["feature_names"] = json.dumps([str(name) for name in names])
    adapter = getattr(estimator, "_table", None)
    table = getattr(getattr(adapter, "own", adapter), "table", None)  # of one's own beside a library
    if table is not None:
        categories = [None if found is None else [str(value) for value in found] for found in table.categories]
        about["categories"] = json.dumps(categories)
    if isinstance(estimator, SequenceEstimator):
        about["vocabulary"] = json.dumps([str(word) for word in estimator.vocabulary_])
    return about
