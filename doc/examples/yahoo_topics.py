"""
Topics of questions
===================

Topics of questions from their embeddings: those of `LIDSVAE`, and singular vectors of word frequencies. Both have as
many numbers for a document, and a logistic regression tells its topic by them.

Fits `LIDSVAE` to 10 000 questions and answers, which `sklid.datasets.fetch_yahoo` downloads once: some minutes on one
core. So the output is not shown here.
"""

from collections.abc import Sequence

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDSVAE
from sklid.datasets import fetch_yahoo

N_DOCUMENTS, N_COMPONENTS = 10_000, 16

Documents = tuple[Sequence[str], Sequence[int]]


def main(train: Documents | None = None, test: Documents | None = None, **settings: object) -> dict[str, float]:
    """Share of the topics that are right, of documents that were not fitted."""
    texts, topics = fetch_yahoo(return_X_y=True) if train is None else train
    others = fetch_yahoo(subset="test", return_X_y=True) if test is None else test
    told = {"n_components": N_COMPONENTS, "max_features": 5_000, "max_length": 50, "max_epochs": 8, "random_state": 0}
    told |= settings
    embeddings = {
        "LIDSVAE": LIDSVAE(**told),
        "TF-IDF and SVD": make_pipeline(
            TfidfVectorizer(max_features=told["max_features"]), TruncatedSVD(told["n_components"], random_state=0)
        ),
    }
    found = {}
    for name, embedding in embeddings.items():
        classifier = make_pipeline(embedding, StandardScaler(), LogisticRegression(max_iter=1_000))
        found[name] = classifier.fit(texts[:N_DOCUMENTS], topics[:N_DOCUMENTS]).score(*others)
    return found


if __name__ == "__main__":
    for name, accuracy in main().items():
        print(f"{name:15} {accuracy:.3f}")
