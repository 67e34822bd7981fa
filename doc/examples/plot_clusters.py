"""
The clusters of a mixture
=========================

`LIDGMVAEClustering` on three cultivars of wine: the rows, and the clusters that the model found without their labels.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine

from sklid import LIDGMVAEClustering
from sklid.metrics import clustering_accuracy
from sklid.plots import ClusterDisplay

X, classes = load_wine(return_X_y=True)
model = LIDGMVAEClustering(k=3, max_epochs=60, random_state=0).fit(X)
print(f"Accuracy: {clustering_accuracy(classes, model.labels_):.2f}")

# %%
# The plane is the one through the means of the clusters that tells them apart best. An ellipse is a cluster of the
# mixture, out to two standard deviations; the colours are the cultivars.

ClusterDisplay.from_estimator(model, X, classes).plot()
plt.show()
