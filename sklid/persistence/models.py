"""The torch module of an estimator, made as a fit makes it: from the parameters, the table, and the shapes of weights.

No module is named by a file. Its weights are then put in under strict names, shapes and types, and whole numbers among
them, which say what is where, have to be those that the parameters give.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data.conditioned_adapter import ConditionedAdapter
from ..data.corpus import CorpusAdapter
from ..data.mixed_adapter import MixedAdapter
from ..data.table import TableAdapter
from ..estimators.cluster_families import FAMILIES
from ..estimators.clustering import MixtureMixin
from ..nn import LIKELIHOODS, Likelihood, LinearModel, MixedLikelihood, SeparatedMixture
from ..nn.draws import generators_of
from ..nn.gaps import GapLikelihood
from ..nn.likelihoods import CategoricalLikelihood, OrdinalLikelihood
from ..nn.likelihoods.conditioned import ConditionedLikelihood, Library
from ..surroundings import making_modules
from .archive import damaged
from .budget import NumbersLimit

__all__ = ["Weights", "linear_module", "module_of"]

Weights = Mapping[str, NDArray]
"""A `state_dict` as arrays."""
COUNTS = ("maps", "decoder_depth", "encoder_depth")
"""Parameters that are numbers of layers, each of which has an array of weights or more."""
SIZES = ("n_components", "n_components_", "k", "decoder_width", "encoder_width", "hidden_size", "embedding_size")
"""Parameters that are numbers of units, each of which has a weight or more."""
MOST_OVERHEAD = 1 << 20
"""Numbers that making a module may take beside four times those of its weights."""
RUNNING = "num_batches_tracked"
"""The one whole number that training changes."""
RADIUS_ERROR = 1e-4


def module_of(builder: Any, weights: Weights) -> nn.Module:
    """The module of an estimator with given weights.

    Parameters
    ----------
    builder : TrainedEstimator
        Unfitted, with the parameters that shaped the module, and ``_table``, ``n_components_`` and ``n_features_in_``.
    weights : dict of str to ndarray

    Raises
    ------
    ModelFileError
        If the weights are not those of such a module.
    """
    n_numbers = sum(array.size for array in weights.values())
    for names, most in ((COUNTS, len(weights)), (SIZES, n_numbers)):
        for name in names:
            size = getattr(builder, name, None)
            if isinstance(size, int) and size > most:
                raise damaged(f"{name}={size} is more than its {len(weights)} arrays of {n_numbers} weights can be of")
    with NumbersLimit(4 * n_numbers + MOST_OVERHEAD), generators_of(0), making_modules():
        module = _untrained(builder, weights)
    return _loaded(module, weights)


def linear_module(n_components: int, n_features: int, learns_noise: bool, weights: Weights) -> LinearModel:
    """The module of probabilistic PCA by gradients."""
    n_numbers = sum(array.size for array in weights.values())
    with NumbersLimit(4 * n_numbers + MOST_OVERHEAD), generators_of(0), making_modules():
        module = LinearModel(n_components, n_features, learn_noise=learns_noise).double()
    return _loaded(module, weights)


def _untrained(builder: Any, weights: Weights) -> nn.Module:
    if isinstance(builder._table, CorpusAdapter):
        return builder._untrained(len(builder._table.vocabulary))
    table = builder._table
    own = table.own if isinstance(table, ConditionedAdapter) else table
    likelihood = _likelihood(table, builder.n_features_in_, builder.noise, weights, "likelihood.")
    own.support = likelihood.support
    model = builder._assembled(likelihood)
    return builder._under(_mixture(builder, weights), model) if isinstance(builder, MixtureMixin) else model


def _loaded(module: Any, weights: Weights) -> Any:
    """The module with the weights in the place of its own, in the mode of answering."""
    own: dict[str, Tensor] = module.state_dict()
    if own.keys() != weights.keys():
        odd = min(own.keys() ^ weights.keys())
        raise damaged(f"the weights {odd!r} are {'missing' if odd in own else 'not of its model'}")
    for name, tensor in own.items():
        found = torch.from_numpy(np.array(weights[name]))
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise damaged(
                f"the weights {name!r} have shape {tuple(found.shape)} and type {found.dtype}, and those of its model "
                f"{tuple(tensor.shape)} and {tensor.dtype}"
            )
        is_fixed = not tensor.is_floating_point() and not name.endswith(RUNNING)
        if is_fixed and not torch.equal(found, tensor):
            raise damaged(f"the weights {name!r} are whole numbers that say what is where, and not those of its model")
        own[name] = found
    module.load_state_dict(own, strict=True)
    return module.eval()


def _likelihood(table: Any, n_features: int, noise: str, weights: Weights, prefix: str) -> Likelihood:
    """The likelihood of the table's families, of rows with gaps where its weights tell of them."""
    if isinstance(table, ConditionedAdapter):
        return _conditioned_likelihood(table, noise, weights, prefix)
    if f"{prefix}fill" not in weights:
        return _whole_likelihood(table, n_features, noise, weights, prefix)
    whole = _whole_likelihood(table, n_features, noise, weights, f"{prefix}whole.")
    told = np.array(weights[f"{prefix}told"])
    columns = set(range(whole.n_features))
    if told.dtype != np.int64 or told.ndim != 1 or not columns.issuperset(told.tolist()):
        raise damaged(f"the weights '{prefix}told' are not numbers of columns")
    return GapLikelihood(whole, torch.zeros(whole.n_inputs), torch.from_numpy(told))


