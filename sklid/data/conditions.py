"""The columns of a table that rows are conditioned on: exposures, and covariates by codes of mean 0.

The exposure of a row is the product of its exposure columns, each over its median. A covariate of numbers is
standardised; one of text, categories or truth values has a number for each category, 1 or 0 less the share of the
category in the fit. So a row of no known category stands at the mean of the codes, which is 0.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..exceptions import UnknownCategoryWarning, warn_user
from .categories import Coded, coded_numbers, recoded
from .chosen_columns import dense_columns_of, labels_of, listed, places_of, title_of
from .column_kinds import Columns
from .column_reader import read_columns
from .column_writer import Written, container_of, written
from .numeric_table import shortened

__all__ = ["LIBRARY", "Conditions"]

LIBRARY = "library"
LEAST_EXPOSURE = 1e-30
"""And one over the greatest: single precision holds exposures between, and what is proportional to them."""
LARGEST_NUMBER = 1e30
"""Of a covariate."""
MOST_DEVIATIONS = 100
"""Of a later covariate from its mean in fit; nobody means to extrapolate farther."""
LEAST_ROWS = 20
"""From which a covariate with more categories than half of the rows is one of names."""


class Covariate(NamedTuple):
    """How a column becomes codes.

    Parameters
    ----------
    kind : str
        See `sklid.data.column_kinds`.
    categories : ndarray of shape (V,) or None
        None of numbers.
    centre, scale : ndarray of shape (V,) or (1,)
        What is taken off a code, and what that is divided by.
    usual : int or float
        The category that most rows have, by its number; the mean of numbers.
    """

    kind: str
    categories: NDArray | None
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    usual: float


class Conditions:
    """Which columns of a table are exposures and covariates, and what they are to a model.

    Parameters
    ----------
    offset : str, int, list of these, or None
        "library", for sums of rows, and names or numbers of exposure columns.
    covariates : str, int, list of these, or None

    Attributes
    ----------
    uses_library : bool
        Whether sums of rows are exposures.
    exposures, covariates : lists of int
        Numbers of their columns in the table.
    rest : list of int
        Numbers of the columns that are modelled.
    typical : ndarray of shape (n_exposures,)
        Medians of the exposure columns.

    Examples
    --------
    >>> import pandas
    >>> from sklid.data.conditions import Conditions
    >>> frame = pandas.DataFrame({"visits": [1, 4, 2, 0], "years": [1.0, 2, 1, 1], "site": ["a", "b", "a", "a"]})
    >>> conditions = Conditions("years", ["site"])
    >>> conditions.learn(frame).round(2)
    array([[ 0.  ,  0.25, -0.25],
           [ 0.69, -0.75,  0.75],
           [ 0.  ,  0.25, -0.25],
           [ 0.  ,  0.25, -0.25]])
    >>> conditions.rest, conditions.usual_codes
    ([0], array([ 0.25, -0.25]))
    """

    def __init__(self, offset: Any, covariates: Any) -> None:
        asked = listed(offset)
        self.uses_library = any(isinstance(key, str) and key == LIBRARY for key in asked)
        self._asked = {
            "offset": [key for key in asked if not (isinstance(key, str) and key == LIBRARY)],
            "covariates": listed(covariates),
        }
        self.exposures: list[int] = []
        self.covariates: list[int] = []
        self.rest: list[int] = []
        self.typical = np.ones(0)

    @property
    def has_columns(self) -> bool:
        """Whether any column is asked for; it is not modelled then."""
        return any(self._asked.values())

    @property
    def columns(self) -> list[int]:
        """Numbers of the exposure columns, and then of the covariates."""
        return [*self.exposures, *self.covariates]

    @property
    def usual_codes(self) -> NDArray[np.float64]:
        """The codes at the mean of numbers and the most frequent category: ``(C,)``."""
        values = [np.array([covariate.usual]) for covariate in self._known]
        parts = [_codes_of(covariate, value)[0] for covariate, value in zip(self._known, values, strict=True)]
        return np.concatenate([np.zeros(0), *parts])

    def learn(self, X: Any) -> NDArray[np.float64]:
        """Find the columns, and what is typical of them; what they are to a model.

        Parameters
        ----------
        X : DataFrame of pandas or polars, or array of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, E + C)
            Log exposure over its typical value, where there are such columns, and the codes of the covariates.

        Raises
        ------
        ValueError
            For columns that X does not have, that are named twice, or that leave nothing to model; exposures that are
            not positive and finite; and covariates with gaps, or with a category for nearly each row.
        """
        self.find(labels_of(X), X.shape[1])
        columns = dense_columns_of(X, self.columns)
        read, self._container = read_columns(columns), container_of(columns)
        self._labels = labels_of(X)
        exposures = self._exposures(read)
        self.typical = np.median(exposures, axis=0)
        places = range(len(self.exposures), len(self.columns))
        self._known = [self._learned(read, place) for place in places]
        return self._joined(exposures, [self._values(read, place) for place in places])

    def encode(self, X: Any) -> NDArray[np.float64]:
        """The same of a later table of the same columns.

        Warns
        -----
        UnknownCategoryWarning
            Once, for categories that did not occur in the fit.
        UserWarning
            For numbers that are far from those of the fit.
        """
        read = read_columns(dense_columns_of(X, self.columns))
        exposures, values, unknown = self._exposures(read), [], []
        for place, covariate in enumerate(self._known, start=len(self.exposures)):
            found = self._values(read, place)
            if covariate.categories is not None:
                coded = Coded(found, self._coded(read, place).categories)
                found, others = recoded(coded, covariate.categories)
                unknown += [f"column {self._title(place)}: {', '.join(map(shortened, others))}"] if others else []
            elif place in read.coded:
                raise ValueError(
                    f"The covariate {self._title(place)} holds {shortened(read.coded[place].categories[0])}, and held "
                    "numbers in fit. Turn it into numbers, or fit again."
                )
            else:
                self._warn_of_far(place, covariate, found)
            values.append(found)
        if unknown:
            warn_user(
                f"Covariates hold categories that did not occur in fit and count as none: {'; '.join(unknown)}.",
                UnknownCategoryWarning,
            )
        return self._joined(exposures, values)

    def usual(self, n_rows: int) -> Any:
        """So many rows of the columns at typical exposure, mean numbers and most frequent categories."""
        columns = [Written("mean", np.full(n_rows, value)) for value in self.typical]
        for covariate in self._known:
            if covariate.categories is None:
                columns.append(Written("mean", np.full(n_rows, covariate.usual)))
                continue
            category = covariate.categories[int(covariate.usual)]
            kind = "boolean" if covariate.kind == "boolean" else "label"
            values = np.empty(n_rows, dtype=np.float64 if kind == "boolean" else object)
            values[:] = category
            columns.append(Written(kind, values))
        return written(self._container, columns)

    def find(self, labels: list[Hashable] | None, n_columns: int) -> None:
        """Find the columns among those of a table, by labels, or by numbers where it has none.

        Raises
        ------
        ValueError
            For columns that there are not, that are named twice, or that leave nothing to model.
        """
        if self.uses_library and labels is not None and LIBRARY in labels:
            raise ValueError(
                'offset="library" stands for sums of rows, and X has a column of that name. Rename it, or name it in '
                f"offset by its number, {labels.index(LIBRARY)}."
            )
        found = {name: places_of(keys, labels, n_columns, name) for name, keys in self._asked.items()}
        every = [*found["offset"], *found["covariates"]]
        twice = [column for column in every if every.count(column) > 1]
        if twice:
            raise ValueError(
                f"Column {title_of(labels, twice[0])} is named twice among offset and covariates; name it once."
            )
        self.exposures, self.covariates = found["offset"], found["covariates"]
        self.rest = sorted(set(range(n_columns)) - set(every))
        if not self.rest:
            raise ValueError("offset and covariates name every column of X, so none is left to model.")

    def _exposures(self, read: Columns) -> NDArray[np.float64]:
        """The exposure columns, if positive and finite: ``(N, E)``."""
        for place in range(len(self.exposures)):
            values, title = read.numbers[:, place], self._title(place)
            if place in read.coded:
                raise ValueError(
                    f"The exposure {title} holds {shortened(read.coded[place].categories[0])}; an exposure is a "
                    "positive number. Name text among covariates."
                )
            bad = ~((values >= LEAST_EXPOSURE) & (values <= 1 / LEAST_EXPOSURE))
            if bad.any():
                row = int(np.argmax(bad))
                raise ValueError(
                    f"The exposure {title} holds {values[row]:g} in row {row}; exposures are positive finite numbers, "
                    f"such as times under observation, from {LEAST_EXPOSURE:g} to {1 / LEAST_EXPOSURE:g}. Correct it, "
                    "or leave the row out."
                )
        return read.numbers[:, : len(self.exposures)]

    def _values(self, read: Columns, place: int) -> NDArray[np.float64]:
        """Numbers, or codes, of a covariate; ValueError for gaps and numbers that are infinite or close to it."""
        is_coded = place in read.coded or read.kinds[place] == "boolean"
        values = self._coded(read, place).codes if is_coded else read.numbers[:, place]
        bad = ~(np.abs(values) <= LARGEST_NUMBER)
        if bad.any():
            row = int(np.argmax(bad))
            what = "is missing" if np.isnan(values[row]) else f"holds {values[row]:g}"
            raise ValueError(
                f"The covariate {self._title(place)} {what} in row {row}; rows are conditioned on covariates, so each "
                f"needs a value, of at most {LARGEST_NUMBER:g}. Fill it in, as by a category of its own, or leave the "
                "row out."
            )
        return values

    def _warn_of_far(self, place: int, covariate: Covariate, values: NDArray[np.float64]) -> None:
        deviations = np.abs(values - covariate.usual) / covariate.scale[0]
        if deviations.max(initial=0) > MOST_DEVIATIONS:
            row = int(np.argmax(deviations))
            warn_user(
                f"The covariate {self._title(place)} holds {values[row]:g} in row {row}, {deviations[row]:.0f} "
                "standard deviations from its mean in fit, where answers mean nothing and may be nan. Correct it.",
                UserWarning,
            )

    def _coded(self, read: Columns, place: int) -> Coded:
        found = read.coded.get(place)
        return coded_numbers(read.numbers[:, place], read.kinds[place]) if found is None else found

    def _learned(self, read: Columns, place: int) -> Covariate:
        values, kind = self._values(read, place), read.kinds[place]
        if place in read.coded or kind == "boolean":
            categories = self._coded(read, place).categories
            self._refuse_identities(place, len(categories), len(values))
            shares = np.bincount(values.astype(np.intp), minlength=len(categories)) / len(values)
            return Covariate(kind, categories, shares, np.ones(len(shares)), float(np.argmax(shares)))
        mean, deviation = values.mean(), values.std()
        return Covariate(kind, None, np.array([mean]), np.array([deviation if deviation > 0 else 1.0]), float(mean))

    def _refuse_identities(self, place: int, n_categories: int, n_rows: int) -> None:
        if n_rows >= LEAST_ROWS and n_categories > n_rows / 2:
            raise ValueError(
                f"The covariate {self._title(place)} has {n_categories} categories in {n_rows} rows, so that it names "
                "rows and leaves nothing to latents. Leave it out, or join categories."
            )

    def _joined(self, exposures: NDArray[np.float64], values: list[NDArray]) -> NDArray[np.float64]:
        log_exposure = np.log(exposures / self.typical).sum(axis=1, keepdims=True)
        codes = [_codes_of(covariate, found) for covariate, found in zip(self._known, values, strict=True)]
        return np.concatenate([log_exposure[:, : len(self.exposures)], *codes], axis=1)

    def _title(self, place: int) -> str:
        return title_of(self._labels, self.columns[place])


def _codes_of(covariate: Covariate, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The codes of numbers, or of the numbers of categories, with nan for none: ``(N,) -> (N, V)``."""
    if covariate.categories is None:
        return (values[:, None] - covariate.centre) / covariate.scale
    members = values[:, None] == np.arange(len(covariate.categories))
    return (members - covariate.centre) * ~np.isnan(values)[:, None]
