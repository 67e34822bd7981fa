"""Forms of estimators: their parameters, which are checked as before a fit, and the attributes that a fit leaves.

Each attribute is declared, with its kind. Saving an estimator that has another is an error, so that none is lost in
silence; so is reading a file with one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..estimators.declaration import architecture
from ..exceptions import ModelFileError
from ..linear.gradient import gradient_net
from ..training import BoundNet
from ..validation import check_parameters
from .archive import damaged
from .kinds import Array, Kind, Table, Text, Whole
from .models import linear_module, module_of
from .nets import WEIGHT_DECAY, packed_net, restored_net, told_of_net
from .tables import packed_table, unpacked_table
from .values import Packer, Unpacker

__all__ = ["OF_ALL", "EstimatorForm", "LinearForm", "TrainedForm"]

OF_ALL: dict[str, Kind] = {
    "n_features_in_": Whole(1, "features"),
    "feature_names_in_": Array("O", ("features",)),
    "_sklearn_output_config": Table(Text()),
}
"""Attributes that scikit-learn gives, of which an estimator may have some."""

OF_THE_MACHINE = ("checkpoint", "distributed")
"""Parameters that tell where and by what processes a model is fitted, and are no part of it."""
SPECIAL = ("_table", "net_")
"""Attributes of an estimator with a net that are made anew from what is stored of them."""


@dataclass(frozen=True)
class EstimatorForm:
    """The form of an estimator.

    Parameters
    ----------
    cls : type
    fields : dict of str to Kind
        The attributes of a fit, all of which are there after it.
    optional : dict of str to Kind
        Those that may be there.
    """

    cls: type
    fields: dict[str, Kind]
    optional: dict[str, Kind] = field(default_factory=dict)

    def packed(self, found: Any, packer: Packer, path: str) -> dict[str, Any]:
        parameters = found.get_params(deep=False)
        fitted = {name: value for name, value in vars(found).items() if name not in parameters}
        unknown = sorted(fitted.keys() - self._known().keys())
        if unknown:
            raise ModelFileError(
                f"{path} has the attribute {unknown[0]}, which is none of {self.cls.__name__} that a model file holds. "
                "Delete it before saving, or use joblib.dump."
            )
        self._check_whole(fitted, f"{path} is fitted in part: it")
        kept = {name: value for name, value in parameters.items() if name not in OF_THE_MACHINE}
        return {
            "parameters": {name: packer.value(value, f"{path}.{name}") for name, value in kept.items()},
            "fitted": self._packed_fitted(fitted, found, packer, path),
        }

    def unpacked(self, described: dict[str, Any], unpacker: Unpacker, path: str) -> Any:
        given = {name: unpacker.value(each, f"{path}.{name}") for name, each in described["parameters"].items()}
        estimator = self._made(given, path)
        self._check_whole(described["fitted"], path)
        outer, unpacker.sizes = unpacker.sizes, {}
        vars(estimator).update(self._unpacked_fitted(described["fitted"], estimator, unpacker, path))
        unpacker.sizes = outer
        return estimator

    def _made(self, parameters: Mapping[str, Any], path: str) -> Any:
        """An unfitted estimator, its parameters checked; those that the file does not have get their defaults."""
        known = set(self.cls._get_param_names()) - set(OF_THE_MACHINE)  # type: ignore[attr-defined]
        unknown = sorted(parameters.keys() - known)
        if unknown:
            raise damaged(f"{path} has the parameter {unknown[0]!r}, which {self.cls.__name__} does not have")
        estimator = self.cls(**parameters)
        try:
            check_parameters(estimator)
        except ValueError as error:
            raise damaged(f"{path} has a parameter that it cannot have: {error}") from None
        return estimator

    def _check_whole(self, fitted: Mapping[str, Any], what: str) -> None:
        """ModelFileError where some attributes of a fit are there and others are not."""
        missing = sorted(self.fields.keys() - fitted.keys())
        if missing and fitted.keys() & self.fields.keys():
            raise damaged(f"{what} lacks the attribute {missing[0]}")

    def _packed_fitted(self, fitted: dict[str, Any], found: Any, packer: Packer, path: str) -> dict[str, Any]:
        return packer.fields(fitted, self._known(), path)

    def _unpacked_fitted(
        self, described: dict[str, Any], estimator: Any, unpacker: Unpacker, path: str
    ) -> dict[str, Any]:
        return unpacker.fields(described, self._known(), path, optional=self._known())

    def _known(self) -> dict[str, Kind]:
        return {**OF_ALL, **self.fields, **self.optional}


class TrainedForm(EstimatorForm):
    """The form of an estimator with a net and what lets its data in."""

    def _packed_fitted(self, fitted: dict[str, Any], found: Any, packer: Packer, path: str) -> dict[str, Any]:
        plain = {name: value for name, value in fitted.items() if name not in SPECIAL}
        if fitted.get("net_") is None:
            return super()._packed_fitted(plain, found, packer, path)
        shaping = plain["_architecture"].items()
        plain["_architecture"] = {name: value for name, value in shaping if value is not getattr(found, name)}
        return {
            **super()._packed_fitted(plain, found, packer, path),
            "_table": packed_table(fitted["_table"], packer, f"{path}._table"),
            "net_": packed_net(fitted["net_"], packer, f"{path}.net_"),
        }

    def _unpacked_fitted(
        self, described: dict[str, Any], estimator: Any, unpacker: Unpacker, path: str
    ) -> dict[str, Any]:
        plain = {name: value for name, value in described.items() if name not in SPECIAL}
        fitted = super()._unpacked_fitted(plain, estimator, unpacker, path)
        if "net_" not in described:
            return fitted
        builder = self._builder(estimator, fitted, path)
        table = unpacked_table(described["_table"], builder, unpacker, f"{path}._table")
        builder._table, builder.device = table, "cpu"
        net = self._net(described["net_"], builder, unpacker, f"{path}.net_")
        return {**fitted, "_architecture": architecture(builder), "_table": table, "net_": net}

    def _builder(self, estimator: Any, fitted: Mapping[str, Any], path: str) -> Any:
        """An estimator with the parameters of the time when its module was made."""
        shaping = architecture(estimator)
        unknown = sorted(fitted["_architecture"].keys() - shaping.keys())
        if unknown:
            raise damaged(f"{path}._architecture has {unknown[0]!r}, which does not shape a {self.cls.__name__}")
        own = {name: value for name, value in estimator.get_params(deep=False).items() if name not in OF_THE_MACHINE}
        parameters = {**own, **fitted["_architecture"]}
        builder = self._made(parameters, f"{path}._architecture")
        for name in ("n_features_in_", "feature_names_in_", "n_components_"):
            if name in fitted:
                setattr(builder, name, fitted[name])
        return builder

    def _net(self, described: dict[str, Any], builder: Any, unpacker: Unpacker, path: str) -> BoundNet:
        told = told_of_net(described, unpacker, path)
        module = module_of(builder, unpacker.taken_below(f"{path}.weights"))
        settings = builder._settings(seed=0)  # which no step or objective depends on
        net = BoundNet(
            module,
            objective=settings.objective,
            step=settings.step,
            validation=settings.validation,
            n_draws=settings.n_draws,
            keep_optimizer=settings.keep_optimizer,
            callbacks=[],
            verbose=0,
            **{name: told[name] for name in ("lr", "max_epochs", "batch_size", "kl_weight", WEIGHT_DECAY)},
        ).initialize()
        return restored_net(net, told, described["history"], unpacker, path)


class LinearForm(EstimatorForm):
    """The form of a probabilistic PCA, which has a net if it was fitted by gradients."""

    def _packed_fitted(self, fitted: dict[str, Any], found: Any, packer: Packer, path: str) -> dict[str, Any]:
        net = fitted.pop("net_", None)
        described = super()._packed_fitted(fitted, found, packer, path)
        if fitted.keys() & self.fields.keys():
            described["net_"] = None if net is None else packed_net(net, packer, f"{path}.net_")
        return described

    def _unpacked_fitted(
        self, described: dict[str, Any], estimator: Any, unpacker: Unpacker, path: str
    ) -> dict[str, Any]:
        plain = {name: value for name, value in described.items() if name != "net_"}
        fitted = super()._unpacked_fitted(plain, estimator, unpacker, path)
        if "net_" not in described:
            return fitted
        net = described["net_"]
        return {**fitted, "net_": None if net is None else self._net(net, estimator, fitted, unpacker, f"{path}.net_")}

    def _net(self, described: dict, estimator: Any, fitted: Mapping, unpacker: Unpacker, path: str) -> BoundNet:
        told = told_of_net(described, unpacker, path)
        sizes = fitted["model_"].directions.shape
        weights = unpacker.taken_below(f"{path}.weights")
        net = gradient_net(
            linear_module(*sizes, estimator.noise_variance is None, weights), estimator.tol, estimator.max_iter
        )
        return restored_net(net, told, described["history"], unpacker, path)
