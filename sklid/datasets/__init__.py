"""Data sets to try latent-variable models on, in the manner of `sklearn.datasets`.

``make_*`` draw from a known truth, ``fetch_*`` download what the literature measures itself by and keep it.
"""

from .documents import fetch_yahoo, fetch_yelp
from .images import fetch_fashion_mnist, fetch_mnist, fetch_omniglot
from .made import make_gmm, make_pinwheel, make_ppca, make_sequential_vae
from .made_counts import make_cells

__all__ = [
    "fetch_fashion_mnist",
    "fetch_mnist",
    "fetch_omniglot",
    "fetch_yahoo",
    "fetch_yelp",
    "make_cells",
    "make_gmm",
    "make_pinwheel",
    "make_ppca",
    "make_sequential_vae",
]
