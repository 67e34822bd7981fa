"""Both sides of every ratio of times: what is run, against what."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import torch
from loops import (
    BATCH,
    LATENTS,
    RATE,
    double_backward_step,
    folded_step,
    modules_loop,
    plain_loop,
    pythae_fit,
    width_of_equal_cost,
)
from sklearn.datasets import load_digits

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import VAE
from sklid.nn import (
    BernoulliLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    LatentVariableModel,
    SectionDecoder,
    StandardNormal,
)
from sklid.training import BoundNet
from sklid.training.callbacks import training_callbacks

__all__ = ["SIDES", "THREADS", "Ratio", "all_ratios", "steps"]

POTENTIALS = {"brenier tapered": "tapered", "brenier icnn": "icnn"}
SIDES = ("LIDVAE", *POTENTIALS)
DEPTHS, THREADS, WIDTH, EPOCHS = (2, 4), (1, 2), 512, 5
N_INVERTED, LARGEST_ERROR = 1_000, 1e-6
N_PAIRS, N_SHORT_PAIRS = 5, 9
N_ROWS = {"transform": 60_000, "predict_proba": 5_000, "score_samples": 1_000}
BLOCK, NOISY_BLOCK = 4_096, 64
"""Rows that the bare modules take at once, and where each row has a hundred draws."""
OWN_IMPORT = "from sklid import LIDVAE"
FIRST_OPTIMISER = "torch.optim.Adam([torch.zeros(1, requires_grad=True)])"
"""Makes PyTorch import its compiler, in any program that trains."""
FIRST_FIT = (
    "import numpy as np; LIDVAE(max_epochs=1, random_state=0).fit(np.random.default_rng(0).standard_normal((50, 10)))"
)


class Ratio(NamedTuple):
    """A ratio of times: of what, of which side to which other, and how often, with how many threads."""

    what: str
    side: str
    against: str
    depth: int
    run: Callable[[], object]
    other: Callable[[], object]
    n_pairs: int = N_PAIRS
    threads: int = 1

    def key(self) -> dict:
        return {
            "what": self.what,
            "side": self.side,
            "against": self.against,
            "depth": self.depth,
            "threads": self.threads,
        }


def all_ratios(images: np.ndarray) -> Iterator[Ratio]:
    """Every ratio; training of the images with one thread and with two, the others with one."""
    for threads, depth in itertools.product(THREADS, DEPTHS):
        for ratio in itertools.chain(fits(images, depth), steps(depth)):
            yield ratio._replace(threads=threads)
    yield from inversions(images)
    yield from layers(images)
    yield from inference(images)
    yield from clustered(images)
    yield from processes()


def shared(depth: int, **others: object) -> dict:
    widths = {"encoder_width": WIDTH, "decoder_width": WIDTH, "decoder_depth": depth}
    return (
        {
            "n_components": LATENTS,
            "likelihood": "bernoulli",
            "max_epochs": EPOCHS,
            "learning_rate": RATE,
            "random_state": 0,
        }
        | widths
        | others
    )


def fits(X: np.ndarray, depth: int) -> Iterator[Ratio]:
    """Whole fits."""
    x = torch.from_numpy(X)
    others = {"plain loop": lambda: plain_loop(x, depth, WIDTH, EPOCHS)}
    if find_spec("pythae"):
        others["pythae"] = lambda: pythae_fit(x, depth, WIDTH, EPOCHS)
    vae = lambda **width: lambda: VAE(encoder="principal", **shared(depth, **width)).fit(X)  # noqa: E731
    section = lambda: LIDVAE(**shared(depth)).fit(X)  # noqa: E731
    for name, other in {"VAE": vae(), **others}.items():
        yield Ratio("fit", "LIDVAE", name, depth, section, other)
    for side, potential in POTENTIALS.items():
        decoder = InjectiveDecoder(LATENTS, X.shape[1], depth, WIDTH, potential=potential)
        own = {"decoder": "brenier", "potential": potential}
        brenier = lambda own=own: LIDVAE(**own, **shared(depth)).fit(X)  # noqa: E731
        equal = vae(decoder_width=width_of_equal_cost(decoder))
        for name, other in {"VAE of equal cost": equal, **others}.items():
            yield Ratio("fit", side, name, depth, brenier, other)


def steps(depth: int, width: int = WIDTH) -> Iterator[Ratio]:
    """Forward and backward passes of the decoder."""
    z, target = torch.randn(BATCH, LATENTS), torch.rand(BATCH, 784)
    size = (LATENTS, 784, depth, width)
    decoders = {side: InjectiveDecoder(*size, potential=potential) for side, potential in POTENTIALS.items()}
    double = double_backward_step(z, target, width, depth)
    for side, decoder in {"LIDVAE": SectionDecoder(*size), **decoders}.items():
        step = folded_step(decoder, z, target)
        yield Ratio("step", side, "double backward", depth, step, double, N_SHORT_PAIRS)


def inversions(images: np.ndarray) -> Iterator[Ratio]:
    """Exact inverses of a thousand decoded rows, in double precision; SystemExit if one is wrong."""
    models = [LIDVAE(decoder=name, **shared(2)).fit(images) for name in ("section", "brenier")]
    latents = np.random.default_rng(0).standard_normal((N_INVERTED, LATENTS))
    sides = [over_latents(model, latents) for model in models]
    yield Ratio("invert", "LIDVAE", "brenier tapered", 2, *sides, n_pairs=2)


def over_latents(model: LIDVAE, latents: np.ndarray) -> Callable[[], object]:
    """The inverse of what a decoder makes of the latents, in natural parameters."""
    module = model._inference(np.float64).model
    gain = module.likelihood.gain()
    with torch.no_grad():
        eta = module.decoder(torch.from_numpy(latents), gain)

    def run() -> None:
        error = (module.decoder.inverse(eta, gain, tol=LARGEST_ERROR) - torch.from_numpy(latents)).abs().max()
        if error > LARGEST_ERROR:
            raise SystemExit(f"An inverse is wrong by {error:.1e}.")

    return run


def modules_of(x: torch.Tensor, width: int) -> LatentVariableModel:
    """The modules of a `LIDVAE`, initialised at the rows."""
    n_features = x.shape[1]
    decoder, posterior = (
        SectionDecoder(LATENTS, n_features, width=width),
        GaussianPosterior(n_features, LATENTS, width=width),
    )
    model = LatentVariableModel(StandardNormal(LATENTS), decoder, BernoulliLikelihood(n_features), posterior)
    model.initialise(x[:10_000])
    return model


def layers(images: np.ndarray) -> Iterator[Ratio]:
    """The training layer against a loop over the same modules."""
    digits = (load_digits().data / 16).astype(np.float32)
    for name, X, batch, epochs, width in (("digits", digits, 128, 5, 256), ("images", images, BATCH, 2, WIDTH)):
        x = torch.from_numpy(X)
        net = BoundNet(
            modules_of(x, width),
            max_epochs=epochs,
            batch_size=batch,
            lr=RATE,
            callbacks=training_callbacks(n_steps=10**6),
            verbose=0,
        )
        net.initialize()
        modules = modules_of(x, width)
        loop = lambda modules=modules, x=x, b=batch, e=epochs: modules_loop(modules, x, b, e)  # noqa: E731
        yield Ratio(
            "layer", name, "loop over the modules", 2, lambda net=net, x=x: net.partial_fit(x), loop, N_SHORT_PAIRS
        )


def inference(images: np.ndarray) -> Iterator[Ratio]:
    """Estimators against their bare modules."""
    model = LIDVAE(**shared(2, max_epochs=1)).fit(images[:2_000])
    mixture = LIDGMVAEClustering(k=10, **shared(2, max_epochs=2)).fit(images[:2_000])
    for method, estimator, block, bare in (
        ("transform", model, BLOCK, lambda module, x, noise: module.encode(x).mean),
        (
            "score_samples",
            model,
            NOISY_BLOCK,
            lambda module, x, noise: torch.logsumexp(module.log_weights(x, noise(x)), 0),
        ),
        ("predict_proba", mixture, NOISY_BLOCK, lambda module, x, noise: module.label_probabilities(x, noise(x))),
    ):
        X = np.resize(images, (N_ROWS[method], images.shape[1]))
        other = over_blocks(bare, estimator.net_.module_, torch.from_numpy(X), block)
        yield Ratio(
            "rows",
            method,
            "bare modules",
            2,
            lambda estimator=estimator, method=method, X=X: getattr(estimator, method)(X),
            other,
        )


def over_blocks(bare: Callable, module: torch.nn.Module, x: torch.Tensor, block: int) -> Callable[[], object]:
    """What one writes by hand: the module on blocks of rows, with normal noise where it needs some."""

    def run() -> torch.Tensor:
        with torch.no_grad():
            return torch.cat(
                [bare(module, part, lambda part: torch.randn(100, len(part), LATENTS)) for part in x.split(block)]
            )

    return run


def clustered(images: np.ndarray) -> Iterator[Ratio]:
    """What a mixture costs."""
    clustering = lambda: LIDGMVAEClustering(k=10, **shared(2)).fit(images)  # noqa: E731
    yield Ratio("fit", "LIDGMVAEClustering", "LIDVAE", 2, clustering, lambda: LIDVAE(**shared(2)).fit(images))


def processes() -> Iterator[Ratio]:
    """Imports, and the first fit of a process."""
    theirs = "import torch, sklearn, skorch"
    yield Ratio(
        "import", "sklid", "torch, sklearn, skorch", 0, of_process(OWN_IMPORT), of_process(theirs), N_SHORT_PAIRS
    )
    first, optimiser = of_process(f"{OWN_IMPORT}; {FIRST_FIT}"), of_process(f"{theirs}; {FIRST_OPTIMISER}")
    yield Ratio(
        "import",
        "sklid, and a first fit",
        "torch, sklearn, skorch, and a first optimiser",
        0,
        first,
        optimiser,
        N_SHORT_PAIRS,
    )


def of_process(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
