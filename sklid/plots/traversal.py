"""What a latent does: decoded rows as one latent after the other moves and the others stay."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..metrics import kl_divergence
from ..metrics.sources import last_step
from .style import COLOURS, ImageDisplay, axes_grid, decoded_rows, hide_frame, panels, show_image

__all__ = ["LatentTraversalDisplay"]

MOST_CURVES = 4
LINES = ("-", "--", ":", "-.")


@dataclass(eq=False, repr=False)
class LatentTraversalDisplay(ImageDisplay):
    """Decoded means along each latent, as rows of images, or as curves of the features that move most.

    Parameters
    ----------
    decoded : array of shape (n_latents, n_steps, n_features)
        E[x | z] with one latent at each step.
    steps : array of shape (n_steps,)
        Values of the moving latent, in prior standard deviations.
    latents : sequence of int
        Which latents move.
    image_shape : pair of int or False, optional
        Height and width of images; False for curves. By default square images where the number of features is a square
        of at least 16.
    feature_names : sequence of str, optional
    """

    decoded: NDArray
    steps: NDArray
    latents: ArrayLike
    image_shape: tuple[int, int] | bool | None = None
    feature_names: ArrayLike | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        latents: ArrayLike | None = None,
        n_steps: int = 9,
        span: float = 2.0,
        image_shape: tuple[int, int] | bool | None = None,
    ) -> Self:
        """Decode around the average posterior mean of rows.

        Parameters
        ----------
        estimator : fitted estimator with `transform` and `inverse_transform`, or Pipeline that ends in one
        X : array-like of shape (n_samples, n_features)
        latents : sequence of int, optional
            By default at most six, those with the largest divergence from the prior.
        n_steps : int, default=9
        span : float, default=2.0
            The latent moves from minus to plus so many prior standard deviations.
        image_shape : pair of int or False, optional
        """
        model, rows = last_step(estimator, X)
        check_is_fitted(model)
        if latents is None:
            latents = np.argsort(-kl_divergence(model, rows).per_dimension, kind="stable")[:6]
        steps = np.linspace(-span, span, n_steps)
        places = np.tile(model.transform(rows).mean(axis=0), (len(latents), n_steps, 1))
        for number, latent in enumerate(latents):
            places[number, :, latent] = steps
        decoded = decoded_rows(model, places.reshape(-1, places.shape[-1]))
        return cls(decoded.reshape(len(latents), n_steps, -1), steps, latents, image_shape, _feature_names(estimator))

    @classmethod
    def from_predictions(
        cls, decoded: ArrayLike, steps: ArrayLike, latents: ArrayLike | None = None, **parameters: Any
    ) -> Self:
        """From decoded rows of any model, of shape (n_latents, n_steps, n_features)."""
        decoded = np.asarray(decoded)
        return cls(decoded, np.asarray(steps), range(len(decoded)) if latents is None else latents, **parameters)

    @property
    def _n_features(self) -> int:
        return self.decoded.shape[-1]

    def _plot_images(self, shape: tuple[int, int]) -> None:
        limits = float(self.decoded.min()), float(self.decoded.max())
        self.figure_, self.axes_ = axes_grid(len(self.decoded), len(self.steps), (0.9, 0.9 * shape[0] / shape[1]))
        for latent, row, line in zip(self.latents, self.decoded, self.axes_, strict=True):
            for step, image, panel in zip(self.steps, row, line, strict=True):
                show_image(panel, image, shape, limits)
                if latent == self.latents[0]:
                    panel.set_title(f"{step:+.1f}", fontsize=9)
            line[0].set_ylabel(f"latent {latent}", fontsize=9, rotation=0, ha="right", va="center")

    def _plot_curves(self) -> None:
        self.figure_, self.axes_ = panels(len(self.decoded), min(3, len(self.decoded)), (3.8, 3.0))
        scale = self.decoded.std(axis=(0, 1)).clip(min=1e-12)
        for latent, row, panel in zip(self.latents, self.decoded, self.axes_, strict=True):
            moved = (row - row.mean(axis=0)) / scale
            for number, feature in enumerate(np.argsort(-np.ptp(moved, axis=0), kind="stable")[:MOST_CURVES]):
                name = f"feature {feature}" if self.feature_names is None else str(self.feature_names[feature])
                panel.plot(self.steps, moved[:, feature], color=COLOURS[number], linestyle=LINES[number], label=name)
            panel.set(xlabel=f"latent {latent}", ylabel="change of E[x | z] (std)")
            panel.legend(frameon=False, fontsize=8)
            hide_frame(panel)


def _feature_names(estimator: Any) -> ArrayLike | None:
    """Names of the columns that an estimator, or the last step of a pipeline, sees; None where there are none."""
    if not isinstance(estimator, Pipeline):
        return getattr(estimator, "feature_names_in_", None)
    if not hasattr(estimator, "feature_names_in_") or not hasattr(estimator[:-1], "get_feature_names_out"):
        return None
    return estimator[:-1].get_feature_names_out()
