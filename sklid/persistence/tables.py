"""Forms of what lets data in and out: what it has learned of columns or words; the rest follows from parameters.

A field that an adapter learns is declared here, once, with its kind; saving an adapter with one that is not declared is
an error, so that none is lost in silence.
"""

import math
from collections.abc import Hashable
from typing import Any

from sklearn.preprocessing import StandardScaler

from ..data.categories import object_array
from ..data.column_families import FAMILIES, OF_CODES
from ..data.column_kinds import KIND_OF_TYPE, LABEL_KINDS
from ..data.column_writer import Container
from ..data.conditioned_adapter import ConditionedAdapter
from ..data.corpus import CorpusAdapter
from ..data.mixed_adapter import MixedAdapter
from ..data.mixed_table import MixedTable
from ..data.table import TableAdapter
from ..data.vocabulary import FIRST
from ..exceptions import ModelFileError
from .archive import damaged
from .conditions import KNOWN, packed_conditions, restore_conditions
from .kinds import Anything, Array, Each, Is, Kind, Maybe, Number, Text
from .values import Packer, Unpacker

__all__ = ["packed_table", "unpacked_table"]

LEARNED: dict[str, Kind] = {
    "scaler": Maybe(Is((StandardScaler,))),
    "learned_scale": Maybe(Text(("column", "table"))),
    "shares_seen": Array("f", ("features",)),
    "container": Is((Container,)),
}
"""Of any table."""
LEARNED_LATER = {"container"}
"""What earlier files lack: frames then come back with columns of floats."""
FROM_PARAMETERS = {"likelihood", "scale", "asked", "support", "table", "numbers", "names"}
COLUMNS: dict[str, Kind] = {
    "labels": Maybe(Each(Anything(), "features")),
    "names": Each(Text(), "features"),
    "kinds": Each(Text((*dict.fromkeys(KIND_OF_TYPE.values()), *LABEL_KINDS)), "features"),
    "families": Each(Text(tuple(FAMILIES)), "features"),
    "reasons": Each(Text(), "features"),
    "categories": Each(Maybe(Array("Obif", None)), "features"),
    "container": Is((Container,)),
}
"""Of the columns of a mixed table."""
CONDITIONED: dict[str, Kind] = {"typical_library": Maybe(Number())}
"""Of a table with exposures or covariates, beside what its features' adapter has learned and `Conditions`."""
MADE_ANEW = {"own", "conditions", "n_features", "_of_features"}
OF_VOCABULARY = {"splitter", "lowercase", "max_features", "min_df", "max_length", "words", "_numbers"}


def packed_table(table: Any, packer: Packer, path: str) -> dict[str, Any]:
    """What an adapter has learned."""
    if isinstance(table, CorpusAdapter):
        _check_known(table, {"vocabulary"}, path)
        _check_known(table.vocabulary, OF_VOCABULARY, path)
        return {"words": packer.value(table.vocabulary.words, f"{path}.words")}
    if isinstance(table, ConditionedAdapter):
        return _packed_conditioned(table, packer, path)
    _check_known(table, {*LEARNED, *FROM_PARAMETERS}, path)
    described = {"learned": _packed(table, LEARNED, packer, path)}
    if isinstance(table, MixedAdapter):
        _check_known(table.table, set(COLUMNS), path)
        described["columns"] = _packed(table.table, COLUMNS, packer, path)
    return described


def unpacked_table(described: dict[str, Any], builder: Any, unpacker: Unpacker, path: str) -> Any:
    """An adapter that knows it, of an estimator that is not fitted; of tables it has ``n_features_in_``, and names."""
    fresh = builder._adapter()
    if isinstance(fresh, ConditionedAdapter):
        return _unpacked_conditioned(described, fresh, builder, unpacker, path)
    own = _unpacked_own(described, fresh, unpacker, path)
    _remind_of_names(own, getattr(builder, "feature_names_in_", None))
    return own


def _remind_of_names(own: Any, names: Any) -> None:
    """Let messages name columns as those of the rows checked last; mixed tables have labels for it."""
    if type(own) is TableAdapter:
        own.names = names


