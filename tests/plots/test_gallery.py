"""The gallery has an example of every display, and the examples run."""

import ast
import runpy
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy import sparse

from sklid import plots
from sklid.datasets import make_cells

EXAMPLES = Path(__file__).parents[2] / "doc/examples"
GALLERY = sorted(EXAMPLES.glob("plot_*.py"))


def test_every_display_has_a_gallery_example():
    shown = "".join(path.read_text() for path in GALLERY)
    assert all(name in shown for name in plots.__all__ if name != "ComparisonDisplay")  # which the main job draws


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_gallery_examples_draw(path, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.close("all")
    with torch.random.fork_rng():
        runpy.run_path(str(path))
    assert plt.get_fignums()
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


def test_pictures_of_single_cells_are_drawn_of_a_file_as_well(tmp_path, monkeypatch, capsys):
    counts, types, _ = make_cells(90, 40, 3, library=400.0, random_state=0)
    path, example = tmp_path / "counts.npz", EXAMPLES / "plot_single_cells.py"
    sparse.save_npz(path, sparse.csr_matrix(counts))
    with np.load(path) as file:
        np.savez_compressed(path, **dict(file), y=types + 1)
    monkeypatch.setattr(plt, "show", lambda: None)
    monkeypatch.setattr(sys, "argv", [str(example), str(path)])
    with torch.random.fork_rng():
        runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.startswith("90 cells, 40 genes, 3 types")
    assert len(plt.get_fignums()) == 4
    plt.close("all")


def test_examples_have_the_title_that_the_gallery_shows():
    for path in EXAMPLES.glob("*.py"):
        title, line = ast.get_docstring(ast.parse(path.read_text())).splitlines()[:2]
        assert line == "=" * len(title), path.name


def test_examples_without_pictures_run_too():
    found = runpy.run_path(EXAMPLES / "collapse_without_networks.py")["main"]()
    assert found["PCA"]["informative components"] == 2
    assert (found["mixtures"]["two groups"].verdict, found["mixtures"]["one group"].verdict) == ("healthy", "data")
