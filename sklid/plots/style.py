"""What the displays share: where they draw, colours that the colour-blind tell apart, scatters and images."""

import math
import sys
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "COLOURS",
    "HATCHES",
    "MARKERS",
    "AxesDisplay",
    "ImageDisplay",
    "PanelsDisplay",
    "axes_grid",
    "decoded_rows",
    "hide_frame",
    "panels",
    "scatter",
    "show_image",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito."""
HATCHES = ("", "//", "..", "xx", "\\\\", "oo")
MARKERS = ("o", "s", "^", "D", "v", "P")
LARGEST_LEGEND = 12


class AxesDisplay:
    """A picture on axes of its own, or on those that its user has.

    Attributes
    ----------
    figure_, ax_
        Set by `plot`.
    """

    figure_: Any
    ax_: Any

    def _take_axes(self, ax: Any, size: tuple[float, float]) -> Any:
        """The axes given, or new ones in a figure of that size; they are kept."""
        self.ax_ = new_figure(size).subplots() if ax is None else ax
        self.figure_ = self.ax_.figure
        hide_frame(self.ax_)
        return self.ax_


class PanelsDisplay:
    """A picture of several panels.

    Attributes
    ----------
    figure_, axes_
        Set by `plot`; the axes as an array.
    """

    figure_: Any
    axes_: NDArray


class ImageDisplay(PanelsDisplay, ABC):
    """Rows as images where they have a height and a width, as curves over the features where not."""

    image_shape: tuple[int, int] | bool | None

    def plot(self) -> Self:
        """Draw rows of images, or panels of curves; `figure_` and `axes_` hold them."""
        shape = image_shape_of(self._n_features, self.image_shape)
        if shape is None:
            self._plot_curves()
        else:
            self._plot_images(shape)
        return self

    @property
    @abstractmethod
    def _n_features(self) -> int:
        """Numbers of a row."""

    @abstractmethod
    def _plot_images(self, shape: tuple[int, int]) -> None:
        """Draw rows as images of a height and a width."""

    @abstractmethod
    def _plot_curves(self) -> None:
        """Draw rows as curves over their features."""


def hide_frame(ax: Any) -> None:
    """Axes without lines at the top and on the right."""
    ax.spines[["top", "right"]].set_visible(False)


def new_figure(size: tuple[float, float]) -> Any:
    """A figure that ``pyplot.show`` shows when the user has imported pyplot; else one that no global state knows."""
    from matplotlib.figure import Figure

    pyplot = sys.modules.get("matplotlib.pyplot")
    return (
        Figure(figsize=size, layout="constrained")
        if pyplot is None
        else pyplot.figure(figsize=size, layout="constrained")
    )


def axes_grid(n_rows: int, n_columns: int, cell: tuple[float, float]) -> tuple[Any, NDArray]:
    """A new figure with a grid of axes: the figure, and an array of shape (n_rows, n_columns)."""
    figure = new_figure((cell[0] * n_columns, cell[1] * n_rows))
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def panels(n_panels: int, n_columns: int, cell: tuple[float, float]) -> tuple[Any, NDArray]:
    """A new figure and its axes in rows, an array of shape (n_panels,); what is left of the last row is blank."""
    figure, grid = axes_grid(-(-n_panels // n_columns), n_columns, cell)
    for spare in grid.ravel()[n_panels:]:
        spare.set_axis_off()
    return figure, grid.ravel()[:n_panels]


def image_shape_of(n_features: int, given: tuple[int, int] | bool | None) -> tuple[int, int] | None:
    """Height and width of rows shown as images: as given, or of a square of so many pixels; None for rows as curves.

    Raises
    ------
    ValueError
        If the pixels given are not as many as the features.
    """
    if given is False:
        return None
    if given is None:
        side = math.isqrt(n_features)
        return (side, side) if side * side == n_features and side >= 4 else None
    if given[0] * given[1] != n_features:
        raise ValueError(
            f"image_shape={given} has {given[0] * given[1]} pixels, and a row has {n_features} features; "
            "pass False for curves."
        )
    return given


def decoded_rows(model: Any, latents: NDArray) -> NDArray:
    """The rows of numbers that a model makes of latents, ``(n, K) -> (n, P)``.

    Raises
    ------
    TypeError
        If it makes something else of them, such as documents.
    """
    rows = np.asarray(model.inverse_transform(latents))
    if rows.ndim != 2 or rows.dtype.kind not in "biuf":
        raise TypeError(
            f"This display draws rows of numbers, and {type(model).__name__} decodes latents to others, as to "
            "documents. Look at what predict, inverse_transform and interpolate give."
        )
    return rows


def show_image(ax: Any, row: NDArray, shape: tuple[int, int], limits: tuple[float, float]) -> None:
    """A row as an image, in grey from the lower limit to the upper."""
    ax.imshow(row.reshape(shape), cmap="gray_r", vmin=limits[0], vmax=limits[1], interpolation="nearest")
    ax.set(xticks=[], yticks=[])


def scatter(ax: Any, x: NDArray, y: NDArray, labels: ArrayLike | None) -> None:
    """Points; with labels each class in its colour, and its label at its median: colour is never alone."""
    from matplotlib import colormaps

    if labels is None:
        ax.scatter(x, y, s=8, color=COLOURS[0], alpha=0.6, linewidths=0)
        return
    values, codes = np.unique(np.asarray(labels), return_inverse=True)
    colours = colormaps["tab10" if len(values) <= 10 else "viridis"](np.linspace(0, 1, len(values)))
    ax.scatter(x, y, s=8, c=colours[codes], alpha=0.6, linewidths=0)
    if len(values) <= LARGEST_LEGEND:
        for code, value in enumerate(values):
            place = np.median(x[codes == code]), np.median(y[codes == code])
            ax.text(
                *place,
                str(value),
                ha="center",
                va="center",
                weight="bold",
                bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 1},
            )