def _unpacked_own(described: dict[str, Any], fresh: Any, unpacker: Unpacker, path: str) -> Any:
    """`fresh`, which has learned nothing, with what was learned."""
    if isinstance(fresh, CorpusAdapter):
        _learn_words(fresh, unpacker.value(described["words"], f"{path}.words"), path)
        return fresh
    learned = described["learned"]
    fields = {name: kind for name, kind in LEARNED.items() if name in learned or name not in LEARNED_LATER}
    _restore(fresh, fields, learned, unpacker, path)
    if isinstance(fresh, MixedAdapter):
        fresh.table = _restore(MixedTable(), COLUMNS, described["columns"], unpacker, path)
        _check_categories(fresh.table, path)
    return fresh


def _packed_conditioned(table: ConditionedAdapter, packer: Packer, path: str) -> dict[str, Any]:
    _check_known(table, {*CONDITIONED, *MADE_ANEW}, path)
    _check_known(table.conditions, KNOWN, f"{path}.conditions")
    return {
        "own": packed_table(table.own, packer, f"{path}.own"),
        "conditions": packed_conditions(table.conditions, packer, f"{path}.conditions"),
        "learned": _packed(table, CONDITIONED, packer, path),
    }


def _unpacked_conditioned(
    described: dict[str, Any], fresh: ConditionedAdapter, builder: Any, unpacker: Unpacker, path: str
) -> ConditionedAdapter:
    conditions, n_columns = fresh.conditions, builder.n_features_in_
    restore_conditions(conditions, described["conditions"], n_columns, unpacker, f"{path}.conditions")
    fresh.n_features = len(conditions.rest) if conditions.has_columns else n_columns
    _restore(fresh, CONDITIONED, described["learned"], unpacker, path)
    typical = fresh.typical_library
    if conditions.uses_library != (typical is not None and 0 < typical < math.inf):
        raise damaged(f"{path}.typical_library is {typical!r}, and does not go with the parameter offset")
    outer, unpacker.sizes = unpacker.sizes, {"features": fresh.n_features}
    _unpacked_own(described["own"], fresh.own, unpacker, f"{path}.own")
    unpacker.sizes = outer
    if conditions.has_columns:
        _keep_to_features(fresh, builder)
    held_to = fresh._of_features if conditions.has_columns else builder
    _remind_of_names(fresh.own, getattr(held_to, "feature_names_in_", None))
    return fresh


def _keep_to_features(fresh: ConditionedAdapter, builder: Any) -> None:
    """Let the adapter hold the features of later tables to the names and the number of those of the fit."""
    names = getattr(builder, "feature_names_in_", None)
    fresh.keep_to(builder, has_labels=fresh.conditions._labels is not None)
    of_features: Any = fresh._of_features
    of_features.n_features_in_ = fresh.n_features
    if names is not None:
        of_features.feature_names_in_ = names[fresh.conditions.rest]


def _packed(found: Any, fields: dict[str, Kind], packer: Packer, path: str) -> dict[str, Any]:
    return packer.fields({name: getattr(found, name) for name in fields}, fields, path)


def _restore(
    fresh: TableAdapter | ConditionedAdapter | MixedTable,
    fields: dict[str, Kind],
    described: Any,
    unpacker: Unpacker,
    path: str,
) -> Any:
    vars(fresh).update(unpacker.fields(described, fields, path))
    return fresh


def _check_known(found: Any, known: set[str], path: str) -> None:
    unknown = vars(found).keys() - known
    if unknown:
        raise ModelFileError(
            f"{path} has learned {min(unknown)}, which a model file does not hold yet. Use joblib.dump."
        )


def _learn_words(adapter: CorpusAdapter, words: list[Hashable], path: str) -> None:
    kind: Kind = Each(Text()) if words and isinstance(words[0], str) else Each(Is((int,)))
    if not words or not kind.fits(words, {}) or len(set(words)) < len(words):
        raise damaged(f"{path}.words are not different words, or numbers")
    adapter.vocabulary.words = words
    adapter.vocabulary._numbers = {word: number for number, word in enumerate(words, FIRST)}


def _check_categories(table: MixedTable, path: str) -> None:
    """ModelFileError for a column whose categories do not go with its kind and family."""
    for column, (kind, family, categories) in enumerate(
        zip(table.kinds, table.families, table.categories, strict=True)
    ):
        needs = kind in LABEL_KINDS or family in OF_CODES
        if needs != (categories is not None) or (needs and categories.ndim != 1):
            raise damaged(f"{path}.categories of column {column} do not go with a column of kind {kind}")
        if kind in LABEL_KINDS:
            table.categories[column] = object_array(categories.tolist())
