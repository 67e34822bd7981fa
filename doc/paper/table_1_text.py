"""Table 1 of the paper, text: who keeps a latent variable beside a recurrent network, and at what perplexity?

    python doc/paper/table_1_text.py                  full run: hours on two cores; goes on where it stopped
    python doc/paper/table_1_text.py --data yelp      one data set
    python doc/paper/table_1_text.py --quick          a few made sentences, under 10 seconds
    python doc/paper/table_1_text.py --table          the tables of the saved results, in Markdown
    python doc/paper/table_1_text.py --device cuda    on a GPU; such rows tell no time of a processor
    python doc/paper/table_1_text.py --authors        sizes of the authors: days on processors

Documents: 16 000 sentences of ten words drawn from a recurrent network that is told 5 latent variables
(`make_sequential_vae`), and the training parts of Yelp and Yahoo as `sklid.datasets` reads them. 5000 words are known,
documents end after 50. All models have an LSTM of 128 units, words of 128 numbers, dropout of a fifth, 16 latent
variables (5 of the made sentences), 10 epochs and the default learning rate, and three seeds; on Yelp the main methods
alone have three, on Yahoo the section decoder, and the others one. "VAE bow" has the encoder of LIDSVAE, and differs
from it in the decoder alone; "annealed" raises the weight of the divergence over half of the training. Figures are
those of 500 test documents: the log-likelihood, and the perplexity, from 100 draws each, informative units from 20
draws of 200 made sentences, 1000 of Yelp, and 300 questions of Yahoo. "Classes" are the sentiment of a sentence and the
topic of a question, as a logistic regression on the embeddings of the training part tells them of all 2000 test
documents; "TF-IDF, SVD" has as many singular vectors of word frequencies as the others have latent variables.
"""

import argparse
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from cells import Cells, provenance, spread
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from sklid import LIDSVAE, CollapseWarning
from sklid.baselines import (
    LanguageModel,
    SequentialBetaVAE,
    SequentialFreeBitsVAE,
    SequentialLaggingVAE,
    SequentialSemiAmortizedVAE,
    SequentialVAE,
)
from sklid.datasets import fetch_yahoo, fetch_yelp, make_sequential_vae
from sklid.exceptions import CappedEstimateWarning
from sklid.metrics import active_units, informative_units, kl_divergence, mutual_information

MADE, YELP, YAHOO = "synthetic", "yelp", "yahoo"
TITLES = {MADE: "made sentences", YELP: "Yelp", YAHOO: "Yahoo"}
N_TEST, N_DRAWS = 500, 20
N_INFORMATIVE = {MADE: 200, YELP: 1_000, YAHOO: 300}
"""Documents that informative units are looked for on; a question of Yahoo takes four seconds."""
SHARED = {"max_features": 5_000, "max_length": 50, "hidden_size": 128, "embedding_size": 128, "max_epochs": 10}
AUTHORS = SHARED | {"max_features": 20_000, "max_length": 200, "hidden_size": 1024, "embedding_size": 512,
                    "dropout": 0.5, "batch_size": 32, "max_epochs": 100}  # fmt: skip
