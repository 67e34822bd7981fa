"""The course of a training: bound, divergence and, where recorded, information and active units by epoch."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .style import COLOURS, MARKERS, PanelsDisplay, axes_grid, hide_frame

__all__ = ["TrainingCurveDisplay"]

TITLES = {
    "elbo": "evidence lower bound (nats)",
    "validation_elbo": "bound on the validation set (nats)",
    "kl": "KL of posterior from prior (nats)",
    "mi": "mutual information (nats)",
    "au": "active units (share)",
}


@dataclass(eq=False, repr=False)
class TrainingCurveDisplay(PanelsDisplay):
    """Curves over the epochs of one or several trainings, one panel per quantity.

    Parameters
    ----------
    curves : dict of names to dicts of arrays
        For each training its quantities by epoch: "elbo", "validation_elbo", "kl", "mi" or "au".

    Examples
    --------
    >>> from sklid.plots import TrainingCurveDisplay
    >>> display = TrainingCurveDisplay.from_predictions({"mine": {"elbo": [-9.0, -7.0, -6.5], "kl": [0.1, 0.9, 1.2]}})
    >>> sorted(display.curves["mine"])
    ['elbo', 'kl']
    """

    curves: dict[str, dict[str, NDArray]]

    @classmethod
    def from_estimator(cls, estimator: Any, name: str | None = None) -> Self:
        """The history of a fitted estimator; `sklid.callbacks.CollapseMonitor` records information and active units."""
        return cls.from_estimators({name or type(estimator).__name__: estimator})

    @classmethod
    def from_estimators(cls, estimators: dict[str, Any]) -> Self:
        """The histories of several fitted estimators."""
        return cls({name: _curves(estimator.net_.history) for name, estimator in estimators.items()})

    @classmethod
    def from_predictions(cls, curves: dict[str, dict[str, Any]]) -> Self:
        """From curves recorded elsewhere: names to quantities to values by epoch."""
        return cls(
            {
                name: {quantity: np.asarray(values, dtype=float) for quantity, values in own.items()}
                for name, own in curves.items()
            }
        )

    def plot(self) -> Self:
        """Draw one panel per quantity that some training has."""
        shown = [quantity for quantity in TITLES if any(quantity in own for own in self.curves.values())]
        self.figure_, grid = axes_grid(1, len(shown), (4.2, 3.4))
        self.axes_ = grid[0]
        for quantity, panel in zip(shown, self.axes_, strict=True):
            for number, (name, own) in enumerate(self.curves.items()):
                if quantity in own:
                    epochs = np.arange(1, len(own[quantity]) + 1)
                    style = {
                        "color": COLOURS[number % len(COLOURS)],
                        "marker": MARKERS[number % len(MARKERS)],
                        "markersize": 4,
                    }
                    panel.plot(epochs, own[quantity], markevery=max(1, len(epochs) // 8), label=name, **style)
            panel.set(xlabel="epoch", ylabel=TITLES[quantity])
            hide_frame(panel)
        self.axes_[0].legend(frameon=False)
        return self


def _curves(history: Any) -> dict[str, NDArray]:
    """The quantities of a skorch history that every epoch recorded."""
    found = {}
    for quantity, key, sign in (
        ("elbo", "train_loss", -1),
        ("validation_elbo", "valid_loss", -1),
        ("kl", "kl", 1),
        ("mi", "mi", 1),
        ("au", "au", 1),
    ):
        values = [epoch.get(key) for epoch in history]
        if values and None not in values:
            found[quantity] = sign * np.array(values, dtype=float)
    return found
