"""The values that parameters may take, in scikit-learn's terms."""

from numbers import Real

from ..nn import LIKELIHOODS
from ..validation import NON_NEGATIVE, POSITIVE_INTEGER, POSITIVE_REAL, Interval, StrOptions

__all__ = ["SHARED_PARAMETERS"]


SHARED_PARAMETERS: dict = {
    "n_components": [None, *POSITIVE_INTEGER],
    "likelihood": [StrOptions(set(LIKELIHOODS))],
    "noise": [StrOptions({"global", "feature"})],
    "decoder_depth": POSITIVE_INTEGER,
    "decoder_width": POSITIVE_INTEGER,
    "encoder": [StrOptions({"principal", "plain"})],
    "encoder_depth": POSITIVE_INTEGER,
    "encoder_width": POSITIVE_INTEGER,
    "posterior": [StrOptions({"gaussian", "flow"})],
    "kl_weight": NON_NEGATIVE,
    "kl_warmup": [Interval(Real, 0, 1, closed="both")],
    "n_importance_samples": POSITIVE_INTEGER,
    "max_epochs": POSITIVE_INTEGER,
    "batch_size": POSITIVE_INTEGER,
    "learning_rate": POSITIVE_REAL,
    "weight_decay": NON_NEGATIVE,
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": POSITIVE_INTEGER,
    "tol": NON_NEGATIVE,
    "warm_start": ["boolean"],
    "callbacks": [None, list],
    "device": [str],
    "compile": ["boolean"],
    "on_interrupt": [StrOptions({"raise", "keep"})],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}
"""Of the parameters that all neural estimators have."""
