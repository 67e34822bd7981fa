"""The parameters that estimators share: name, default, range and meaning of each, in one place."""

import os
from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
import torch
from torch import nn

from ..nn import LIKELIHOODS
from ..validation import NON_NEGATIVE, POSITIVE_INTEGER, POSITIVE_REAL, Interval, StrOptions
from .declaration import parameter, with_parameters

__all__ = ["SHARE", "ConditionParameters", "ModelParameters", "TrainingParameters"]

SHARE = [Interval(Real, 0, 1, closed="both")]


@with_parameters
class ModelParameters:
    """Latents, likelihood and decoder."""

    n_components: int | None = parameter(
        default=None,
        kind="int",
        text="Latent dimension K. None takes 10, or three quarters of the number of natural parameters of a row, "
        "rounded up, if these are fewer; an injective decoder takes no more latents than natural parameters.",
        constraint=[None, *POSITIVE_INTEGER],
        kw_only=False,
        shapes_model=True,
    )
    likelihood: "str | dict | list" = parameter(
        default="gaussian",
        kind="{" + ", ".join(f'"{name}"' for name in LIKELIHOODS) + '}, "auto", dict or list of these',
        text="Gaussian rows are standardised inside, see `scale`; of log-normal rows, which are positive, the "
        'logarithms are. "bernoulli" takes values in [0, 1] as success probabilities, and its score is then no '
        'log-density. "poisson" takes counts, "negative_binomial" counts that vary more, and with "zero_inflated_" '
        'before it either has extra zeros. "categorical" takes codes 0, 1, .. in each column, and "ordinal" codes that '
        'have an order. "auto" finds a family for each column by its type and values, strings and gaps among them, and '
        "`likelihood_` says which; a dict of families by the names or numbers of columns leaves the others to that; a "
        "list has one for each.",
        constraint=[StrOptions({*LIKELIHOODS, "auto"}), dict, list],
        shapes_model=True,
    )
    noise: str = parameter(
        default="global",
        kind='{"global", "feature"}',
        text="One noise scale for all columns as the model sees them, or one each; of negative binomials the "
        "dispersion. Gaussian, log-normal and negative binomial likelihoods only.",
        constraint=[StrOptions({"global", "feature"})],
        shapes_model=True,
    )
    scale: str | None = parameter(
        default="auto",
        kind='{"auto", "column", "table"} or None',
        text='Units in which a Gaussian model sees the data. "column": each column less its mean, over its standard '
        'deviation. "table": over one number for all, the root of the mean variance, so that relative sizes stay '
        "those of the data; for columns of one unit, such as pixels. None: as they are, so the noise is in units of "
        'the data, which should have means about 0 and variances about 1. "auto": "table" if the columns lie in one '
        'place and are equally wide, as columns of one unit do, and else "column". Other likelihoods take "auto" only.',
        constraint=[StrOptions({"auto", "column", "table"}), None],
        shapes_model=True,
    )
    decoder_depth: int = parameter(
        default=2,
        kind="int",
        text="Hidden layers of the decoder's network; of g2 where it is the paper's.",
        constraint=POSITIVE_INTEGER,
        shapes_model=True,
    )
    decoder_width: int = parameter(
        default=256, kind="int", text="Units of each of them.", constraint=POSITIVE_INTEGER, shapes_model=True
    )
    decoder_network: Callable[[int, int], nn.Module] | None = parameter(
        default=None,
        kind="callable",
        text="Called with K and the number D of natural parameters, returns the decoder's network: a torch module that "
        "gives D numbers for each latent, in any shape. None is a perceptron of the depth and width above. An "
        "injective decoder stays injective: see `sklid.nn.Section`.",
        constraint=[None, callable],
        shapes_model=True,
    )
    n_importance_samples: int = parameter(
        default=100,
        kind="int",
        text="Draws per row in `score_samples`, and in `predict_proba` of a mixture.",
        constraint=POSITIVE_INTEGER,
    )


