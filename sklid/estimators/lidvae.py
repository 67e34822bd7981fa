r"""LIDVAE: a variational autoencoder whose latent is identifiable by construction.

.. math::
    z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid f(z)), \qquad
    f(z) = \beta^\top g(z) + (I - \beta^\top \beta) h(z)

(Wang, Blei & Cunningham, NeurIPS 2021, section 3, whose g2(beta' g1(z)) are these maps.) Brenier maps, which g is
composed of, and a beta of full rank make z -> p(x | z) injective for every network h, and a posterior can equal its
prior only where the likelihood does not depend on z (their Theorem 1). A modulus r of the decoder turns this into a
number: with a Gaussian likelihood z and x share at least K/2 log(1 + r^2) nats.
"""

from .base import LatentVariableEstimator
from .declaration import with_parameters
from .injective import InjectiveMixin
from .objective import DivergenceWeight

__all__ = ["LIDVAE"]


@with_parameters
class LIDVAE(InjectiveMixin, DivergenceWeight, LatentVariableEstimator):
    r"""Latent-identifiable variational autoencoder: a nonlinear representation that cannot collapse.

    .. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid f(z)), \qquad |f(z) - f(z')| \ge r |z - z'|

    Attributes
    ----------
    inverse_lipschitz_ : float
        The constant r of the fitted decoder.
    mutual_information_lower_bound_ : float
        Least mutual information in nats between z and x under the model, (K/2) log(1 + r^2) (Aishwarya & Li, arXiv
        2409.03664); nan where `mutual_information_lower_bound_reason_` says why.
    mutual_information_lower_bound_reason_ : str
        Empty where there is a bound.
    n_components_ : int
    n_features_in_ : int
    feature_names_in_ : array of str, when X has string column names
    likelihood_ : str, or dict of str
        The family of all columns, or of each by its name or number, of a table of several kinds.
    scale_ : {"column", "table"} or None
        Units of a Gaussian model: `scale`, or what "auto" chose; None where the model sees the data as they are.
    scaler_ : StandardScaler or None
        Mean m and scale a of the columns; None where the model sees the data as they are.
    net_ : BoundNet
        The skorch net: ``net_.history``, ``net_.module_``.
    interrupted_ : bool
        Whether the last fit ended with Ctrl-C.
    converged_ : bool
        Whether the last fit ran to its end: neither interrupted, nor diverged at a tenth of the learning rate as well.
    n_iter_ : int
        Epochs of training, of all fits that went on from one another.
    lower_bound_ : float
        What the last finished epoch of training attained: the evidence lower bound in nats, mean over the rows, in the
        units of the data; with a `kl_weight` other than 1 the weighted one, and with ``objective="iwae"`` the
        importance-weighted one. nan where none was finished.

    See Also
    --------
    sklid.baselines.VAE : The same model with an unconstrained decoder.

    References
    ----------
    Wang, Blei & Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, equations 7
    and 8.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid import LIDVAE
    >>> X = load_iris().data
    >>> model = LIDVAE(n_components=2, max_epochs=20, random_state=0).fit(X)
    >>> model.transform(X).shape
    (150, 2)
    >>> round(model.mutual_information_lower_bound_, 2)
    0.69
    """