"""As far as the paper and its code tell."""
LATENTS = {MADE: 5, YELP: 16, YAHOO: 16}
SECONDS = {MADE: 100, YELP: 400, YAHOO: 2_000}
"""Of a fit of `SequentialVAE` and its measurements on one thread, roughly; less where it collapses."""
COLUMNS = ["data", "side", "method", "encoder", "decoder", "seed", "au", "informative_units", "n_informative", "kl",
           "mi", "mi_lower", "mi_upper", "ll", "perplexity", "accuracy", "converged", "device", "cpu_seconds",
           "n_train", "n_test", "epochs", "threads", "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "table_1_text.csv", COLUMNS)


class Method(NamedTuple):
    """A model of the table, its own parameters, and how many times longer than a VAE it takes."""

    estimator: Callable[..., Any]
    own: dict = {}
    is_main: bool = False
    data: tuple[str, ...] = (MADE, YELP, YAHOO)
    times: float = 1.0
    has_one_seed: bool = False

    def seeds(self, data: str) -> tuple[int, ...]:
        """Three where a fit is cheap, and of what the table is about; see the top of this file."""
        is_ours = self.is_main and self.estimator is LIDSVAE
        is_repeated = {MADE: not self.has_one_seed, YELP: self.is_main, YAHOO: is_ours}
        return (0, 1, 2) if is_repeated[data] else (0,)


def singular_vectors(n_components: int, max_features: int, random_state: int, **_: object) -> Pipeline:
    """Embeddings without a model of documents."""
    return make_pipeline(
        TfidfVectorizer(max_features=max_features), TruncatedSVD(n_components, random_state=random_state)
    )


METHODS = {
    "LIDSVAE section": Method(LIDSVAE, is_main=True),
    "LIDSVAE annealed": Method(LIDSVAE, {"kl_warmup": 0.5}, data=(YELP,)),
    "LIDSVAE brenier": Method(LIDSVAE, {"decoder": "brenier"}, times=1.5),
    "VAE": Method(SequentialVAE, is_main=True),
    "VAE bow": Method(SequentialVAE, {"encoder": "bow"}, is_main=True),
    "annealed": Method(SequentialVAE, {"kl_warmup": 0.5}),
    "beta-VAE": Method(SequentialBetaVAE),
    "free bits": Method(SequentialFreeBitsVAE),
    "lagging VAE": Method(SequentialLaggingVAE, {"max_encoder_steps": 20}, data=(MADE, YELP), times=5),
    "SA-VAE": Method(SequentialSemiAmortizedVAE, {"n_refinements": 10}, data=(MADE, YELP), times=20, has_one_seed=True),
    "language model": Method(LanguageModel, is_main=True),
    "TF-IDF, SVD": Method(singular_vectors, {}, data=(YELP, YAHOO), times=0.1),
}
OURS = "LIDSVAE section"


class Documents(NamedTuple):
    """To fit and to measure, and the classes where there are some."""

    train: Any
    all_test: Any
    y_train: np.ndarray | None = None
    y_test: np.ndarray | None = None

    @property
    def test(self) -> Any:
        """The first test documents, that most figures are of."""
        return self.all_test[:N_TEST]


class Cell(NamedTuple):
    """One row of the results."""

    data: str
    side: str
    seed: int

    def is_done(self) -> bool:
        return bool(CELLS.read(**self._asdict()))


def load(data: str) -> Documents:
    if data == MADE:
        X, _ = make_sequential_vae(16_000 + N_TEST, length=10, n_words=1_000, n_components=5, random_state=0)
        return Documents(X[:-N_TEST], X[-N_TEST:])
    fetch = fetch_yelp if data == YELP else fetch_yahoo
    train, test = fetch(subset="train"), fetch(subset="test")
    return Documents(train.data, test.data, train.target, test.target)


def fitted(cell: Cell, documents: Documents, shared: dict) -> tuple[Any, float]:
    """The model, and the seconds of its fit."""
    method = METHODS[cell.side]
    latents = {} if method.estimator is LanguageModel else {"n_components": LATENTS[cell.data]}
    model = method.estimator(**shared | latents | method.own, random_state=cell.seed)
    start = time.process_time()
    model.fit(documents.train)
    return model, time.process_time() - start


def measure(model: Any, documents: Documents, n_informative: int) -> dict:
    """Figures on the test documents, in nats; informative units on as many as there are at most."""
    figures = {}
    if not isinstance(model, Pipeline):
        scores, lengths = model.score_samples(documents.test).astype(float), model.view(documents.test).rows >= 0
        figures |= {"ll": scores.mean(), "perplexity": math.exp(-scores.sum() / float(lengths.sum()))}
    if not isinstance(model, Pipeline | LanguageModel):
        figures |= measure_latents(model, documents.test, documents.all_test[:n_informative])
    if documents.y_train is not None and not isinstance(model, LanguageModel):
        classifier = LogisticRegression(max_iter=1_000).fit(model.transform(documents.train), documents.y_train)
        figures["accuracy"] = classifier.score(model.transform(documents.all_test), documents.y_test)
    return figures


def measure_latents(model: Any, test: Any, more: Any) -> dict:
    """Figures of latents, and informative units on more documents: none where the posteriors move with no document."""
    information, active = mutual_information(model, test), active_units(model, test)
    units = informative_units(model, more, n_importance_samples=N_DRAWS) if active.fraction else None
    return {
        "au": active.fraction,
        "informative_units": units.count if units else 0,
        "kl": kl_divergence(model, test).value,
        "mi": information.value,
        "mi_lower": information.lower,
        "mi_upper": information.upper,
    }


def record(cell: Cell, documents: Documents, shared: dict) -> dict:
    """The figures of a cell, with where they come from."""
    with warnings.catch_warnings():
        for category in (CollapseWarning, ConvergenceWarning, CappedEstimateWarning):
            warnings.simplefilter("ignore", category)
        model, seconds = fitted(cell, documents, shared)
        row = cell._asdict() | {"method": type(model).__name__} | measure(model, documents, N_INFORMATIVE[cell.data])
    told = {name: getattr(model, name, "") for name in ("encoder", "decoder", "device")}
    is_on_processor = told["device"] in ("cpu", "")
    row |= told | {"converged": getattr(model, "converged_", ""), "cpu_seconds": seconds if is_on_processor else ""}
    row |= {"n_informative": N_INFORMATIVE[cell.data] if "mi" in row else ""}
    sizes = {"n_train": len(documents.train), "n_test": len(documents.test), "epochs": getattr(model, "max_epochs", "")}
    return row | sizes | provenance()


def planned(data: list[str]) -> list[Cell]:
    """The cells of a run: the main methods seed by seed, then the others, and last those that take much longer."""
    cells = [
        Cell(name, side, seed)
        for seed in range(3)
        for name in data
        for side, method in METHODS.items()
        if name in method.data and seed in method.seeds(name)
    ]
    return sorted(cells, key=lambda cell: (METHODS[cell.side].times > 2, not METHODS[cell.side].is_main))


def run_full(data: list[str], shared: dict) -> None:
    """Two processes take turns at the cells."""
    todo = [cell for cell in planned(data) if not cell.is_done()]
    minutes = sum(SECONDS[cell.data] * METHODS[cell.side].times for cell in todo) / 2 / 60
    print(f"{len(todo)} fits to do, about {minutes:.0f} minutes on two cores", flush=True)
    Parallel(n_jobs=2, batch_size=1, pre_dispatch=2)(delayed(run_cell)(cell, shared) for cell in todo)


def run_cell(cell: Cell, shared: dict) -> None:
    torch.set_num_threads(1)
    row = record(cell, load(cell.data), shared)
    CELLS.add(row)
    shown = ("data", "side", "seed", "au", "informative_units", "kl", "perplexity", "accuracy", "cpu_seconds")
    print({name: row.get(name) for name in shown}, flush=True)


def run_quick() -> None:
    """On a few made sentences the section keeps its latents in use, and guesses words as well as a VAE."""
    torch.set_num_threads(1)
    X, _ = make_sequential_vae(500, length=6, n_words=12, n_components=2, width=16, random_state=0)
    documents = Documents(X[:400], X[400:])
    small = {"hidden_size": 16, "embedding_size": 8, "max_epochs": 15, "n_importance_samples": 20}
    found = {}
    for side in ("LIDSVAE section", "VAE"):
        model = METHODS[side].estimator(n_components=2, random_state=0, **small)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)
            model.fit(documents.train)
        found[side] = {"au": active_units(model, documents.test).fraction, "ppl": model.perplexity(documents.test)}
    print(found)
    own, other = found["LIDSVAE section"], found["VAE"]
    if not (own["au"] == 1.0 and own["ppl"] < 1.1 * other["ppl"]):
        raise SystemExit("The section should use every latent, and guess words about as well as the VAE.")


