"""A module answers as its estimator does, in the units of the data, and runs where the package is not installed."""

import subprocess
import sys

import numpy as np
import pandas
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklid import LIDSVAE, LIDVAE, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import BNVAE, GMVAE, VAE, SemiAmortizedVAE
from sklid.export import rows_of, to_module, to_onnx
from sklid.nn import LIKELIHOODS

from .models import EVERY_FAMILY, NUMBERS, SMALL, TABLES, close, with_gaps

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning", "ignore::sklid.exceptions.NoiseWarning")
METHODS = ("transform", "predict", "score_samples", "inverse_transform")
LABELS = (*METHODS, "predict_proba")


def assert_same(model, X, methods=METHODS, dtype=torch.float64, tolerance=1e-5):
    for method in methods:
        taken = model.transform(X).astype(np.float64) if method == "inverse_transform" else X
        expected = getattr(model, method)(taken)
        found = to_module(model, method)(torch.from_numpy(np.ascontiguousarray(taken)).to(dtype))
        assert found.dtype == (torch.int64 if np.asarray(expected).dtype.kind == "i" else dtype), method
        assert close(found.numpy(), expected, tolerance), method


@pytest.mark.parametrize("decoder", ["section", "brenier"])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_answers_are_those_of_the_estimator(name, decoder):
    assert_same(LIDVAE(likelihood=name, decoder=decoder, **SMALL).fit(TABLES[name]), TABLES[name])


@pytest.mark.parametrize("name", ["gaussian", "poisson"])
def test_gaps_are_taken_whether_the_fit_had_any_or_not(name):
    gaps = with_gaps(TABLES[name])
    for table in (TABLES[name], gaps):
        assert_same(LIDVAE(likelihood=name, **SMALL).fit(table), gaps)


MIXTURES = {
    "marginal": lambda: LIDGMVAEClustering(k=2, **SMALL),
    "joint": lambda: LIDGMVAEClustering(k=2, inference="joint", **SMALL),
    "student_t": lambda: LIDMVAEClustering(k=2, family="student_t", **SMALL),
    "gamma": lambda: LIDMVAEClustering(k=2, family="gamma", covariance_type="diag", **SMALL),
    "GMVAE": lambda: GMVAE(k=2, **SMALL),
    "images": lambda: LIDGMVAEClustering(k=2, encoder="conv", encoder_depth=1, **SMALL),
}


@pytest.mark.parametrize("kind", MIXTURES)
def test_labels_and_their_probabilities_are_those_of_the_clustering(kind):
    rows = with_gaps(NUMBERS)
    assert_same(MIXTURES[kind]().fit(NUMBERS), rows, LABELS)


