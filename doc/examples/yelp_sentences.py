"""
Sentences near each other
=========================

Sentences of Yelp near each other, and sentences between two of them.

Fits `LIDSVAE` to reviews, which `sklid.datasets.fetch_yelp` downloads once: some minutes on one core. So the output is
not shown here.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.neighbors import NearestNeighbors

from sklid import LIDSVAE
from sklid.datasets import fetch_yelp

QUERIES = (
    "the food was great and the staff is very friendly .",
    "terrible service , i will never come back .",
    "the pizza is cheap .",
)


def main(texts: Sequence[str] | None = None, queries: Sequence[str] = QUERIES, **settings: object) -> dict:
    """The nearest documents of each query, and the way from the first to the second."""
    texts = fetch_yelp(return_X_y=True)[0] if texts is None else texts
    told = {"n_components": 16, "max_features": 5_000, "max_length": 30, "max_epochs": 8, "random_state": 0}
    model = LIDSVAE(**told | settings).fit(texts)
    neighbours = NearestNeighbors(n_neighbors=3).fit(model.transform(texts))
    nearest = neighbours.kneighbors(model.transform(queries), return_distance=False)
    return {
        "nearest": {query: [texts[i] for i in row] for query, row in zip(queries, np.asarray(nearest), strict=True)},
        "between": model.interpolate(queries[0], queries[1], 5),
    }


if __name__ == "__main__":
    found = main()
    for query, near in found["nearest"].items():
        print(f"{query}\n", *(f"    {text}\n" for text in near))
    print("From the first to the second:\n", *(f"    {text}\n" for text in found["between"]))