def table() -> str:
    """Mean and standard deviation over the seeds, for each data set."""
    parts = []
    for data, title in TITLES.items():
        if CELLS.read(data=data):
            parts += [f"### {title}", "", table_of(data), ""]
    return "\n".join(parts).strip()


def table_of(data: str) -> str:
    heads = ["method", "encoder", "seeds", "perplexity", "log-likelihood", "active units",
             f"informative of {LATENTS[data]} (documents)", "KL", "I(x; z) between", "classes", "time"]  # fmt: skip
    base = of(CELLS.read(data=data, side=OURS), "cpu_seconds")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for side in METHODS:
        if rows := CELLS.read(data=data, side=side):
            lines.append(f"| {' | '.join([side, *line_of(rows, base)])} |")
    return "\n".join(lines)


def line_of(rows: list[dict], base: list[float]) -> list[str]:
    """A cell that has no latent variable shows none of its figures."""
    shown = lambda name, digits: f"{statistics.mean(of(rows, name)):.{digits}f}" if of(rows, name) else ""  # noqa: E731
    between = f"{shown('mi_lower', 2)} and {shown('mi_upper', 2)}" if of(rows, "mi") else ""
    # what else runs on a machine lengthens a fit and never shortens it
    took = of(rows, "cpu_seconds")
    ratio = f"{min(took) / min(base):.1f}" if base and took else ""
    encoder = rows[0]["encoder"] if of(rows, "mi") else ""
    told = informative_of(rows) if encoder else ""
    return [encoder, str(len(rows)), spread(of(rows, "perplexity"), 2), shown("ll", 1), shown("au", 2),
            told, shown("kl", 2), between, shown("accuracy", 3), ratio]  # fmt: skip


def informative_of(rows: list[dict]) -> str:
    """Of the seeds for which most documents were looked at, and how many these are."""
    most = max(of(rows, "n_informative"))
    found = of([row for row in rows if float(row["n_informative"]) == most], "informative_units")
    return f"{statistics.mean(found):.1f} ({most:.0f})"


def of(rows: list[dict], name: str) -> list[float]:
    return [float(row[name]) for row in rows if row[name] != ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few made sentences, under 10 seconds")
    parser.add_argument("--table", action="store_true", help="print the tables of the saved results")
    parser.add_argument("--authors", action="store_true", help="the authors' sizes, on a GPU")
    parser.add_argument("--device", default="cpu", help="where the models are fitted and measured")
    parser.add_argument("--data", nargs="+", choices=TITLES, default=list(TITLES), help="only these")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
    elif arguments.quick:
        run_quick()
    else:
        sizes = AUTHORS if arguments.authors else SHARED
        run_full(arguments.data, sizes | {"device": arguments.device})


if __name__ == "__main__":
    main()