OTHERS = {
    "flow": lambda: LIDVAE(posterior="flow", **SMALL),
    "unscaled": lambda: LIDVAE(scale=None, noise="feature", **SMALL),
    "images": lambda: LIDVAE(encoder="conv", encoder_depth=1, augment="shift", **SMALL),
    "one draw": lambda: LIDVAE(**{**SMALL, "n_importance_samples": 1}),
    "VAE": lambda: VAE(**SMALL),
    "BNVAE": lambda: BNVAE(**SMALL),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_encoders_decoders_and_scales_are_in_the_module(kind):
    if kind == "flow":
        pytest.importorskip("zuko", reason="a flow posterior needs zuko")
    assert_same(OTHERS[kind]().fit(NUMBERS), with_gaps(NUMBERS))


@pytest.mark.parametrize("name", ["poisson", "zero_inflated_negative_binomial"])
def test_the_library_of_a_row_is_summed_in_the_module(name):
    gaps = with_gaps(TABLES[name])
    for table in (TABLES[name], gaps):
        model = LIDVAE(likelihood=name, offset="library", **SMALL).fit(table)
        assert_same(model, gaps)
        without = LIDVAE(likelihood=name, **SMALL).fit(table)
        assert not close(model.predict(gaps), without.predict(gaps))


def test_the_library_is_that_of_the_counts_of_a_table_of_several_kinds():
    model = LIDVAE(likelihood=list(LIKELIHOODS), offset="library", **SMALL).fit(EVERY_FAMILY)
    assert_same(model, with_gaps(EVERY_FAMILY))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("asked", [{"offset": 0}, {"covariates": [1]}, {"offset": ["library", 0]}])
def test_exposure_columns_and_covariates_are_refused_with_what_to_do(asked, method):
    model = LIDVAE(likelihood="poisson", **asked, **SMALL).fit(TABLES["poisson"] + 1)
    with pytest.raises(TypeError, match="exposure columns or covariates") as caught:
        to_module(model, method)
    assert 'offset="library" alone, or save the model by sklid.save' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_in_single_precision_have_the_answers_of_the_same_numbers_in_double_precision():
    X = NUMBERS.astype(np.float32).astype(np.float64)
    assert_same(LIDVAE(**SMALL).fit(X), X, dtype=torch.float32)


def test_scores_have_the_draws_of_the_estimator_not_others_of_the_same_kind():
    model = LIDVAE(**SMALL).fit(NUMBERS)
    module = to_module(model, "score_samples")
    module.noise.pool = module.noise.pool.roll(1, dims=0)
    found = module(torch.from_numpy(NUMBERS)).numpy()
    assert not close(found, model.score_samples(NUMBERS), 1e-3)


@pytest.mark.parametrize("noise", ["global", "feature"])
def test_answers_of_the_linear_model_are_exact(noise):
    model = IdentifiablePPCA(1, noise=noise).fit(NUMBERS)
    assert_same(model, NUMBERS, tolerance=1e-12)


def test_gaps_of_the_linear_model_are_summed_out_exactly():
    assert_same(IdentifiablePPCA(2).fit(NUMBERS), with_gaps(NUMBERS), tolerance=1e-12)


def test_scalers_of_a_pipeline_are_in_the_module():
    steps = StandardScaler(with_std=False), "passthrough", StandardScaler(), LIDVAE(**SMALL)
    assert_same(make_pipeline(*steps).fit(NUMBERS), NUMBERS)


def test_a_mixed_table_goes_in_by_numbers_and_codes():
    table = pandas.DataFrame({"size": NUMBERS[:, 0], "colour": np.where(NUMBERS[:, 1] > 50, "red", "blue")})
    table.loc[3, "colour"] = None
    model = LIDVAE(likelihood="auto", **{**SMALL, "n_components": 1}).fit(table)
    rows = rows_of(model, table)
    assert np.isnan(rows[3, 1])
    assert close(to_module(model)(torch.from_numpy(rows)).numpy(), model.transform(table))
    assert close(to_module(model, "score_samples")(torch.from_numpy(rows)).numpy(), model.score_samples(table))


def test_columns_of_every_family_are_in_one_module():
    model = LIDVAE(likelihood=list(LIKELIHOODS), **SMALL).fit(EVERY_FAMILY)
    assert_same(model, with_gaps(EVERY_FAMILY))


DOCUMENTS = ["a b c", "b c d d", "a a", "d c b a a", "c", "b d"] * 3


def test_documents_go_in_by_the_numbers_of_their_words():
    model = LIDSVAE(2, encoder="bow", max_epochs=1, random_state=0).fit(DOCUMENTS)
    rows = rows_of(model, DOCUMENTS)
    assert close(to_module(model)(torch.from_numpy(rows)).numpy(), model.transform(DOCUMENTS))
    with pytest.raises(TypeError, match='"transform" alone'):
        to_module(model, "predict")
    with pytest.raises(TypeError, match='encoder="bow"'):
        to_module(LIDSVAE(2, encoder="both", max_epochs=1, random_state=0).fit(DOCUMENTS))


def test_what_cannot_be_exported_is_said_with_what_can():
    model = LIDVAE(**SMALL)
    with pytest.raises(NotFittedError):
        to_module(model)
    model.fit(NUMBERS)
    with pytest.raises(ValueError, match="none of 'transform'"):
        to_module(model, "sample")
    with pytest.raises(ValueError, match="LIDVAE has no predict_proba"):
        to_module(model, "predict_proba")
    with pytest.raises(TypeError, match="StandardScaler cannot be exported"):
        to_module(StandardScaler().fit(NUMBERS))
    pipeline = make_pipeline(MinMaxScaler(), LIDVAE(**SMALL)).fit(NUMBERS)
    with pytest.raises(TypeError, match=r"minmaxscaler.*Export pipeline\[-1\]"):
        to_module(pipeline)
    refined = SemiAmortizedVAE(n_refinements=1, **SMALL).fit(NUMBERS)
    with pytest.raises(TypeError, match="gradients of its bound"):
        to_module(refined)
    assert_same(refined, NUMBERS, ["inverse_transform"])


def test_a_module_is_a_copy_that_later_training_leaves_alone():
    model = LIDVAE(**SMALL, warm_start=True).fit(NUMBERS)
    module, x = to_module(model), torch.from_numpy(NUMBERS)
    before = module(x)
    model.fit(NUMBERS)
    assert torch.equal(module(x), before)
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())


WITHOUT_THE_PACKAGE = """
import sys
class Barred:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "sklid":
            raise ImportError(name)
sys.meta_path.insert(0, Barred())
import torch
program, rows = torch.export.load(sys.argv[1]), torch.load(sys.argv[2])
torch.save(program.module()(rows), sys.argv[3])
try:
    import sklid
except ImportError:
    print("none")
"""


def test_an_exported_program_runs_in_a_process_without_the_package(tmp_path):
    model = LIDVAE(**SMALL).fit(NUMBERS)
    rows = torch.from_numpy(with_gaps(NUMBERS))
    sizes = ({0: torch.export.Dim("rows")},)
    program = torch.export.export(to_module(model, "score_samples"), (rows[:3],), dynamic_shapes=sizes, strict=False)
    torch.export.save(program, tmp_path / "model.pt2")
    torch.save(rows, tmp_path / "rows.pt")
    files = [str(tmp_path / name) for name in ("model.pt2", "rows.pt", "answers.pt")]
    command = [sys.executable, "-W", "ignore", "-I", "-c", WITHOUT_THE_PACKAGE, *files]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.strip() == "none", run.stderr
    assert close(torch.load(tmp_path / "answers.pt").numpy(), model.score_samples(rows.numpy()))


def test_exporters_of_older_torch_are_refused_with_the_way_out(monkeypatch):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason="export to ONNX needs sklid[onnx]")
    monkeypatch.setattr("sklid.export.onnx_file.LEAST_TORCH", (99, 0))
    with pytest.raises(RuntimeError, match=r"needs torch 2\.13 or newer, and this is torch .* or use to_module"):
        to_onnx(LIDVAE(**SMALL).fit(NUMBERS))
