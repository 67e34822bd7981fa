"""Files of every release are read for ever after, and their models give the answers of their time."""

import json

import numpy as np
import pytest

import sklid

from . import keep

FILES = sorted(keep.FILES.glob("*.sklid"))
LARGEST = 25_000


def is_near(found, kept):
    """Numbers within what another machine rounds; all else the same."""
    if isinstance(kept, list):
        return len(found) == len(kept) and all(map(is_near, found, kept))
    if isinstance(kept, float) and isinstance(found, float):
        return np.isclose(found, kept, rtol=1e-3, atol=1e-4)
    return found == kept


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_of_an_earlier_release_gives_the_answers_of_its_time(path):
    kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = keep.answers(sklid.load(path), keep.table(kept["rows"]))
    assert found.keys() == kept["answers"].keys()
    for name, value in kept["answers"].items():
        if name == "sample" and "LIDSVAE" in path.stem:  # the words that a probability of a third draws
            continue
        assert is_near(found[name], value), name


def test_this_release_has_its_files_and_they_are_small():
    assert {path.stem for path in FILES} >= {f"{sklid.__version__}-{name}" for name in keep.MADE}
    assert max(path.stat().st_size for path in FILES) <= LARGEST
