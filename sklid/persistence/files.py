"""Fitted models in files that hold data alone: reading one runs no code, whatever it holds.

What a model is made of is written as JSON and arrays; the classes that a file may name are a closed list, and what it
says of one is checked field by field before anything is made of it.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ..exceptions import ModelFileError
from ..surroundings import without_gradients
from .archive import Members, damaged, read_members, write_members
from .values import Packer, Unpacker

__all__ = ["FORMAT", "load", "save"]

FORMAT = 1
"""The format of files: one more with each change by which an earlier release could not read them."""


@without_gradients()
def save(model: BaseEstimator, path: str | os.PathLike) -> None:
    """Write a model to a file that holds data alone, which `load` reads without running any code.

    The file is a zip archive of JSON and of arrays in the format of safetensors, as large as the arrays and a few
    kilobytes. It appears as a whole or not at all, and the same model gives the same bytes. The state of the optimiser
    is left out, and so is the folder of `checkpoint`, which is one of the machine of the fit.

    Parameters
    ----------
    model : estimator
        Any of sklid, fitted or not; a `sklearn.pipeline.Pipeline` of these and of scikit-learn's ``StandardScaler``,
        ``MinMaxScaler``, ``MaxAbsScaler``, ``RobustScaler``, ``Normalizer``, ``PowerTransformer``,
        ``QuantileTransformer``, ``SimpleImputer``, ``PCA``, ``TruncatedSVD`` and ``LogisticRegression``; or one of
        these.
    path : str or path-like
        A file of this name is replaced. ``.sklid`` is the usual ending.

    Raises
    ------
    sklid.exceptions.ModelFileError
        If the model has what no file can hold without code, such as a function as `decoder_network`: which, and what to
        do. It is a `ValueError`.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import sklid
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> model = sklid.LIDVAE(n_components=2, max_epochs=5, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "iris.sklid"
    ...     sklid.save(model, file)
    ...     again = sklid.load(file)
    >>> bool((again.transform(X) == model.transform(X)).all())
    True
    """
    path = Path(path)
    try:
        write_members(path, _members(model))
    except ModelFileError as error:
        raise ModelFileError(f"{path} is not written: {_one_line(error)}") from None


@without_gradients()
def load(path: str | os.PathLike) -> Any:
    """Read a model that `save` wrote; no code is run, whatever the file holds.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    model : estimator
        With the answers of the one that was saved, on the CPU.

    Raises
    ------
    sklid.exceptions.ModelFileError
        If it is no whole file of `save`, or one of a release to come: what is wrong, and what to do. It is a
        `ValueError`.
    OSError
        If there is no such file, or it may not be read.
    ImportError
        If the model has columns of pandas or polars, a tokenizer, or a flow as posterior, and their library is missing.
    """
    path = Path(path)
    try:
        return _model(read_members(path))
    except ModelFileError as error:
        raise ModelFileError(f"{path} is not read: {_one_line(error)}") from None


def _members(model: BaseEstimator) -> Members:
    from safetensors.numpy import save as written

    from .registry import forms  # which loads all classes that a file may hold

    packer = Packer(forms())
    if not packer.knows(model):
        raise ModelFileError(
            f"it would hold a {type(model).__name__}, and a model file holds estimators of sklid, scalers of "
            "scikit-learn, and pipelines of these. Pass one of them, or use joblib.dump."
        )
    description = {
        "format": FORMAT,
        "sklid": _release(),
        "made_with": {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "torch": torch.__version__},
        "model": packer.value(model, "model"),
    }
    text = json.dumps(description, allow_nan=False, separators=(",", ":"))
    return Members(text.encode("ascii"), written(packer.arrays))


def _model(members: Members) -> Any:
    """The model of the members of a file; whatever is wrong with what they say is an error of the file."""
    from .registry import forms

    description = _description(members.description)
    try:
        unpacker = Unpacker(forms(), _arrays(members.arrays))
        model = unpacker.value(description["model"], "model")
        unpacker.check_all_taken()
    except (ModelFileError, ImportError, MemoryError):
        raise
    except Exception as error:  # a description can be wrong in as many ways as there are parts of models
        raise damaged(f"it describes no model ({type(error).__name__}: {_first_line(error)})") from None
    if not isinstance(model, BaseEstimator):
        raise damaged(f"it describes no estimator, but {type(model).__name__}")
    return model


def _description(content: bytes) -> dict[str, Any]:
    """What ``model.json`` says, if it is of a format that this release reads."""
    try:
        description = json.loads(content, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged(f"its model.json is no JSON ({_first_line(error)})") from None
    form = description.get("format") if isinstance(description, dict) else None
    if isinstance(form, int) and form > FORMAT:
        raise ModelFileError(
            f"it has format {form}, and sklid {_release()} reads formats up to {FORMAT}. It was written by sklid "
            f"{_first_line(description.get('sklid'))}: read it with that release or a later one."
        )
    if type(form) is not int or form < 1 or "model" not in description:
        raise damaged(f"it has format {form!r}, and formats are whole numbers from 1 on")
    return description


def _arrays(content: bytes) -> Mapping[str, NDArray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as read

    try:
        return read(content)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise damaged(f"its arrays.safetensors cannot be read ({_first_line(error)})") from None


def _release() -> str:
    """The release of the package, which is below none of its files."""
    return sys.modules[__name__.partition(".")[0]].__version__


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _one_line(error: ModelFileError) -> str:
    return " ".join(str(error).split())


def _first_line(value: object) -> str:
    lines = str(value).splitlines()
    return lines[0][:200] if lines else ""
