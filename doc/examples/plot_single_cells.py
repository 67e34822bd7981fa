"""
Counts of genes in single cells
===============================

Four hundred cells of five types, of which molecules were counted by gene: a map, clusters, gaps and zeros, and what
collapse looks like there.

The counts are made, so that their truth is known. A file takes their place in
``python plot_single_cells.py counts.npz``: a matrix saved by `scipy.sparse.save_npz`, to which the cell types are added
as an array ``y``.
"""

import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullLocator
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, confusion_matrix, mean_poisson_deviance

from sklid import LIDVAE, CollapseWarning, LIDGMVAEClustering
from sklid.baselines import VAE
from sklid.datasets import make_cells
from sklid.plots import CollapseDisplay


def from_file(path, n_genes=1_000):
    """Counts of the genes that vary most in their logarithms, and the types."""
    counts = sparse.load_npz(path).tocsr()
    with np.load(path) as file:
        types = np.unique(file["y"], return_inverse=True)[1]
    logs = counts.log1p()
    variances = np.asarray(logs.multiply(logs).mean(axis=0) - np.square(logs.mean(axis=0))).ravel()
    counts = counts[:, np.argsort(-variances, kind="stable")[:n_genes]].toarray()
    kept = counts.sum(axis=1) > 0
    return counts[kept].astype(int), types[kept]


random = np.random.default_rng(0)
if __name__ == "__main__" and len(sys.argv) == 2:
    every, types = from_file(sys.argv[1])
else:
    every, types, _ = make_cells(400, 100, library=1_000.0, random_state=0)

# %%
# A run that is half as deep loses every other molecule at random. What is lost is kept aside, and no model sees it:
# of a count, what is lost and what is left are the same on average.

counts = random.binomial(every, 0.5)
lost = every - counts
k = types.max() + 1
print(f"{len(counts)} cells, {counts.shape[1]} genes, {k} types; {np.mean(counts == 0):.0%} of the counts are 0")

# %%
# A negative binomial with a dispersion for each gene explains counts that vary more than a Poisson law lets them.
# ``offset="library"`` takes the sum of a cell for its exposure, so latents need not explain how deeply a cell was read.
# `max_epochs` is small so that this page is built quickly.

settings = {
    "likelihood": "negative_binomial",
    "noise": "feature",
    "offset": "library",
    "n_components": 5,
    "max_epochs": 20,
    "batch_size": 128,
    "learning_rate": 1e-2,
    "decoder_width": 64,
    "encoder_width": 64,
    "n_importance_samples": 20,
    "random_state": 0,
}
model = LIDVAE(**settings).fit(counts)
Z = model.transform(counts)

# %%
# The map is the plane in which the five latents vary most, on the left by cell type and on the right by the sum of the
# cell. It is the exposure, so it shows no pattern unless types differ in it.

plane = PCA(2).fit_transform(Z)
figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), sharex=True, sharey=True, layout="constrained")
colours = {"cmap": plt.get_cmap("tab20" if types.max() > 9 else "tab10"), "s": 10}
points = axes[0].scatter(*plane.T, c=types, vmin=-0.5, vmax=colours["cmap"].N - 0.5, **colours)
figure.legend(*points.legend_elements(num=None), title="type", frameon=False, loc="outside left center")
points = axes[1].scatter(*plane.T, c=np.log10(counts.sum(axis=1)), s=10, cmap="viridis")
figure.colorbar(points, ax=axes[1], label="molecules in the cell, log10")
for ax, title in zip(axes, ("Types of cells", "Depth of cells"), strict=True):
    ax.set(xlabel="first direction", ylabel="second direction", title=title)

# %%
# A classical VAE with the same settings, whose networks are perceptrons that start at random, collapses here: the
# posterior of most latents comes close to the prior, whatever the cell is. With the encoder of `LIDVAE`, which starts
# at principal components, it keeps more of them. `LIDVAE` keeps all five in use, and the colours say which of them help
# to explain the counts.

with warnings.catch_warnings():
    warnings.simplefilter("ignore", CollapseWarning)  # the picture shows it
    models = {
        "VAE": VAE(**settings).fit(counts),
        'VAE, encoder="principal"': VAE(encoder="principal", **settings).fit(counts),
        "LIDVAE": model,
    }
figure, axes = plt.subplots(1, 3, figsize=(13, 4), sharey=True, layout="constrained")
for ax, (name, fitted) in zip(axes, models.items(), strict=True):
    CollapseDisplay.from_estimator(fitted, counts[:50], n_importance_samples=10).plot(ax)
    ax.set_title(name)

