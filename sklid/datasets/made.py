r"""Data sets that are made, with their truth known."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, check_random_state
from torch import nn

from ..nn.draws import Draws
from ..surroundings import SinglePrecision, ordinary_settings
from ..validation import check_finite, checked_size

__all__ = ["make_gmm", "make_pinwheel", "make_ppca", "make_sequential_vae"]


def make_pinwheel(
    n_samples: int = 1000,
    *,
    n_arms: int = 5,
    radial_std: float = 0.3,
    tangential_std: float = 0.05,
    rate: float = 0.25,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    r"""Curved arms around the origin: clusters that no Gaussian fits.

    A point of arm c has a radius :math:`\rho \sim N(1, s_r^2)` and an offset :math:`\tau \sim N(0, s_t^2)` across it,
    and is turned by the angle :math:`2 \pi c / C + a e^\rho`, so that the arms bend the more the further out.

    Parameters
    ----------
    n_samples : int, default=1000
        Spread over the arms as evenly as can be, in random order.
    n_arms : int, default=5
        C.
    radial_std, tangential_std : float, default=0.3 and 0.05
        :math:`s_r` and :math:`s_t`; radii of about 1.
    rate : float, default=0.25
        The a, how much the arms bend, in radians.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : array of shape (n_samples, 2)
    y : int array of shape (n_samples,)
        The arm of each row.

    Raises
    ------
    ValueError
        If a number of rows or arms is not a whole number of at least 1, a spread is negative, or a spread or the rate
        is not finite.

    References
    ----------
    Johnson, Duvenaud, Wiltschko, Datta & Adams, "Composing graphical models with neural networks for structured
    representations and fast inference", NeurIPS 2016, section 5; with these defaults Wang, Blei & Cunningham, NeurIPS
    2021, section 5.

    Examples
    --------
    >>> from sklid.datasets import make_pinwheel
    >>> X, y = make_pinwheel(500, random_state=0)
    >>> X.shape, sorted(set(y.tolist()))
    ((500, 2), [0, 1, 2, 3, 4])
    """
    n_samples, n_arms = checked_size(n_samples), checked_size(n_arms, "n_arms", "arms")
    check_finite("radial_std", radial_std, least=0)
    check_finite("tangential_std", tangential_std, least=0)
    check_finite("rate", rate)
    random = check_random_state(random_state)
    arms = random.permutation(np.arange(n_samples) % n_arms)
    radii = 1 + radial_std * random.standard_normal(n_samples)
    across = tangential_std * random.standard_normal(n_samples)
    angles = 2 * np.pi * arms / n_arms + rate * np.exp(radii)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.column_stack([radii * cos - across * sin, radii * sin + across * cos]), arms


def make_ppca(
    n_samples: int = 500,
    n_features: int = 5,
    n_components: int = 2,
    *,
    noise_variance: float = 1.0,
    loadings: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    r"""Rows of a probabilistic PCA: linear in their latent variables, with noise that is alike in every direction.

    .. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(W^\top z, \sigma^2 I_D)

    Parameters
    ----------
    n_samples, n_features, n_components : int, default=500, 5 and 2
        N, D and K.
    noise_variance : float, default=1.0
        :math:`\sigma^2`; 0 leaves the rows on a plane.
    loadings : array-like of shape (n_components, n_features), optional
        The W, whose shape then counts; None draws standard normal ones.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : array of shape (n_samples, n_features)
    Z : array of shape (n_samples, n_components)
    loadings : array of shape (n_components, n_features)

    Raises
    ------
    ValueError
        If a size is not a whole number of at least 1, or the variance is negative or not finite.

    References
    ----------
    Tipping & Bishop, "Probabilistic principal component analysis", JRSS B 1999.

    Examples
    --------
    >>> from sklid.datasets import make_ppca
    >>> X, Z, W = make_ppca(200, noise_variance=0.25, random_state=0)
    >>> X.shape, Z.shape, W.shape
    ((200, 5), (200, 2), (2, 5))
    """
    n_samples, random = checked_size(n_samples), check_random_state(random_state)
    check_finite("noise_variance", noise_variance, least=0)
    if loadings is None:
        sizes = checked_size(n_components, "n_components", "latents"), checked_size(n_features, "n_features", "columns")
        weights = random.standard_normal(sizes)
    else:
        weights = check_array(loadings, dtype=np.float64, input_name="loadings")
    Z = random.standard_normal((n_samples, len(weights)))
    noise = random.standard_normal((n_samples, weights.shape[1]))
    return Z @ weights + np.sqrt(noise_variance) * noise, Z, weights


def make_gmm(
    n_samples: int = 10_000,
    *,
    means: ArrayLike = ((-0.5,), (0.5,)),
    scale: float = 1.0,
    weights: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    r"""Rows of a Gaussian mixture whose clusters are round and equally wide.

    .. math:: y \sim Cat(\pi), \qquad x \mid y \sim N(\mu_y, s^2 I_D)

    By default the clusters overlap, so that the rows hardly tell the weights.

    Parameters
    ----------
    n_samples : int, default=10_000
    means : array-like of shape (n_clusters, n_features), default=((-0.5,), (0.5,))
    scale : float, default=1.0
        The s.
    weights : array-like of shape (n_clusters,), optional
        :math:`\pi`, which sum to 1; None makes them equal.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : array of shape (n_samples, n_features)
    y : int array of shape (n_samples,)

    Raises
    ------
    ValueError
        If the weights are no probabilities, one for each mean, or the scale is negative or not finite.

    References
    ----------
    Wang, Blei & Cunningham, NeurIPS 2021, appendix A, with weights of 0.15 and 0.85.

    Examples
    --------
    >>> from sklid.datasets import make_gmm
    >>> X, y = make_gmm(1000, means=[[-10.0], [10.0]], weights=[0.15, 0.85], random_state=0)
    >>> X.shape, bool(abs(y.mean() - 0.85) < 0.05)
    ((1000, 1), True)
    """
    n_samples, random = checked_size(n_samples), check_random_state(random_state)
    centres = check_array(means, dtype=np.float64, input_name="means")
    check_finite("scale", scale, least=0)
    shares = np.full(len(centres), 1 / len(centres)) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(centres),) or not (shares >= 0).all() or not np.isclose(shares.sum(), 1):
        raise ValueError(f"weights={weights!r} must be probabilities with sum 1, one for each of {len(centres)} means.")
    y = random.choice(len(centres), n_samples, p=shares / shares.sum())
    return centres[y] + scale * random.standard_normal((n_samples, centres.shape[1])), y


@ordinary_settings()
def make_sequential_vae(
    n_samples: int = 1000,
    *,
    length: int = 10,
    n_words: int = 1000,
    n_components: int = 5,
    n_layers: int = 2,
    width: int = 50,
    strength: float = 3.0,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    r"""Sentences of a recurrent network that is told a latent variable: each word depends on it and on those before.

    .. math:: z \sim N(0, I_K), \qquad x_t \mid x_{<t}, z \sim Cat(\operatorname{softmax}(A s_t + C z)), \qquad
        s_t = LSTM(x_{<t}, z)

    The network sees z beside every word. All weights are uniform between -1 and 1, so that words depend strongly on
    what they are told, but for C, which makes some words more likely throughout a sentence, as a topic does.

    Parameters
    ----------
    n_samples : int, default=1000
    length, n_words : int, default=10 and 1000
        Words of a sentence, and of the language.
    n_components : int, default=5
        K.
    n_layers, width : int, default=2 and 50
        Of the LSTM; words are embedded in as many dimensions as it has units.
    strength : float, default=3.0
        Entries of C are uniform between minus this and this. With 0 the latents act through the network alone; what
        is said of them then is in the order of the words, and takes many sentences to learn.
    random_state : int, RandomState instance or None, default=None
        Of the network, the latents and the words.

    Returns
    -------
    X : int array of shape (n_samples, length)
        Words from 0 to n_words - 1.
    Z : array of shape (n_samples, n_components)

    Raises
    ------
    ValueError
        If a size is not a whole number of at least 1, or the strength is negative or not finite.

    References
    ----------
    Kim, Wiseman, Miller, Sontag & Rush, "Semi-Amortized Variational Autoencoders", ICML 2018, section 5.1, for such
    data with one layer; the strength is that of the public code of He, Spokoyny, Neubig & Berg-Kirkpatrick, "Lagging
    Inference Networks and Posterior Collapse in Variational Autoencoders", ICLR 2019.

    Examples
    --------
    >>> from sklid.datasets import make_sequential_vae
    >>> X, Z = make_sequential_vae(20, length=6, n_words=30, random_state=0)
    >>> X.shape, Z.shape, bool(X.max() < 30)
    ((20, 6), (20, 5), True)
    """
    sizes = {
        "n_samples": (n_samples, "rows"),
        "length": (length, "words"),
        "n_words": (n_words, "words"),
        "n_components": (n_components, "latents"),
        "n_layers": (n_layers, "layers"),
        "width": (width, "units"),
    }
    n_samples, length, n_words, n_components, n_layers, width = (
        checked_size(value, name, what) for name, (value, what) in sizes.items()
    )
    check_finite("strength", strength, least=0)
    with SinglePrecision(), Draws(check_random_state(random_state).randint(2**30)), torch.no_grad():
        embedding, output = nn.Embedding(n_words + 1, width), nn.Linear(width, n_words)
        network = nn.LSTM(width + n_components, width, n_layers, batch_first=True)
        for weight in (*embedding.parameters(), *output.parameters(), *network.parameters()):
            nn.init.uniform_(weight, -1.0, 1.0)
        Z = torch.randn(n_samples, n_components)
        told_throughout = Z @ nn.init.uniform_(torch.empty(n_components, n_words), -strength, strength)
        words, state = [torch.full((n_samples,), n_words)], None  # the word before the first
        for _ in range(length):
            told = torch.cat([embedding(words[-1]), Z], dim=1)
            hidden, state = network(told.unsqueeze(1), state)
            words.append(torch.distributions.Categorical(logits=output(hidden[:, 0]) + told_throughout).sample())
    return torch.stack(words[1:], dim=1).numpy(), Z.double().numpy()
