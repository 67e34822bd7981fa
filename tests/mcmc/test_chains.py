"""Sampling leaves the process as it was, and says what it needs."""

import sys

import numpy as np
import pytest
import torch

pytest.importorskip("numpyro", reason="posterior sampling needs the extra sklid[mcmc]")

from sklid.mcmc import sample_ppca

from .tables import rows


def test_sampling_leaves_global_state_as_it_was():
    import jax

    before, torch_state, numpy_state = jax.config.jax_enable_x64, torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    sample_ppca(rows(20)[1], 1, 0.25, n_warmup=20, n_draws=20, n_chains=1, random_state=0)
    assert jax.config.jax_enable_x64 == before
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_missing_numpyro_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpyro", None)
    with pytest.raises(ImportError, match=r'pip install "sklid\[mcmc\]"'):
        sample_ppca(rows(20)[1], 1, 0.25)
