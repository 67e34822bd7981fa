r"""Images moved at random: what an encoder sees of a row in training.

For every distribution q of the latent,

.. math:: \log p(x) \ge E_q[\log p(x \mid z)] - KL(q(z) \| p(z)),

so q may be that of a moved image, :math:`q(z \mid S_t x)` with t drawn at random, and the likelihood still score the
row x itself: the bound stays one. The encoder learns to answer the same wherever the image stands.

A pixel that comes from outside is the nearest one of the edge. A Gaussian model sees rows :math:`(x - m) / a`, with a
mean of each column, and what moves is the image x, not the mean image m:

.. math:: \frac{x - m}{a} \; \mapsto \; \frac{x - m}{a} + \frac{S_t x - x}{\max(a, \bar a)},

with :math:`\bar a` the root of the mean square of a. Where all columns have one scale this is
:math:`(S_t x - m) / a`. By columns, a pixel that is almost always blank has a small one, and a stroke that is moved
there would count as hundreds of standard deviations.
"""

import torch
from torch import Tensor, nn

from .draws import drawing

__all__ = ["RandomShift"]

SHARE_OF_SIDE = 0.05


class RandomShift(nn.Module):
    """In training, rows whose images are moved by a whole number of pixels each; in evaluation, rows as they are.

    A shift is uniform from -s to s in each of the two directions, with s a twentieth of the side, rounded, and at least
    1.

    Parameters
    ----------
    image_shape : tuple of int
        Channels, height and width.
    means, scales : Tensor of shape (D,), optional
        m and a of rows (x - m) / a, in double precision where single is too coarse; without them rows are images.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import RandomShift
    >>> shift = RandomShift((1, 2, 3))
    >>> image = torch.arange(6.0).reshape(1, 6)
    >>> shift.moved(image, torch.tensor([[0, 1]])).reshape(2, 3)
    tensor([[0., 0., 1.],
            [3., 3., 4.]])
    >>> torch.equal(shift.eval()(image), image)
    True
    """

    means: Tensor | None
    scales: Tensor | None

    def __init__(
        self, image_shape: tuple[int, int, int], means: Tensor | None = None, scales: Tensor | None = None
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.reaches = tuple(max(1, round(SHARE_OF_SIDE * side)) for side in image_shape[1:])
        if means is not None and scales is not None:
            unit = float(scales.square().mean().sqrt()) or 1.0  # the formula knows no unit and no common mean
            means, scales = ((means - means.mean()) / unit).float(), (scales / unit).float()
        self.register_buffer("means", means)
        self.register_buffer("scales", scales)

    def forward(self, rows: Tensor) -> Tensor:
        """What an encoder sees of rows: ``(*, D) -> (*, D)``."""
        return self.moved(rows, self.drawn(rows)) if self.training else rows

    def drawn(self, rows: Tensor) -> Tensor:
        """A random shift of each row, down and to the right: ``(*, D) -> (*, 2)``."""
        with drawing():
            shifts = [torch.randint(-reach, reach + 1, rows.shape[:-1], device=rows.device) for reach in self.reaches]
        return torch.stack(shifts, dim=-1)

    def moved(self, rows: Tensor, shifts: Tensor) -> Tensor:
        """Rows of images that are moved down and to the right: ``(*, D), (*, 2) -> (*, D)``."""
        if self.means is None or self.scales is None:
            return self._moved(rows, shifts)
        images = torch.addcmul(self.means, rows, self.scales)
        return rows + (self._moved(images, shifts) - images) / self.scales.clamp_min(1)

    def _moved(self, images: Tensor, shifts: Tensor) -> Tensor:
        n_channels, height, width = self.image_shape
        lines, columns = (
            (torch.arange(side, device=images.device) - shift.unsqueeze(-1)).clamp(0, side - 1)
            for side, shift in zip((height, width), shifts.unbind(-1), strict=True)
        )
        pixels = (width * lines.unsqueeze(-1) + columns.unsqueeze(-2)).flatten(-2).unsqueeze(-2)
        channels = images.unflatten(-1, (n_channels, height * width))
        return channels.gather(-1, pixels.expand(channels.shape)).flatten(-2)
