"""What a fitted model has learned of exposure columns and covariates.

Which columns they are follows from the parameters `offset` and `covariates` and from the labels of the table, so a file
does not say it a second time.
"""

from typing import Any

import numpy as np

from ..data.column_kinds import LABEL_KINDS
from ..data.column_writer import Container
from ..data.conditions import Conditions, Covariate
from .archive import damaged
from .kinds import Anything, Array, Each, Is, Kind, Maybe
from .values import Packer, Unpacker

__all__ = ["KNOWN", "packed_conditions", "restore_conditions"]

LEARNED: dict[str, Kind] = {
    "typical": Array("f", ("exposures",)),
    "_known": Each(Is((Covariate,)), "covariates"),
    "_labels": Maybe(Each(Anything(), "columns")),
    "_container": Is((Container,)),
}
"""Of a table with such columns; the container is theirs alone."""
KNOWN = {*LEARNED, "uses_library", "_asked", "exposures", "covariates", "rest"}
OF_CATEGORIES = ("boolean", *LABEL_KINDS)


def packed_conditions(found: Conditions, packer: Packer, path: str) -> dict[str, Any]:
    """What conditions have learned of their columns, if there are any."""
    if not found.has_columns:
        return {}
    return packer.fields({name: getattr(found, name) for name in LEARNED}, LEARNED, path)


def restore_conditions(
    fresh: Conditions, described: dict[str, Any], n_columns: int, unpacker: Unpacker, path: str
) -> None:
    """Let conditions know it; `fresh` are those of the parameters, which have learned nothing.

    Raises
    ------
    ModelFileError
        If it does not go with the parameters, or with a table of so many columns.
    """
    outer, unpacker.sizes = unpacker.sizes, {"columns": n_columns}
    learned = unpacker.fields(described, LEARNED if fresh.has_columns else {}, path)
    unpacker.sizes = outer
    if not learned:
        return
    try:
        fresh.find(learned["_labels"], n_columns)
    except ValueError as error:
        raise damaged(f"{path} do not go with its parameters: {error}") from None
    vars(fresh).update(learned)
    _check_columns(fresh, learned["_labels"], learned["_container"], path)
    for covariate, number in zip(learned["_known"], fresh.covariates, strict=True):
        if not _is_whole(covariate):
            raise damaged(f"{path}: what is known of column {number} does not describe a covariate of its kind")


def _check_columns(found: Conditions, labels: list | None, container: Container, path: str) -> None:
    for name, columns, learned in (
        ("typical", found.exposures, found.typical),
        ("_known", found.covariates, found._known),
    ):
        if len(columns) != len(learned):
            raise damaged(f"{path}.{name} is of {len(learned)} columns, and its parameters name {len(columns)}")
    if found.typical.dtype != np.float64 or not (np.isfinite(found.typical) & (found.typical > 0)).all():
        raise damaged(f"{path}.typical are not positive numbers, as exposures are")
    expected = None if labels is None else [labels[column] for column in found.columns]
    if expected != (None if container.template is None else list(container.template.columns)):
        raise damaged(f"{path}._container has other columns than its parameters name")


def _is_whole(covariate: Covariate) -> bool:
    """Whether the codes of a covariate go with its kind and its categories."""
    kind, categories, centre, scale, usual = covariate
    if (kind in OF_CATEGORIES) != (categories is not None):
        return False
    shape = (1,) if categories is None else categories.shape
    numbers = np.array([*centre.flat, *scale.flat, usual])
    if centre.shape != shape or scale.shape != shape or len(shape) != 1 or not np.isfinite(numbers).all():
        return False
    if centre.dtype != np.float64 or scale.dtype != np.float64 or not (scale > 0).all():
        return False
    if categories is None:
        return True
    return usual in range(len(categories)) and len(set(categories.tolist())) == len(categories)
