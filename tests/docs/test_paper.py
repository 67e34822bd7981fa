"""The saved results of the paper's exhibits are complete, and say what the documents say of them."""

import numpy as np
import pytest
import torch
from scripts import ROOT, load
from torch.utils.flop_counter import FlopCounterMode

from sklid.nn import InjectiveDecoder, PlainDecoder


def multiply_adds(decoder, n_components):
    """Those of a batch, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        decoder(torch.zeros(256, n_components))
    return counter.get_total_flops() / 2


@pytest.mark.parametrize("depth", [1, 9])
def test_decoder_of_the_paper_costs_in_figure_1_what_a_perceptron_costs(depth):
    script = load(ROOT / "doc/paper/figure_1.py")
    width = script.width_of(script.Cell("fashion", "brenier", depth, 0), 784)
    brenier, free = InjectiveDecoder(10, 784, depth, width), PlainDecoder(10, 784, depth, script.WIDTH)
    assert multiply_adds(brenier, 10) == pytest.approx(multiply_adds(free, 10), rel=0.06)


def test_saved_results_of_figure_1_are_complete_and_a_section_keeps_its_clusters_at_every_depth():
    script = load(ROOT / "doc/paper/figure_1.py")
    rows = script.CELLS.read()
    if not rows:
        pytest.skip("the full run of doc/paper/figure_1.py has not been made")
    run = [name for name in script.DEPTHS if script.CELLS.read(data=name)]
    cells = script.planned(run, list(script.SIDES), [0, 1, 2, 3, 4])
    assert sorted((row["data"], row["side"], int(row["depth"]), int(row["seed"])) for row in rows) == sorted(cells)
    for data, depth in script.SECONDS:
        own, classical = (
            script.saved("mi_y", data=data, depth=depth, side=side) for side in ("section", "GMVAE random")
        )
        if own:
            assert min(own) > np.mean(classical)


def test_chains_of_figure_2_agree_without_the_rotation_and_not_with_it():
    script = load(ROOT / "doc/paper/figure_2.py")
    assert len(script.CELLS.read()) == len(script.SEEDS) * len(script.NOISES) * 2
    assert all(float(row["worst_r_hat"]) < 1.01 for row in script.CELLS.read(rotation="removed"))
    assert all(float(row["worst_r_hat"]) > 1.2 for row in script.CELLS.read(rotation="free"))


def test_weight_of_a_mixture_keeps_its_prior_where_components_are_not_identified():
    script = load(ROOT / "doc/paper/appendix_a.py")
    assert len(script.CELLS.read()) == len(script.SEEDS) * len(script.CASES) * len(script.METHODS)
    for case in ("overlapping", "single"):
        assert all(float(row["kl"]) < 0.05 for row in script.CELLS.read(case=case, method="NUTS"))
    assert all(float(row["kl"]) > 5 for row in script.CELLS.read(case="separate", method="NUTS ordered"))


def test_samplers_are_calibrated_by_the_saved_ranks():
    """Fifteen tests: the least of their p-values is under .0005 once in a hundred times."""
    script = load(ROOT / "doc/paper/calibration.py")
    for model in script.QUANTITIES:
        assert sorted(int(row["run"]) for row in script.CELLS.read(model=model)) == list(range(script.N_RUNS))
        assert min(script.p_values(model)) > 5e-4


def test_saved_results_of_table_1_are_complete():
    script = load(ROOT / "doc/paper/table_1.py")
    saved = [script.Cell(row["data"], row["network"], row["side"], int(row["seed"])) for row in script.CELLS.read()]
    assert sorted(saved) == sorted(script.planned(list(script.DATA)))
    assert all(np.isfinite(float(row["ll"])) for row in script.CELLS.read())


@pytest.mark.parametrize("data", ["fashion", "omniglot"])
@pytest.mark.parametrize("side", ["LIDVAE section", "LIDVAE brenier"])
def test_in_table_1_every_latent_of_an_injective_decoder_is_active_and_no_likelihood_is_lost(data, side):
    cells = load(ROOT / "doc/paper/table_1.py").CELLS
    deep = {"data": data, "network": "9 layers"}
    assert all(float(row["au"]) == 1 for row in cells.read(data=data, side=side))
    rivals = ("VAE", "VAE principal", "beta-VAE", "lagging VAE", "SA-VAE")
    best = max(cells.mean("ll", **deep, side=rival) for rival in rivals)
    assert cells.mean("ll", **deep, side=side) > best - 0.3


@pytest.mark.parametrize("side", ["LIDVAE section", "LIDVAE brenier"])
def test_in_table_1_omniglot_is_as_likely_as_it_should_be_and_noise_informs_nobody(side):
    cells = load(ROOT / "doc/paper/table_1.py").CELLS
    for network, least in (("9 layers", -128), ("2 layers", -123)):
        assert cells.mean("ll", data="omniglot", network=network, side=side) > least
    assert all(row["informative_units"] == "0" for row in cells.read(data="noise", side=side))


def test_saved_ablation_is_complete():
    script = load(ROOT / "doc/paper/ablation.py")
    saved = {(row["data"], row["decoder"], row["choice"], int(row["seed"])) for row in script.CELLS.read()}
    planned = {
        (data, decoder, choice, seed)
        for data in script.TITLES
        for decoder, choices in script.CHOICES.items()
        for choice in choices
        for seed in script.SEEDS
    }
    assert saved == planned
