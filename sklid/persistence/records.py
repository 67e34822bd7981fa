"""Forms of small objects that are fields and nothing besides: each is made of its fields again."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.column_kinds import KIND_OF_TYPE, LABEL_KINDS
from ..data.conditions import Covariate
from ..estimators.valleys import Merging
from ..linear.covariance import Moments
from ..linear.factor_model import FactorModel
from ..linear.incremental import Batches
from ..linear.linear_gaussian import LinearGaussian
from .archive import damaged
from .kinds import Array, Is, Kind, Maybe, Number, Text, Whole
from .values import Packer, Unpacker

__all__ = ["RECORDS", "RandomStateForm", "RecordForm"]


@dataclass(frozen=True)
class RecordForm:
    """The form of a `NamedTuple`.

    Parameters
    ----------
    cls : type
    fields : dict of str to Kind
    """

    cls: type
    fields: dict[str, Kind]

    def packed(self, found: Any, packer: Packer, path: str) -> dict[str, Any]:
        return {"fields": packer.fields(found._asdict(), self.fields, path)}

    def unpacked(self, described: dict[str, Any], unpacker: Unpacker, path: str) -> Any:
        return self.cls(**unpacker.fields(described["fields"], self.fields, path))


class RandomStateForm:
    """The form of NumPy's `RandomState`: its next draws are those of the one that was saved."""

    cls = np.random.RandomState
    fields = {"keys": Array("u", (624,)), "position": Whole(), "has_normal": Whole(), "normal": Number()}

    def packed(self, found: np.random.RandomState, packer: Packer, path: str) -> dict[str, Any]:
        name, *state = found.get_state(legacy=True)
        if name != "MT19937":
            return {"fields": packer.value(found.get_state, path)}  # which is refused
        pairs = zip(self.fields, state, strict=True)
        return {"fields": {field: packer.value(value, f"{path}.{field}") for field, value in pairs}}

    def unpacked(self, described: dict[str, Any], unpacker: Unpacker, path: str) -> np.random.RandomState:
        state = unpacker.fields(described["fields"], self.fields, path)
        if state["position"] > len(state["keys"]):
            raise damaged(f"{path}.position is {state['position']}, beyond the keys of a random state")
        random = np.random.RandomState()
        random.set_state(("MT19937", *state.values()))
        return random


def finite(*shape: str) -> Array:
    """Numbers of a linear model, which has no answers where one of them is none."""
    return Array("f", shape, is_finite=True)


LINEAR_GAUSSIAN = {
    "mean": finite("features"),
    "directions": finite("components", "features"),
    "amplitudes": finite("components"),
    "noise_variance": Number(is_finite=True),
}

COVARIATE = {
    "kind": Text((*dict.fromkeys(KIND_OF_TYPE.values()), *LABEL_KINDS)),
    "categories": Maybe(Array("Ob", None)),
    "centre": Array("f", None),
    "scale": Array("f", None),
    "usual": Number(),
}
"""Lengths differ from covariate to covariate, so `sklid.persistence.conditions` compares them."""

RECORDS = [
    RecordForm(Covariate, COVARIATE),
    RecordForm(Merging, {"n_clusters": Whole(1), "valley": Number()}),
    RecordForm(
        Moments,
        {"weight": Number(is_finite=True), "mean": finite("features"), "scatter": finite("features", "features")},
    ),
    RecordForm(LinearGaussian, LINEAR_GAUSSIAN),
    RecordForm(
        FactorModel,
        {
            "mean": finite("features"),
            "noise_variance": finite("features"),
            "white": Is((LinearGaussian,)),
        },
    ),
    RecordForm(
        Batches,
        {
            "moments": Is((Moments,)),
            "model": Is((LinearGaussian, FactorModel)),
            "third_moments": finite("components"),
        },
    ),
    RandomStateForm(),
]
