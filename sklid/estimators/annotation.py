"""Models of annotated matrices, as scanpy and its neighbours pass them on: an AnnData in, its latents written into it.

The model is any estimator or pipeline with a `transform`, and it gets the matrix: rows are observations, such as cells,
and columns are variables, such as genes. AnnData is known by its parts, so the package needs none of it to be loaded.
"""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_clusterer
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ..data.validated_rows import NamedRows
from ..metrics.sources import last_step, name_of
from .base import LatentVariableEstimator

__all__ = ["embed"]


def embed(adata: Any, model: Any, *, layer: str | None = None, key_added: str | None = None) -> None:
    """Write latents of an AnnData into ``adata.obsm``, and labels of a clustering into ``adata.obs``.

    A model that is not fitted yet is fitted to the rows first. One that is fitted, to another AnnData say, is asked as
    it is. The matrix is not made dense where the model takes sparse ones.

    Parameters
    ----------
    adata : anndata.AnnData
        In memory. Changed in place, as tools of scanpy do.
    model : estimator or Pipeline
        With ``fit`` and ``transform``. An estimator of tables of this package, and any estimator where the matrix is
        dense, gets the names of the variables as the names of its features: later rows must have the same. A pipeline
        or another estimator gets a sparse matrix without names.
    layer : str, optional
        Which of ``adata.layers`` is the matrix, such as one of raw counts; ``adata.X`` by default.
    key_added : str, optional
        Of the latents; ``"X_"`` and the name of the class in small letters by default, such as ``"X_lidvae"``. Labels
        have it without ``X_``.

    Raises
    ------
    TypeError
        If `adata` is no AnnData, or the model has no `transform`.
    ValueError
        If the AnnData is backed by a file, has no such layer or no matrix, or as `fit` and `transform` do.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid import LIDVAE, embed
    >>> from anndata import AnnData  # doctest: +SKIP
    >>> adata = AnnData(np.random.default_rng(0).poisson(1.0, (50, 8)).astype("float32"))  # doctest: +SKIP
    >>> model = LIDVAE(2, likelihood="poisson", max_epochs=2, random_state=0)
    >>> embed(adata, model)  # doctest: +SKIP
    >>> adata.obsm["X_lidvae"].shape  # doctest: +SKIP
    (50, 2)
    """
    rows = _rows_of(adata, layer, isinstance(model, LatentVariableEstimator))
    if not hasattr(model, "transform"):
        raise TypeError(f"{name_of(model)} has no transform, so it gives no latents to write into adata.obsm.")
    try:
        check_is_fitted(model)
    except NotFittedError:
        model.fit(rows)
    key = f"X_{name_of(model).lower()}" if key_added is None else key_added
    latents = np.asarray(model.transform(rows))
    if is_clusterer(last_step(model, None)[0]):
        adata.obs[key.removeprefix("X_")] = _categories(model.predict(rows))
    adata.obsm[key] = latents


def _rows_of(adata: Any, layer: str | None, named: bool) -> Any:
    """The matrix: a frame where it is dense; a sparse one with names where a model takes these."""
    if not (hasattr(adata, "obsm") and hasattr(adata, "layers")):
        raise TypeError(
            f"adata must be an AnnData, and is a {type(adata).__name__}; fit a model to a table by its own fit."
        )
    if getattr(adata, "isbacked", False):
        raise ValueError(
            "This AnnData is backed by a file, and its matrix is not in memory. Pass adata.to_memory(), or rows in "
            "parts to partial_fit."
        )
    if layer is not None and layer not in adata.layers:
        raise ValueError(f"adata has no layer {layer!r}; it has {', '.join(map(repr, adata.layers)) or 'none'}.")
    matrix = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        layers = ", ".join(map(repr, adata.layers)) or "none"
        raise ValueError(f"adata.X is None. Name the layer that holds the matrix; adata.layers has {layers}.")
    if sparse.issparse(matrix):
        return NamedRows(matrix, np.asarray(adata.var_names, dtype=object)) if named else matrix
    import pandas

    return pandas.DataFrame(np.asarray(matrix), index=adata.obs_names, columns=adata.var_names)


def _categories(labels: Any) -> Any:
    """Labels as scanpy writes them: categories of text in the order of the numbers."""
    import pandas

    found = np.unique(labels)
    return pandas.Categorical(np.asarray(labels).astype(str), [str(label) for label in found])
