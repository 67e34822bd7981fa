"""What the documents say is executed, and their figures are those of the saved results."""

import os
import re
import subprocess
import sys

import pytest
import torch
from scripts import ROOT, load, run

TABLES = {
    "benchmarks/depth": "README.md",
    "benchmarks/choices": "doc/clustering.md",
    "benchmarks/clustering": "doc/benchmarks/README.md",
    "benchmarks/folds": "doc/theory.md",
    "benchmarks/price": "doc/guarantee.md",
    "benchmarks/flows": "doc/benchmarks/README.md",
    "benchmarks/data_counts": "doc/benchmarks/README.md",
    "benchmarks/documents": "doc/benchmarks/README.md",
    "benchmarks/data": "doc/benchmarks/README.md",
    "benchmarks/parts": "doc/benchmarks/README.md",
    "benchmarks/soak": "doc/benchmarks/README.md",
    "benchmarks/kills": "doc/benchmarks/README.md",
    "benchmarks/mixed_clusters": "doc/benchmarks/README.md",
    "benchmarks/small": "doc/benchmarks/README.md",
    "benchmarks/measuring": "doc/collapse.md",
    "benchmarks/trust": "doc/collapse.md",
    "benchmarks/ppca": "doc/ppca.md",
    "benchmarks/speed": "doc/benchmarks/README.md",
    "benchmarks/memory": "doc/benchmarks/README.md",
    "benchmarks/sparse_rows": "doc/benchmarks/README.md",
    "benchmarks/threads": "doc/benchmarks/README.md",
    "benchmarks/processes": "doc/distributed.md",
    "benchmarks/verdicts": "doc/collapse.md",
    "paper/figure_1": "doc/paper/figure_1.md",
    "paper/theorem_1": "doc/paper/theorem_1.md",
    "paper/figure_2": "doc/ppca.md",
    "paper/appendix_a": "doc/ppca.md",
    "paper/calibration": "doc/ppca.md",
    "paper/table_1": "doc/paper/table_1.md",
    "paper/table_1_text": "doc/paper/table_1_text.md",
    "paper/ablation": "doc/paper/ablation.md",
    "paper/ablation_text": "doc/paper/ablation_text.md",
}

WITHOUT_TABLES: list[str] = []
"""Scripts whose full runs have not been made."""

DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "doc").rglob("*.md"))]


def test_modules_work_in_a_loop_and_in_a_net_of_ones_own():
    with torch.random.fork_rng():
        found = load(ROOT / "doc/examples/own_loop.py").main()
    assert all(correlation > 0.9 for correlation in found.values())


def test_convolutions_are_as_good_a_decoder_with_the_certificate_as_without():
    found = load(ROOT / "doc/examples/convolutional_decoder.py").main(n_epochs=15)
    assert found["LIDVAE, convolutions"] > found["VAE, convolutions"] - 2
    assert found["floor"] > 2.7
    assert found["error"] < 1e-4


SENTENCES = [
    f"the {noun} is {quality} {place} ."
    for noun, quality in (("food", "good"), ("soup", "tasty"), ("room", "loud"), ("bed", "hard"))
    for place in ("here", "there", "today", "again")
]
SMALL = {"n_components": 3, "hidden_size": 16, "embedding_size": 8, "max_epochs": 15, "learning_rate": 1e-2}


def test_sentences_have_neighbours_of_their_kind_and_others_between_them():
    queries = ("the food is good here .", "the bed is hard again .")
    found = load(ROOT / "doc/examples/yelp_sentences.py").main(SENTENCES * 20, queries, **SMALL)
    assert all(text.split()[1] == query.split()[1] for query, near in found["nearest"].items() for text in near)
    assert len(found["between"]) == 5
    assert all(isinstance(text, str) for text in found["between"])


def test_topics_are_told_by_embeddings_and_by_singular_vectors():
    topics = [int(text.split()[1] in ("room", "bed")) for text in SENTENCES]
    example = load(ROOT / "doc/examples/yahoo_topics.py")
    found = example.main((SENTENCES * 20, topics * 20), (SENTENCES, topics), **SMALL)
    assert list(found) == ["LIDSVAE", "TF-IDF and SVD"]
    assert found["LIDSVAE"] > 0.9


@pytest.mark.parametrize("script", [*TABLES, *WITHOUT_TABLES])
def test_benchmarks_show_their_direction_quickly(script, tmp_path):
    status, printed = run(ROOT / f"doc/{script}.py", "--quick", output=tmp_path / "printed", timeout=600)
    assert status == 0, printed


@pytest.mark.parametrize(("script", "document"), TABLES.items())
def test_tables_of_the_documents_are_those_of_the_saved_results(script, document):
    shown = re.search(
        rf"<!-- table of doc/{script}.py -->\n(.*?)\n<!-- end of table -->", (ROOT / document).read_text(), re.DOTALL
    )
    assert shown.group(1) == load(ROOT / f"doc/{script}.py").table()


def test_the_way_of_a_table_through_a_fit_is_listed_from_the_estimator_to_its_data():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, ROOT / "doc/trace.py", "LIDVAE"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
    assert re.match(r" *1  estimators/\w+: \w+\.fit$", lines[0])
    assert any(" data/table: " in line for line in lines)
    assert lines[-1].startswith(f"{len(lines) - 1} calls, ")


def headings(path):
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_of_the_documents_lead_somewhere(path):
    document = ROOT / path
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", document.read_text()):
        linked = document.parent / target if target else document
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked), f"{target}#{anchor}"


# without the changes, which tell of former files
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path != "doc/changes.md"])
def test_files_named_in_the_documents_exist(path):
    for name in re.findall(r"\b((?:sklid|tests|doc)/(?:\w+/)*(?:\w+\.\w+)?)", (ROOT / path).read_text()):
        assert (ROOT / name).exists(), name


def test_version_has_an_entry_in_the_changes():
    import sklid

    assert f"## {sklid.__version__}" in (ROOT / "doc/changes.md").read_text()
