"""Answers that hold what was seen of a table as it came, to the last digit, and in a type that holds it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .column_kinds import KIND_OF_TYPE
from .column_reader import is_frame_of

__all__ = ["with_seen"]


def with_seen(found: Any, X: Any, seen: NDArray[np.bool_] | None) -> Any:
    """A filled table with the seen values of the one that came.

    A model sees numbers in double precision, and fills gaps in the types of the fit. A column of a later table with
    values that these do not hold keeps its own type.

    Parameters
    ----------
    found : array or DataFrame of shape (n_samples, n_features)
    X : array-like or DataFrame of shape (n_samples, n_features)
    seen : bool array of shape (n_samples, n_features), or None
        Of the values of X; None leaves the answer as it is.
    """
    if seen is None or found.shape != seen.shape:
        return found
    if isinstance(found, np.ndarray):
        return _array(found, X, seen)
    library = "pandas" if is_frame_of("pandas", found) else "polars"
    if not is_frame_of(library, X):
        return found
    return _pandas(found, X, seen) if library == "pandas" else _polars(found, X, seen)


def _array(found: NDArray, X: Any, seen: NDArray[np.bool_]) -> NDArray:
    if found.dtype != object:
        try:
            came = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):  # a frame with gaps of pandas, whose numbers are in the answer already
            return found
        return np.where(seen, came, found).astype(found.dtype, copy=False)
    came = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X, dtype=object)
    differs = seen.copy()
    differs[seen] = came.astype(object)[seen] != found[seen]  # gaps of pandas compare with nothing
    return np.where(differs, came, found) if differs.any() else found


def _pandas(found: Any, X: Any, seen: NDArray[np.bool_]) -> Any:
    types = {*found.dtypes, *X.dtypes}
    is_plain = len(types) == 1 and isinstance(types.pop(), np.dtype)  # else it takes long where columns are many
    if is_plain and (found.to_numpy()[seen] == X.to_numpy()[seen]).all():
        return found
    for place in range(found.shape[1]):
        came, filled, s = X.iloc[:, place].array, found.iloc[:, place].array, seen[:, place]
        is_same_type = came.dtype == filled.dtype
        if not is_same_type and not {came.dtype.kind, filled.dtype.kind} <= KIND_OF_TYPE.keys():
            continue
        one, other = (each if is_same_type else each.to_numpy(np.float64, na_value=np.nan) for each in (came, filled))
        if not (one[s] == other[s]).all():
            came = came.copy()
            came[~s] = filled[~s]
            found.isetitem(place, came)
    return found


def _polars(found: Any, X: Any, seen: NDArray[np.bool_]) -> Any:
    columns = []
    for place, (came, filled) in enumerate(zip(X.get_columns(), found.get_columns(), strict=True)):
        is_same_type = came.dtype == filled.dtype
        if is_same_type or (_is_number(came.dtype) and _is_number(filled.dtype)):
            s = type(came)("seen", seen[:, place])
            one, other = (each if is_same_type else each.cast(float) for each in (came, filled))
            if not (one == other).filter(s).all():
                filled = came.zip_with(s, filled.cast(came.dtype))
        columns.append(filled)
    return type(found)(columns)


def _is_number(dtype: Any) -> bool:
    return dtype.is_numeric() or str(dtype) == "Boolean"
