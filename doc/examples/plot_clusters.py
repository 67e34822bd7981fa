"""The clusters of LIDGMVAEClustering: rows of the wine data and the mixture, in the plane of the clusters' means.

python doc/examples/plot_clusters.py
"""

from matplotlib.figure import Figure
from sklearn.datasets import load_wine

from sklid import LIDGMVAEClustering
from sklid.plots import ClusterDisplay


def main() -> Figure:
    X, classes = load_wine(return_X_y=True)
    model = LIDGMVAEClustering(k=3, max_epochs=60, random_state=0).fit(X)
    return ClusterDisplay.from_estimator(model, X, classes).plot().figure_


if __name__ == "__main__":
    main().savefig("plot_clusters.png", dpi=150)
