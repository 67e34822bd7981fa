"""What keeps the latent variables of a model of documents in use, and at what cost: each choice changed alone.

    python doc/paper/ablation_text.py            full run: about 3 hours on one thread; goes on where it stopped
    python doc/paper/ablation_text.py --device cuda    on a GPU; such rows tell no time of a processor
    python doc/paper/ablation_text.py --quick    a few made sentences, under 10 seconds
    python doc/paper/ablation_text.py --table    the table of the saved results, in Markdown

20 000 sentences of Yelp, 3000 words known, at most 16 in a sentence, an LSTM of 128 units, 16 latent variables, 8
epochs; a second seed goes on where the first is done. The first group starts at the defaults of `LIDSVAE`; the second
is `SequentialVAE` with the same encoder, whose decoder alone differs; the third has the decoder of the paper. "Beta at
random" leaves beta and the slopes of the Brenier maps where a network is made; "beta at the components, slopes r" gives
beta its start and no more. Perplexity, divergence, and information are those of 500 test sentences, with 100 draws
each; "classes" is the sentiment of 2000, as a logistic regression on the embeddings of the others tells it.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from table_1_text import YELP, Documents, load, measure

from cells import Cells, command_line, provenance  # isort: skip
from sklearn.exceptions import ConvergenceWarning

from sklid import LIDSVAE, CollapseWarning
from sklid.baselines import LanguageModel, SequentialVAE
from sklid.datasets import make_sequential_vae
from sklid.exceptions import CappedEstimateWarning
from sklid.nn.sequences import RecurrentStates, SequenceDecoder, SequenceSection


class AtRandom(SequenceSection):
    """Beta and slopes stay where the network was made."""

    def initialise(self, log_shares: torch.Tensor, directions: torch.Tensor, slopes: torch.Tensor) -> None:
        with torch.no_grad():
            self.output.bias.copy_(log_shares)


class AtComponents(SequenceSection):
    """Beta starts at the components, and every slope at r."""

    def initialise(self, log_shares: torch.Tensor, directions: torch.Tensor, slopes: torch.Tensor) -> None:
        super().initialise(log_shares, directions, torch.full_like(slopes, self.inverse_lipschitz))


class RandomLIDSVAE(LIDSVAE):
    section = AtRandom

    def _decoder(self, states: RecurrentStates, n_words: int) -> SequenceDecoder:
        return self.section(states, n_words, self.n_components_, self.hidden_size, self.inverse_lipschitz)


class ComponentsLIDSVAE(RandomLIDSVAE):
    section = AtComponents


class Choice(NamedTuple):
    """An estimator, and what of its parameters is not at the default."""

    estimator: Callable[..., Any]
    own: dict = {}


BAG = {"encoder": "bow"}
CHOICES = {
    "section": {
        "defaults": Choice(LIDSVAE),
        "r = 0.1": Choice(LIDSVAE, {"inverse_lipschitz": 0.1}),
        "r = 3": Choice(LIDSVAE, {"inverse_lipschitz": 3.0}),
        "r = 10": Choice(LIDSVAE, {"inverse_lipschitz": 10.0}),
        "beta at random": Choice(RandomLIDSVAE),
        "beta at random, r = 10": Choice(RandomLIDSVAE, {"inverse_lipschitz": 10.0}),
        "beta at the components, slopes r": Choice(ComponentsLIDSVAE),
        "recurrent encoder": Choice(LIDSVAE, {"encoder": "rnn"}),
        "both encoders": Choice(LIDSVAE, {"encoder": "both"}),
        "annealing": Choice(LIDSVAE, {"kl_warmup": 0.5}),
        "word dropout 0.3": Choice(LIDSVAE, {"word_dropout": 0.3}),
    },
    "classical": {
        "the same encoder": Choice(SequentialVAE, BAG),
        "recurrent encoder": Choice(SequentialVAE),
        "annealing": Choice(SequentialVAE, BAG | {"kl_warmup": 0.5}),
        "word dropout 0.3": Choice(SequentialVAE, BAG | {"word_dropout": 0.3}),
    },
    "brenier": {
        "defaults": Choice(LIDSVAE, {"decoder": "brenier"}),
        "r = 10": Choice(LIDSVAE, {"decoder": "brenier", "inverse_lipschitz": 10.0}),
    },
    "none": {"language model": Choice(LanguageModel)},
}
SEEDS = (0, 1)
SHARED = {"max_features": 3_000, "max_length": 16, "hidden_size": 128, "embedding_size": 128, "max_epochs": 8}
N_COMPONENTS = 16
N_INFORMATIVE = 200
"""Sentences that informative units are looked for on: too few to tell most of them, so the table leaves them out."""
COLUMNS = ["decoder", "choice", "seed", "au", "informative_units", "kl", "mi", "mi_lower", "mi_upper", "ll",
           "perplexity", "accuracy", "converged", "device", "cpu_seconds", "n_train", "n_test", "epochs", "threads",
           "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "ablation_text.csv", COLUMNS)


def fitted(choice: Choice, seed: int, documents: Any, **others: object) -> tuple[Any, float]:
    """The model, and the seconds of its fit."""
    latents = {} if choice.estimator is LanguageModel else {"n_components": N_COMPONENTS}
    model = choice.estimator(**SHARED | latents | choice.own | others, random_state=seed)
    start = time.process_time()
    model.fit(documents)
    return model, time.process_time() - start


def run_full(device: str = "cpu") -> None:
    torch.set_num_threads(1)
    keys = [
        {"decoder": decoder, "choice": choice, "seed": seed}
        for seed in SEEDS
        for decoder, choices in CHOICES.items()
        for choice in choices
    ]
    keys = [key for key in keys if not CELLS.read(**key)]
    print(f"{len(keys)} fits to do, about {5 * len(keys)} minutes on one thread", flush=True)
    documents = load(YELP)
    for key in keys:
        with warnings.catch_warnings():
            for category in (CollapseWarning, ConvergenceWarning, CappedEstimateWarning):
                warnings.simplefilter("ignore", category)
            record(key, documents, device)


def record(key: dict, documents: Documents, device: str) -> None:
    choice = CHOICES[key["decoder"]][key["choice"]]
    model, seconds = fitted(choice, key["seed"], documents.train, device=device)
    row = key | measure(model, documents, N_INFORMATIVE)
    row |= {"converged": getattr(model, "converged_", ""), "epochs": model.max_epochs}
    row |= {"device": device, "cpu_seconds": seconds if device == "cpu" else ""}
    CELLS.add(row | {"n_train": len(documents.train), "n_test": len(documents.test)} | provenance())
    print(row, flush=True)


def run_quick() -> None:
    """With a start at the components words are easier to guess than with one at random."""
    torch.set_num_threads(1)
    X, _ = make_sequential_vae(500, length=6, n_words=40, n_components=2, width=16, random_state=0)
    small = {"n_components": 2, "hidden_size": 16, "embedding_size": 8, "max_epochs": 10}
    found = {}
    for choice in ("defaults", "beta at random"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)
            model, _ = fitted(CHOICES["section"][choice], 0, X[:400], **small)
        found[choice] = model.perplexity(X[400:])
    print(found)
    if not found["defaults"] < found["beta at random"]:
        raise SystemExit("The start at the components should have the lower perplexity.")


def table() -> str:
    heads = ["decoder", "choice", "seeds", "perplexity", "KL", "I(x; z) between", "active units", "classes", "time"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    base = mean(CELLS.read(decoder="section", choice="defaults"), "cpu_seconds")
    for decoder, choices in CHOICES.items():
        for choice in choices:
            if rows := CELLS.read(decoder=decoder, choice=choice):
                lines.append(f"| {decoder} | {choice} | {len(rows)} | {line_of(rows, base)} |")
    return "\n".join(lines)


def line_of(rows: list[dict], base: float) -> str:
    """The means of the figures; a language model has no latent variable."""
    shown = [f"{mean(rows, 'perplexity'):.2f}", *[""] * 4, f"{mean(rows, 'cpu_seconds') / base:.1f}"]
    if rows[0]["kl"]:
        between = f"{mean(rows, 'mi_lower'):.2f} and {mean(rows, 'mi_upper'):.2f}"
        shown[1:-1] = [f"{mean(rows, 'kl'):.2f}", between, f"{mean(rows, 'au'):.2f}",
                       f"{mean(rows, 'accuracy'):.3f}"]  # fmt: skip
    return " | ".join(shown)


def mean(rows: list[dict], name: str) -> float:
    """Of the rows that have the figure: those of a GPU tell no time of a processor."""
    return statistics.mean(float(row[name]) for row in rows if row[name])


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        device=(run_full, "where models are fitted and measured, such as cuda", str),
        quick=(run_quick, "a few made sentences, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
