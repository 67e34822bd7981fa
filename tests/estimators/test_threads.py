"""A seed says what a fit gives, whatever other threads do meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest
import torch

from sklid import LIDVAE

from .models import MODELS, SMALL, X, answers, assert_same

pytestmark = pytest.mark.filterwarnings("ignore")  # of collapse; filters are those of the process, whatever the thread


def fitted_and_asked(name):
    return answers(MODELS[name]().fit(X))


@pytest.mark.parametrize("name", MODELS)
def test_four_fits_in_threads_are_bit_for_bit_the_fit_alone(name):
    alone, before = fitted_and_asked(name), torch.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(fitted_and_asked, [name] * 4):
            assert_same(found, alone)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.usefixtures("with_causes")
def test_fits_of_all_kinds_in_threads_of_joblib_are_those_alone():
    alone = [fitted_and_asked(name) for name in MODELS]
    together = joblib.Parallel(8, backend="threading")(joblib.delayed(fitted_and_asked)(name) for name in MODELS)
    for found, expected in zip(together, alone, strict=True):
        assert_same(found, expected)


def test_fits_in_threads_of_dask_are_those_alone():
    dask = pytest.importorskip("dask", reason="dask is not installed")
    alone = fitted_and_asked("LIDVAE")
    fits = [dask.delayed(fitted_and_asked)("LIDVAE") for _ in range(8)]
    for found in dask.compute(*fits, scheduler="threads", num_workers=8):
        assert_same(found, alone)


def test_partial_fits_in_threads_are_those_alone():
    def trained(_):
        return LIDVAE(**SMALL).partial_fit(X).partial_fit(X).score_samples(X)

    alone = trained(None)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(trained, range(8)):
            assert found.tobytes() == alone.tobytes()


def test_fit_draws_nothing_that_another_thread_would_miss():
    torch.manual_seed(0)
    expected = torch.randn(3)
    torch.manual_seed(0)
    LIDVAE(**SMALL).fit(X)
    assert torch.equal(torch.randn(3), expected)
