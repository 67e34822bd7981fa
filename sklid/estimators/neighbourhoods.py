r"""Partitions of rows by who their neighbours are, for clusters that no Gaussian fits.

Rows are laid out in a plane that keeps their neighbourhoods (t-SNE; van der Maaten & Hinton, JMLR 2008), where clusters
are islands, and the plane is cut. Layouts of reconstructions and of latents, and several ways to cut them, differ; the
partition is taken whose labels neighbours share most, see `sklid.metrics.neighbour_information`.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import count, islice

import numpy as np

# its submodules are loaded when they are first used, which halves the time that this package adds to an import
import sklearn
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..metrics.mixtures import stopping_mixture
from ..metrics.neighbours import Distinct, NeighbourGraph, distinct_points

__all__ = ["Layout", "best_partition", "k_means", "partitions"]

MOST_ROWS = 10_000
"""Rows that are laid out; the others have the label of most of their neighbours among them."""
MOST_MERGED = 5_000
"""Points between which all distances are held."""
PERPLEXITY, EXAGGERATION, ITERATIONS = 30.0, 4.0, 500
N_NEIGHBOURS = 15
LEAST_SPREAD = 1e-6


class Layout:
    """Some of the points in a plane that keeps their neighbourhoods; equal ones are one.

    Parameters
    ----------
    points : array of shape (N, D)
        With at least four different rows.
    seed : int
    init : {"pca", "random"}, default="pca"
        Where the points start.
    """

    def __init__(self, points: NDArray, seed: int, init: str = "pca") -> None:
        self.points = points
        self.seed = seed
        self.init = init if points.shape[1] > 1 else "random"

    @cached_property
    def distinct(self) -> Distinct:
        """Which points are equal."""
        return distinct_points(self.points)

    @cached_property
    def n_different(self) -> int:
        """How many points differ; one if they all do by no more than what rounding makes of equal rows."""
        spread = np.abs(self.points - self.points.mean(axis=0)).max()
        return len(self.distinct.first) if spread > LEAST_SPREAD * max(1.0, np.abs(self.points).max()) else 1

    @cached_property
    def plane(self) -> NDArray[np.float64]:
        """The first distinct points, at most `MOST_ROWS`, worked out when they are first asked for: ``(M, 2)``."""
        laid_out = self.points[self.distinct.first[:MOST_ROWS]]
        settings = {
            "perplexity": min(PERPLEXITY, (len(laid_out) - 1) / 3),
            "early_exaggeration": EXAGGERATION,
            "max_iter": ITERATIONS,
            "init": self.init,
            "random_state": self.seed,
        }
        with threadpool_limits(1, user_api="openmp"):  # sums of several threads differ in their last digits
            return sklearn.manifold.TSNE(2, **settings).fit_transform(laid_out).astype(np.float64)

    def carried(self, labels: NDArray[np.integer]) -> NDArray[np.integer]:
        """Labels of all points from those of the points in the plane."""
        return _carried(labels, self.points[self.distinct.first])[self.distinct.place]


def best_partition(reconstructions: Layout, latents: Layout, k: int, n_tried: int) -> NDArray[np.integer]:
    """The partition into k clusters, of `n_tried`, whose labels neighbours share most, here and there.

    Parameters
    ----------
    reconstructions, latents : Layout
        Of the points ``(N, D)`` and ``(N, K)``, with the seed of the first partitions.
    k, n_tried : int

    Returns
    -------
    labels : int array of shape (N,)
    """
    if k == 1:
        return np.zeros(len(latents.points), dtype=np.int64)
    graphs = [NeighbourGraph(layout.points, N_NEIGHBOURS, layout.distinct) for layout in (reconstructions, latents)]
    tried = islice(partitions(reconstructions, latents, k), n_tried)
    return max(tried, key=lambda labels: sum(graph.information(labels) for graph in graphs))


def partitions(reconstructions: Layout, latents: Layout, k: int) -> Iterator[NDArray[np.integer]]:
    """Partitions without end: k-means first, then cuts of layouts, of reconstructions and of latents by turns.

    The layouts that follow the first two start at random, so that they differ.
    """
    layouts = [reconstructions, latents]
    yield _k_means(reconstructions, k, reconstructions.seed)
    if not all(_may_be_laid_out(layout, k) for layout in layouts):
        yield from (_k_means(reconstructions, k, number) for number in count(reconstructions.seed + 1))
    while True:
        for cut in CUTS:
            yield from (layout.carried(cut(layout.plane, k, layout.seed)) for layout in layouts)
        layouts = [Layout(layout.points, layout.seed + 1, init="random") for layout in layouts]


def _may_be_laid_out(layout: Layout, k: int) -> bool:
    """Whether there are enough distinct points; where most rows repeat others, how dense they are no plane shows."""
    return layout.n_different > max(k, 3) and 2 * len(layout.distinct.first) >= len(layout.points)


def k_means(points: NDArray, k: int, seed: int) -> NDArray[np.integer]:
    """A cluster for each point, of fewer than k where so many are not different."""
    return _k_means(Layout(points, seed), k, seed)


def _k_means(layout: Layout, k: int, seed: int) -> NDArray[np.integer]:
    n_clusters = min(k, layout.n_different)
    return sklearn.cluster.KMeans(n_clusters, n_init=1, random_state=seed).fit(layout.points).labels_


def ward(points: NDArray, k: int, seed: int = 0) -> NDArray[np.integer]:
    """A cluster for each point, by merging those of `MOST_MERGED` that add least to the variance within."""
    labels = sklearn.cluster.AgglomerativeClustering(k).fit(points[:MOST_MERGED]).labels_
    return _carried(labels, points)


def gaussian_mixture(points: NDArray, k: int, seed: int) -> NDArray[np.integer]:
    """A cluster for each point, by a Gaussian mixture."""
    return stopping_mixture(k, n_init=3, random_state=seed).fit_predict(points)


def _carried(labels: NDArray[np.integer], points: NDArray) -> NDArray[np.integer]:
    """Labels of all points from those of the first, by most of the neighbours among them."""
    if len(labels) == len(points):
        return labels
    nearest = sklearn.neighbors.KNeighborsClassifier(N_NEIGHBOURS).fit(points[: len(labels)], labels)
    return np.concatenate([labels, nearest.predict(points[len(labels) :])])


CUTS: tuple[Callable[[NDArray, int, int], NDArray[np.integer]], ...] = (ward, gaussian_mixture)