def _conditioned_likelihood(table: ConditionedAdapter, noise: str, weights: Weights, prefix: str) -> Likelihood:
    """That of the features given exposures and covariates."""
    whole = _likelihood(table.own, table.n_features, noise, weights, f"{prefix}whole.")
    conditions, typical = table.conditions, table.typical_library
    usual = conditions.usual_codes if conditions.has_columns else np.zeros(0)
    library = None if typical is None else Library(torch.zeros(table.n_features), typical)
    return ConditionedLikelihood(whole, torch.from_numpy(usual).float(), bool(conditions.exposures), library)


def _whole_likelihood(table: TableAdapter, n_features: int, noise: str, weights: Weights, prefix: str) -> Likelihood:
    if not isinstance(table, MixedAdapter):
        return _of_family(table.likelihood, n_features, noise, weights, prefix)
    families, parts = table.table.families, []
    for number, name in enumerate(dict.fromkeys(families)):
        columns = [column for column, family in enumerate(families) if family == name]
        own_noise = noise if LIKELIHOODS[name].learns_noise else "global"
        part = _of_family(name, len(columns), own_noise, weights, f"{prefix}parts.{number}.")
        _check_codes(part, [table.table.categories[column] for column in columns])
        parts.append((part, columns))
    return MixedLikelihood(parts, len(families))


def _of_family(name: str, n_features: int, noise: str, weights: Weights, prefix: str) -> Likelihood:
    family: Any = LIKELIHOODS[name]
    if issubclass(family, CategoricalLikelihood | OrdinalLikelihood):
        absent = weights.get(f"{prefix}absent", np.zeros(0))
        if absent.dtype != np.bool_ or absent.ndim != 2 or len(absent) != n_features:
            raise damaged(f"the weights '{prefix}absent' do not say which codes each of {n_features} columns has")
        if issubclass(family, OrdinalLikelihood):
            return family(torch.from_numpy(~absent).float())
        return family([int(count) for count in (~absent).sum(axis=1)])
    return family(n_features, noise) if family.learns_noise else family(n_features)


def _check_codes(part: Likelihood, categories: list[NDArray | None]) -> None:
    """ModelFileError for a column with another number of codes than of categories."""
    if isinstance(part, CategoricalLikelihood | OrdinalLikelihood):
        n_codes = part.support.n_categories.tolist()  # type: ignore[attr-defined]
        for has, found in zip(n_codes, categories, strict=True):
            if found is not None and len(found) not in (has, 1):
                raise damaged(f"a column has {len(found)} categories, and its likelihood {has}")


def _mixture(builder: Any, weights: Weights) -> SeparatedMixture:
    """The mixture prior of an estimator, with the means that the weights begin at."""
    codes, scales = (_array(weights, f"prior.{name}", 2) for name in ("codes", "clusters.scale_logits"))
    if builder.k not in ("auto", len(codes)):
        raise damaged(f"there are {len(codes)} clusters, and k={builder.k}")
    family, bounds = FAMILIES[getattr(builder, "family", "gaussian")], builder.scale_bounds
    axes = _array(weights, "prior.clusters.initial_axes", 3) if "prior.clusters.turns" in weights else None
    prior = SeparatedMixture(
        codes,
        family.clusters(torch.full_like(scales, sum(bounds) / 2), codes, axes, bounds),
        torch.full((len(codes),), 1 / len(codes)),
        separation=builder.min_separation,
        fixed_means=builder.cluster_means == "fixed",
        fixed_weights=builder.mixture_weights == "uniform",
        least_mean=family.least_mean(bounds),
    )
    if not torch.allclose(prior.radii, torch.from_numpy(weights["prior.radii"]), rtol=RADIUS_ERROR, atol=RADIUS_ERROR):
        raise damaged("the radii of its clusters would not keep their means apart")
    return prior


def _array(weights: Weights, name: str, n_axes: int) -> Tensor:
    found = torch.from_numpy(np.array(weights.get(name, np.zeros(0))))
    if found.dtype != torch.float32 or found.dim() != n_axes or not len(found):
        raise damaged(f"the weights {name!r} have shape {tuple(found.shape)}, which are {n_axes} axes in its model")
    return found