@with_parameters
class ConditionParameters:
    """What rows of a table are conditioned on."""

    offset: "str | int | list | None" = parameter(
        default=None,
        kind='"library", name or number of a column, list of these, or None',
        text="Exposure of counts, whose logarithm, less that of its typical value, adds to their log-means. "
        '"library": the sum of the counts of a row, over the share that the columns it has are of a typical sum; a row '
        "without any count is taken to have 1. A column: positive numbers, such as times under observation, which is "
        "not modelled itself. Typical values are medians. Other likelihoods than those of counts have no exposure.",
        constraint=[None, str, Integral, list, tuple],
        shapes_model=True,
    )
    covariates: "str | int | list | None" = parameter(
        default=None,
        kind="name or number of a column, list of these, or None",
        text="Columns that rows are conditioned on, such as batch or age, and that are not modelled. Numbers are "
        "standardised; text, categories and truth values have a number for each category. The encoder sees them, and "
        "in the decoder they add a linear map of them to the natural parameters, so that given them it is as injective "
        "as without. What has no row to be given, as `sample` and `inverse_transform`, is at typical exposure, mean "
        "numbers and most frequent categories.",
        constraint=[None, str, Integral, list, tuple],
        shapes_model=True,
    )


@with_parameters
class TrainingParameters:
    """Optimisation, early stopping, device, processes and seed."""

    max_epochs: int = parameter(
        default=100, kind="int", text="Passes over the rows, of all phases together.", constraint=POSITIVE_INTEGER
    )
    batch_size: int = parameter(default=256, kind="int", text="Rows of a step.", constraint=POSITIVE_INTEGER)
    learning_rate: float = parameter(
        default=3e-3, kind="float", text="Of Adam, falling to zero along a cosine.", constraint=POSITIVE_REAL
    )
    weight_decay: float = parameter(default=0.0, kind="float", text="L2 penalty of Adam.", constraint=NON_NEGATIVE)
    early_stopping: bool = parameter(
        default=False,
        kind="bool",
        text="Whether to stop when the bound on a validation set no longer improves, "
        "and to go back to its best weights.",
        constraint=["boolean"],
    )
    validation_fraction: float = parameter(
        default=0.1,
        kind="float",
        text="Share of the rows in that set.",
        constraint=[Interval(Real, 0, 1, closed="neither")],
    )
    n_iter_no_change: int = parameter(
        default=10, kind="int", text="Epochs without improvement before stopping.", constraint=POSITIVE_INTEGER
    )
    tol: float = parameter(
        default=1e-2, kind="float", text="Least improvement that counts, in nats per row.", constraint=NON_NEGATIVE
    )
    warm_start: bool = parameter(
        default=False,
        kind="bool",
        text="Whether `fit` goes on from the weights of the last fit.",
        constraint=["boolean"],
    )
    callbacks: list | None = parameter(
        default=None,
        kind="list of skorch callbacks",
        text="Called beside those that the training needs.",
        constraint=[None, list],
    )
    device: str = parameter(
        default="cpu",
        kind="str or torch.device",
        text='"cpu", "cuda", or "auto" for the GPU where there is one.',
        constraint=[str, torch.device],
    )
    compile: bool = parameter(
        default=False,
        kind="bool",
        text="Whether training runs through ``torch.compile``. On a CPU it compiles for half a minute and then takes "
        "an eighth off the decoder's time, so it pays in trainings of ten thousand steps and more. A `decoder_network` "
        "with dropout then draws from torch's own generator, put back after the fit: not beside others in threads.",
        constraint=["boolean"],
    )
    checkpoint: "str | os.PathLike | None" = parameter(
        default=None,
        kind="str or path",
        text="Folder for the state of the training after each epoch. A `fit` that was killed goes on from there when "
        "it is given the same rows and parameters; its end removes the file. Many fits may share a folder. Needs an "
        "integer `random_state`. `partial_fit`, which is an epoch, keeps nothing there.",
        constraint=[None, str, os.PathLike],
    )
    distributed: bool = parameter(
        default=False,
        kind="bool",
        text="Whether the processes that `torchrun` or ``accelerate launch`` has started train one model together, "
        "each with its part of every batch. Each is given all rows, and ends with the same model. Needs Accelerate, "
        "``pip install sklid[distributed]``, and an integer `random_state`.",
        constraint=["boolean"],
    )
    on_interrupt: str = parameter(
        default="raise",
        kind='{"raise", "keep"}',
        text='After Ctrl-C during training the model so far is usable; "raise" then re-raises KeyboardInterrupt.',
        constraint=[StrOptions({"raise", "keep"})],
    )
    verbose: int = parameter(default=0, kind="int", text="1 shows a progress bar.", constraint=["verbose"])
    random_state: int | np.random.RandomState | None = parameter(
        default=None, kind="int, RandomState instance or None", text="Seed of all draws.", constraint=["random_state"]
    )
