"""ONNX graphs answer in onnxruntime as estimators do; a graph of several answers takes the time of one."""

import json
import sys

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklid import LIDSVAE, LIDVAE, IdentifiablePPCA, LIDGMVAEClustering
from sklid.export import rows_of, to_module, to_onnx
from sklid.export.onnx_file import LEAST_TORCH, written
from sklid.export.row_noise import GraphNoise
from sklid.nn import LIKELIHOODS
from sklid.randomness import RowNoise

from .models import EVERY_FAMILY, FAST, NUMBERS, SMALL, close, with_gaps

for package in ("onnx", "onnxscript"):
    pytest.importorskip(package, reason="export to ONNX needs sklid[onnx]")
onnxruntime = pytest.importorskip("onnxruntime", reason="graphs are checked with onnxruntime, of sklid[onnx]")
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklid.CollapseWarning", "ignore::sklid.exceptions.NoiseWarning"),
    pytest.mark.skipif(torch.__version__ < LEAST_TORCH, reason="to_onnx refuses the exporters of older torch"),
]


def answered(proto, rows):
    """All outputs of a graph."""
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: rows})


class Together(nn.Module):
    """Several answers about the same rows, and what their embeddings decode to."""

    def __init__(self, model, methods):
        super().__init__()
        self.answers = nn.ModuleList(to_module(model, method) for method in methods)

    def forward(self, X):
        first, *others = self.answers
        Z = first(X)
        return Z, *(answer(X) for answer in others[:-1]), others[-1](Z)


def assert_same(model, rows, *methods):
    """Of one row, too, in a graph that was traced with three."""
    methods = "transform", *methods, "inverse_transform"
    example = torch.ones(3, rows.shape[1], dtype=torch.float64)
    found = answered(written(Together(model, methods), example, "X", *methods), rows)
    Z = model.transform(rows).astype(np.float64)
    for method, answer in zip(methods, found, strict=True):
        assert close(answer, getattr(model, method)(Z if method == "inverse_transform" else rows)), method


@pytest.mark.parametrize("decoder", ["section", "brenier"])
def test_every_likelihood_and_decoder_answers_in_onnxruntime(decoder):
    model = LIDVAE(likelihood=list(LIKELIHOODS), decoder=decoder, **SMALL).fit(EVERY_FAMILY)
    assert_same(model, with_gaps(EVERY_FAMILY), "predict", "score_samples")


def test_the_library_of_a_row_is_summed_in_the_graph():
    model = LIDVAE(likelihood=list(LIKELIHOODS), offset="library", **SMALL).fit(EVERY_FAMILY)
    assert_same(model, with_gaps(EVERY_FAMILY), "predict", "score_samples")
    about = {each.key: each.value for each in to_onnx(model).metadata_props}
    assert len(json.loads(about["categories"])) == len(LIKELIHOODS)


@pytest.mark.parametrize("inference", ["marginal", "joint"])
def test_labels_and_scores_of_a_clustering_are_those_of_the_estimator(inference):
    model = LIDGMVAEClustering(k=2, inference=inference, **SMALL).fit(NUMBERS)
    scores = ["score_samples"] if inference == "marginal" else []
    assert_same(model, with_gaps(NUMBERS), "predict", "predict_proba", *scores)


@pytest.mark.parametrize("options", [{"posterior": "flow"}, {"encoder": "conv", "encoder_depth": 1}])
def test_flows_and_convolutions_are_exported(options):
    if "posterior" in options:
        pytest.importorskip("zuko", reason="a flow posterior needs zuko")
    model = LIDVAE(**options, **SMALL).fit(NUMBERS)
    assert close(answered(to_onnx(model), NUMBERS)[0], model.transform(NUMBERS))


def test_draws_of_a_graph_are_those_of_its_estimator_bit_for_bit():
    noise = GraphNoise(RowNoise(seed=0, n_draws=3, n_components=2), 3).eval()
    rows = np.random.default_rng(0).integers(0, 2**32, size=(300, 3), dtype=np.uint64).astype(np.uint32)
    rows = rows.view(np.float32)
    found = answered(written(noise, torch.ones(3, 3), "X", "noise"), rows)[0]
    assert np.array_equal(found, noise(torch.from_numpy(rows)).numpy())


def test_the_linear_model_is_exact_in_a_file_that_says_what_it_is(tmp_path):
    model = IdentifiablePPCA(2).fit(NUMBERS)
    gaps, path = with_gaps(NUMBERS), tmp_path / "model.onnx"
    proto = to_onnx(model, "score_samples", path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(["log_likelihood"], {"X": gaps})[0]
    assert close(found, model.score_samples(gaps), 1e-12)
    assert session.get_inputs()[0].shape[1] == 4
    assert isinstance(session.get_inputs()[0].shape[0], str)
    about = {entry.key: entry.value for entry in proto.metadata_props}
    assert about["estimator"] == "IdentifiablePPCA"
    assert about["method"] == "score_samples"
    assert about["units_of_output"] == "nats"


def test_single_precision_and_scalers_of_a_pipeline():
    X = NUMBERS.astype(np.float32)
    pipeline = make_pipeline(StandardScaler(), LIDVAE(**SMALL)).fit(X.astype(np.float64))
    found = answered(to_onnx(pipeline, "transform", dtype="float32"), X)[0]
    assert found.dtype == np.float32
    assert close(found, pipeline.transform(X.astype(np.float64)))


def test_documents_of_any_length_go_through_a_graph():
    documents = ["a b c", "b c d d", "a a", "d c b a a", "c", "b d"] * 3
    model = LIDSVAE(2, encoder="bow", max_epochs=1, random_state=0).fit(documents)
    proto = to_onnx(model)
    assert close(answered(proto, rows_of(model, documents))[0], model.transform(documents))
    about = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(about["vocabulary"]) == [str(word) for word in model.vocabulary_]


class Unwritable(nn.Module):
    """With an operator that ONNX does not have."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_outputs)

    def forward(self, z):
        return self.layer(torch.special.bessel_j0(z))


def test_a_network_that_the_exporter_cannot_write_is_said_to_be_that():
    model = LIDVAE(decoder_network=Unwritable, **FAST).fit(NUMBERS)
    with pytest.raises(RuntimeError, match="network of your own"):
        to_onnx(model, "inverse_transform")


def test_what_is_missing_or_wrong_is_named(monkeypatch):
    model = IdentifiablePPCA(1).fit(NUMBERS)
    with pytest.raises(ValueError, match="'float64', 'float32'"):
        to_onnx(model, dtype="float16")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r'pip install "sklid\[onnx\]"'):
        to_onnx(model)
