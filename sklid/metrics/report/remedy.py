"""What to change, by verdict: only parameters that the model has, and that are not already where they should be."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from sklearn.base import BaseEstimator

__all__ = ["remedy_of"]

LEAST_CONSTANT, LEAST_WEIGHT = 1.0, 0.1
"""The inverse-Lipschitz constant, and the weight of the divergence, beyond which more of the same will not help."""


class Advice(NamedTuple):
    """A change of a parameter, and whether its value leaves room for it."""

    parameter: str
    text: str
    helps: Callable[[Any], bool] = lambda value: True


LOWER_WEIGHT = [Advice(name, f"lower {name}", lambda weight: weight > LEAST_WEIGHT) for name in ("kl_weight", "beta")]
UNITS = Advice("scale", 'set scale="auto"', lambda scale: scale is None)
LONGER = Advice("max_epochs", "raise max_epochs")
ADVICE = {
    "model": [
        Advice("inverse_lipschitz", "raise inverse_lipschitz", lambda constant: constant < LEAST_CONSTANT),
        UNITS,
        *LOWER_WEIGHT,
        Advice("decoder_depth", "lower decoder_depth", lambda depth: depth > 1),
        LONGER,
    ],
    "inference": [
        Advice("encoder", 'start at principal components with encoder="principal"', lambda kind: kind == "plain"),
        UNITS,
        *LOWER_WEIGHT,
        Advice("encoder_width", "raise encoder_width"),
        Advice("encoder_depth", "raise encoder_depth"),
        LONGER,
    ],
    "data": [Advice("n_components", "lower n_components", lambda number: number != 1)],
    "unexamined": [*LOWER_WEIGHT, LONGER],
    "labels: model": [
        Advice("min_separation", "raise min_separation"),
        Advice("scale_bounds", "lower scale_bounds"),
        *LOWER_WEIGHT,
        Advice("pretrain_fraction", "raise pretrain_fraction", lambda share: share < 0.9),
        Advice("n_init", "raise n_init"),
    ],
    "labels: inference": [
        *LOWER_WEIGHT,
        Advice("encoder_width", "raise encoder_width"),
        Advice("encoder_depth", "raise encoder_depth"),
        LONGER,
    ],
    "labels: collapsed": [
        Advice("kl_warmup", "weigh the divergence step by step with kl_warmup=0.5", lambda share: share == 0),
        Advice("pretrain_fraction", "raise pretrain_fraction", lambda share: share < 0.9),
        LONGER,
    ],
    "labels: data": [Advice("k", "lower k", lambda k: k != "auto" and k > 2)],
}
OTHERWISE = {
    "model": "use an injective decoder such as sklid.nn.SectionDecoder, weigh the divergence less, or train longer",
    "inference": "use a larger encoder, weigh the divergence less, or train longer",
    "data": "use fewer latents",
    "labels: model": "start the clusters elsewhere, farther apart",
    "labels: inference": "use a larger encoder, weigh the divergence less, or train longer",
    "labels: data": "use fewer labels",
    "collapsed": "pass the model itself rather than its posteriors to learn the cause",
    "unexamined": "weigh the divergence less, or train longer",
    "labels: collapsed": "pass the model itself and its rows to learn the cause",
    "labels: undecided": "pass more rows",
}
"""Where the model has no parameters that are known here, or all of them are where they should be."""


def remedy_of(verdict: str, model: Any = None, rows_needed: float = math.nan) -> str:
    """The sentence for a verdict, with "labels: " before one on labels; empty where all is well.

    Parameters
    ----------
    verdict : str
    model : object, optional
        An estimator, whose parameters the sentence may name; for any other it speaks in general.
    rows_needed : float
        Rows that would decide what is undecided, where it is known.
    """
    if verdict.endswith("healthy"):
        return ""
    if verdict == "undecided":
        return _what_would_decide(rows_needed)
    settings = model.get_params(deep=False) if isinstance(model, BaseEstimator) else {}
    known = ADVICE.get("data" if verdict == "labels: data" and "k" not in settings else verdict, [])
    open_to_change = [
        advice.text for advice in known if advice.parameter in settings and advice.helps(settings[advice.parameter])
    ]
    is_ours = "decoder_depth" in settings or "rnn" in settings
    if verdict in ("model", "unexamined") and is_ours and "inverse_lipschitz" not in settings:
        injective = "LIDSVAE" if "rnn" in settings else "LIDGMVAEClustering" if "k" in settings else "LIDVAE"
        open_to_change.insert(0, f"use an injective decoder ({injective})")
    remedy = _sentence(open_to_change or [OTHERWISE[verdict]])
    return f"{remedy} sklid.metrics.collapse_report looks for the cause." if verdict == "unexamined" else remedy


def _what_would_decide(rows_needed: float) -> str:
    if not math.isfinite(rows_needed):
        return (
            "Pass rows that were not fitted, and more of them; where p(x | z) shows no distribution function or "
            "moments, its residuals cannot be tested."
        )
    return f"Pass more rows: about {math.ceil(rows_needed):,} would show a direction as strong as the noise."


def _sentence(parts: list[str]) -> str:
    *others, last = parts
    text = f"{', '.join(others)} or {last}" if others else last
    return text[0].upper() + text[1:] + "."
