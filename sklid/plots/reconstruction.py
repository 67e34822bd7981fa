"""Rows beside their reconstructions."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..metrics.sources import last_step, name_of
from .style import COLOURS, ImageDisplay, axes_grid, decoded_rows, hide_frame, panels, show_image

__all__ = ["ReconstructionDisplay"]


@dataclass(eq=False, repr=False)
class ReconstructionDisplay(ImageDisplay):
    """Some rows and what the model makes of them, as images above each other or as curves over the features.

    Parameters
    ----------
    rows : array of shape (n_rows, n_features)
    reconstructions : dict of names to arrays of shape (n_rows, n_features)
    image_shape : pair of int or False, optional
        Height and width of images; False for curves. By default square images where the number of features is a square
        of at least 16.
    """

    rows: NDArray
    reconstructions: dict[str, NDArray]
    image_shape: tuple[int, int] | bool | None = None

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: ArrayLike, *, n_rows: int = 8, image_shape: tuple[int, int] | bool | None = None
    ) -> Self:
        """Reconstruct the first rows of X: E[x | z] at the posterior mean, with `transform` and `inverse_transform`.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline
            In a pipeline rows are shown as the last step sees them.
        X : array-like of shape (n_samples, n_features)
        n_rows : int, default=8
        image_shape : pair of int or False, optional
        """
        return cls.from_estimators({name_of(estimator): estimator}, X, n_rows=n_rows, image_shape=image_shape)

    @classmethod
    def from_estimators(
        cls,
        estimators: dict[str, Any],
        X: ArrayLike,
        *,
        n_rows: int = 8,
        image_shape: tuple[int, int] | bool | None = None,
    ) -> Self:
        """Reconstruct the first rows of X with several estimators, by name."""
        chosen = X[:n_rows]
        reconstructions, shown = {}, np.asarray(chosen)
        for name, estimator in estimators.items():
            model, shown = last_step(estimator, chosen)
            reconstructions[name] = decoded_rows(model, model.transform(shown))
        return cls(np.asarray(shown), reconstructions, image_shape)

    @classmethod
    def from_predictions(
        cls, rows: ArrayLike, reconstructions: ArrayLike, *, name: str = "reconstruction", **parameters: Any
    ) -> Self:
        """From rows and their reconstructions by any model."""
        return cls(np.asarray(rows), {name: np.asarray(reconstructions)}, **parameters)

    @property
    def _n_features(self) -> int:
        return self.rows.shape[-1]

    def _plot_images(self, shape: tuple[int, int]) -> None:
        lines = {"data": self.rows, **self.reconstructions}
        limits = float(self.rows.min()), float(self.rows.max())
        self.figure_, self.axes_ = axes_grid(len(lines), len(self.rows), (1.0, shape[0] / shape[1]))
        for (name, images), line in zip(lines.items(), self.axes_, strict=True):
            for image, panel in zip(images, line, strict=True):
                show_image(panel, image, shape, limits)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")

    def _plot_curves(self) -> None:
        self.figure_, self.axes_ = panels(len(self.rows), min(4, len(self.rows)), (3.2, 2.4))
        for number, panel in enumerate(self.axes_):
            panel.plot(self.rows[number], color="0.3", marker="o", linestyle="none", markersize=4, label="data")
            for place, (name, rows) in enumerate(self.reconstructions.items()):
                panel.plot(rows[number], color=COLOURS[place % len(COLOURS)], label=name)
            panel.set(xlabel="feature", title=f"row {number}")
            hide_frame(panel)
        self.axes_[0].legend(frameon=False, fontsize=8)
