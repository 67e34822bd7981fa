"""The gallery has an example of every display, and the examples run."""

import runpy
import time
from pathlib import Path

import pytest
import torch

from sklid import plots

EXAMPLES = Path(__file__).parents[2] / "doc/examples"
GALLERY = sorted(EXAMPLES.glob("plot_*.py"))


def test_every_display_has_a_gallery_example():
    shown = "".join(path.read_text() for path in GALLERY)
    assert all(name in shown for name in plots.__all__ if name != "ComparisonDisplay")  # which the main job draws


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_gallery_examples_run_in_ten_seconds(path):
    start = time.process_time()
    with torch.random.fork_rng():
        made = runpy.run_path(path)["main"]()
    for figure in made if isinstance(made, tuple) else (made,):
        figure.canvas.draw()
    assert time.process_time() - start < 10


def test_examples_without_pictures_run_too():
    found = runpy.run_path(EXAMPLES / "collapse_without_networks.py")["main"]()
    assert found["PCA"]["informative components"] == 2
    assert (found["mixtures"]["two groups"].verdict, found["mixtures"]["one group"].verdict) == ("healthy", "data")
