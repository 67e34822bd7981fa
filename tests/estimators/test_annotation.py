"""AnnData in, latents and labels written into it."""

import doctest
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.pipeline import make_pipeline

import sklid
from sklid import LIDVAE, LIDGMVAEClustering, embed

FAST = {"n_components": 2, "max_epochs": 2, "decoder_width": 8, "encoder_width": 8, "random_state": 0}
FAST |= {"likelihood": "poisson"}
COUNTS = np.random.default_rng(0).poisson(np.r_[1, 3, 0.2, 5, 1], (60, 5)).astype(np.float32)
GENES, CELLS = list("abcde"), [f"cell {number}" for number in range(60)]
pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


def stand_in(X, layers=(), genes=GENES):
    """What `embed` reads of an AnnData."""
    obs = pandas.DataFrame(index=CELLS)
    names = {"obs_names": obs.index, "var_names": pandas.Index(genes)}
    return SimpleNamespace(X=X, layers=dict(layers), obs=obs, obsm={}, isbacked=False, **names)


def of_anndata(X, layers=(), genes=GENES):
    anndata = pytest.importorskip("anndata")
    var, obs = pandas.DataFrame(index=genes), pandas.DataFrame(index=CELLS)
    return anndata.AnnData(X, obs, var, layers=dict(layers))


made = pytest.mark.parametrize("make", [stand_in, of_anndata])


@made
@pytest.mark.parametrize("form", [np.array, sparse.csr_matrix, sparse.csc_array])
def test_latents_are_those_of_the_matrix_and_genes_are_the_names_of_features(make, form):
    adata, model = make(form(COUNTS)), LIDVAE(**FAST)
    embed(adata, model)
    expected = LIDVAE(**FAST).fit_transform(COUNTS)
    np.testing.assert_array_equal(adata.obsm["X_lidvae"], expected)
    assert list(model.feature_names_in_) == GENES
    before = model.net_
    embed(adata, model, key_added="X_again")
    assert model.net_ is before
    np.testing.assert_array_equal(adata.obsm["X_again"], expected)


@made
@pytest.mark.parametrize("form", [np.array, sparse.csr_matrix])
def test_other_genes_are_refused_in_the_words_of_scikit_learn(make, form):
    model = LIDVAE(**FAST)
    embed(make(form(COUNTS)), model)
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        embed(make(form(COUNTS), genes=list("abced")), model)


@made
def test_layers_are_read_by_name_and_values_are_named_with_their_gene(make):
    logs = sparse.csr_matrix(np.log1p(COUNTS))
    adata = make(logs, {"counts": sparse.csr_matrix(COUNTS)})
    embed(adata, LIDVAE(**FAST), layer="counts")
    np.testing.assert_array_equal(adata.obsm["X_lidvae"], LIDVAE(**FAST).fit_transform(COUNTS))
    with pytest.raises(ValueError, match="cannot take the value .* in column . \\('.'\\), row 0"):
        embed(adata, LIDVAE(**FAST))
    with pytest.raises(ValueError, match="no layer 'count'; it has 'counts'"):
        embed(adata, LIDVAE(**FAST), layer="count")
    with pytest.raises(ValueError, match=r"adata.X is None.*adata.layers has 'counts'"):
        embed(make(None, {"counts": COUNTS}), LIDVAE(**FAST))


@made
def test_labels_of_a_clustering_are_categories(make):
    adata, model = make(sparse.csr_matrix(COUNTS)), LIDGMVAEClustering(k=3, init="kmeans", n_init=1, **FAST)
    embed(adata, model)
    found = adata.obs["lidgmvaeclustering"]
    np.testing.assert_array_equal(found.astype(int), model.labels_)
    assert found.dtype == "category"
    embed(adata, model, key_added="X_cells")
    assert {"cells", "lidgmvaeclustering"} <= set(adata.obs)


def test_pipelines_and_estimators_of_others_get_the_matrix():
    X = sparse.csr_matrix(COUNTS)
    adata = stand_in(X)
    embed(adata, make_pipeline(TruncatedSVD(3, random_state=0), LIDVAE(**{**FAST, "likelihood": "gaussian"})))
    embed(adata, KMeans(3, random_state=0))
    assert adata.obsm["X_lidvae"].shape == (60, 2)
    np.testing.assert_array_equal(adata.obs["kmeans"].astype(int), KMeans(3, random_state=0).fit_predict(X))


def test_what_is_no_annotated_matrix_in_memory_or_no_transformer_is_refused():
    with pytest.raises(TypeError, match="must be an AnnData, and is a ndarray"):
        embed(COUNTS, LIDVAE(**FAST))
    backed = stand_in(COUNTS)
    backed.isbacked = True
    with pytest.raises(ValueError, match=r"backed by a file.*to_memory\(\)"):
        embed(backed, LIDVAE(**FAST))
    with pytest.raises(TypeError, match="object has no transform"):
        embed(stand_in(COUNTS), object())
    with pytest.raises(TypeError, match="Name one family"):
        embed(stand_in(sparse.csr_matrix(COUNTS)), LIDVAE(**{**FAST, "likelihood": "auto"}))


def test_an_annotated_matrix_in_the_place_of_a_table_is_told_where_to_go():
    with pytest.raises(TypeError, match=r"pass adata.X .*sklid.embed\(adata, model\)"):
        LIDVAE(**FAST).fit(stand_in(COUNTS))


def test_the_example_of_the_documentation_runs():
    pytest.importorskip("anndata")
    text = embed.__doc__.replace("# doctest: +SKIP", "")
    example = doctest.DocTestParser().get_doctest(text, {}, "embed", None, 0)
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_guide_runs():
    guide = (Path(sklid.__file__).parents[1] / "doc/tables.md").read_text()
    code = re.search(r"```python\nimport scanpy\n(.*?)```", guide, re.DOTALL).group(1)
    code = "\n".join(line for line in code.replace("k=8", "k=3, max_epochs=2").splitlines() if "scanpy" not in line)
    adata, others = (of_anndata(None, {"counts": sparse.csr_matrix(COUNTS)}) for _ in range(2))
    exec(code, {"adata": adata, "others": others})
    np.testing.assert_array_equal(adata.obsm["X_lidgmvaeclustering"], others.obsm["X_lidgmvaeclustering"])
    assert set(adata.obs) == {"lidgmvaeclustering"}
