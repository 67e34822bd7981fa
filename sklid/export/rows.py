"""Tables and documents as the numbers that an exported model takes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from .modules import final_step

__all__ = ["rows_of"]


def rows_of(model: Any, X: Any) -> NDArray[np.float64]:
    """The numbers that an exported model takes for what the fitted estimator takes.

    Categories are their codes, in the order of the metadata of the file, what was not seen in the fit is a gap, nan,
    and words are their numbers, with the end of a document and -1 behind it. Other numbers stay as they are.

    Parameters
    ----------
    model : estimator, or Pipeline that ends with one
        As of `to_module`.
    X : table or documents
        What its `transform` takes.

    Returns
    -------
    rows : array of shape (n_samples, n_features), or (n_documents, length of the longest)

    Raises
    ------
    NotFittedError, ValueError
        As its `transform`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklid import LIDVAE
    >>> from sklid.export import rows_of
    >>> table = pd.DataFrame({"size": [1.5, 2.5, 3.5, 0.5], "colour": ["red", "blue", "red", "red"]})
    >>> model = LIDVAE(1, likelihood="auto", max_epochs=1).fit(table)
    >>> rows_of(model, table[:2]).tolist()
    [[1.5, 1.0], [2.5, 0.0]]
    """
    if isinstance(model, Pipeline):
        return np.asarray(X, dtype=np.float64)
    estimator = final_step(model)
    if hasattr(estimator, "_checked") and hasattr(estimator, "_table"):
        return np.asarray(estimator._checked(X)[:], dtype=np.float64)
    return np.asarray(X, dtype=np.float64)