# %%
# `LIDGMVAEClustering` finds clusters without the types. Beside it are those of KMeans on the latents of each model,
# and on principal components of log counts at equal sums. On the left the clusters of `LIDGMVAEClustering` beside the
# types, in the order of their most frequent types. Clusters are about as good in every space that has not collapsed.

mixture = LIDGMVAEClustering(k, init="kmeans", **settings).fit(counts)
logs = np.log1p(np.median(counts.sum(axis=1)) * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
spaces = {name: fitted.transform(counts) for name, fitted in models.items()}
spaces["principal components"] = PCA(5, random_state=0).fit_transform(logs)
labels = {"LIDGMVAEClustering": mixture.labels_} | {
    f"KMeans on {name}": KMeans(k, n_init=10, random_state=0).fit_predict(space) for name, space in spaces.items()
}
found = confusion_matrix(types, mixture.labels_)
found = found[:, np.lexsort((-found.max(axis=0), found.argmax(axis=0)))]

figure, (matrix, bars) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
image = matrix.imshow(found / found.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
for (row, column), number in np.ndenumerate(found):
    if number:
        dark = number > 0.5 * found[row].sum()
        matrix.text(
            column,
            row,
            number,
            ha="center",
            va="center",
            fontsize=8 if k < 10 else 6,
            color="white" if dark else "black",
        )
figure.colorbar(image, ax=matrix, label="share of the type")
matrix.set(xticks=range(k), yticks=range(k), xlabel="cluster", ylabel="type", title="Cells of each type by cluster")
agreement = [adjusted_rand_score(types, found) for found in labels.values()]
colours = ["#0072B2", "#D55E00", "#E69F00", "#56B4E9", "0.75"]
bars.bar_label(bars.barh(list(labels), agreement, color=colours), fmt="{:.2f}", padding=3)
bars.invert_yaxis()
bars.set(xlim=(0, 1.1), xlabel="adjusted Rand index", title="Agreement with the types")

# %%
# Two things are called missing here, and they differ. A **gap** is nan: nobody looked, and the model is told so. A
# **zero** is a count: nobody was found, perhaps because the molecules were lost, and the model takes it at its word, as
# a draw from a distribution whose mean is above 0.
#
# On the left a tenth of the counts are made gaps before the fit, and `impute` fills them in. Their cell's library is
# then the sum of what was seen, over the share that these genes are of a typical cell, so that hiding counts does not
# make a cell look shallow. On the right nothing is hidden: the means that `predict` gives where the count is 0, beside
# the molecules that were lost there.
#
# Points are averages over tenths of the entries, in the order of what is filled in. On the line, what is filled in is
# right on average. The deviance is that of single counts from what is filled in: less is better. Zeros where much is
# expected lie below the line. There a negative binomial has drawn a low rate of its own, for this gene in this cell,
# which the mean given the latents does not know.

hidden = random.random(counts.shape) < 0.1
gappy = np.where(hidden, np.nan, counts)
filled = LIDVAE(**settings).fit(gappy).impute(gappy)
of_gene = np.nanmean(gappy, axis=0) / np.nanmean(gappy, axis=0).sum()
library = np.nansum(gappy, axis=1) / np.sum(~hidden * of_gene, axis=1)
zeros = counts == 0
guesses = {
    "A gap is nan": (
        counts[hidden],
        {"mean of the gene": np.outer(library, of_gene)[hidden], "LIDVAE": filled[hidden]},
    ),
    "A zero is a count": (
        lost[zeros],
        {
            "mean of the gene": np.outer(counts.sum(axis=1), counts.mean(axis=0) / counts.mean(axis=0).sum())[zeros],
            "LIDVAE": model.predict(counts)[zeros],
        },
    ),
}
figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for ax, (title, (truth, means)) in zip(axes, guesses.items(), strict=True):
    for (name, mean), colour, marker in zip(means.items(), ("0.5", "#0072B2"), "so", strict=True):
        tenths = np.array_split(np.argsort(mean), 10)
        average = [(mean[tenth].mean(), truth[tenth].mean()) for tenth in tenths]
        told = f"{name}: deviance {mean_poisson_deviance(truth, np.maximum(mean, 1e-6)):.2f}"
        ax.plot(*np.transpose(average), marker, ls="-", lw=0.8, color=colour, label=told)
    ax.axline((1, 1), slope=1, color="0.8", lw=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="filled in", title=title)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 3)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    ax.legend(frameon=False, loc="lower right")
axes[0].set_ylabel("hidden count, average")
axes[1].set_ylabel("lost molecules, average")
plt.show()
