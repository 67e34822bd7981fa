"""Files of every release are read for ever after, and their models give the answers of their time."""

import json

import numpy as np
import pytest
import torch

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


def has_near_numbers(found, kept):
    """The same of fractions alone, in as many rows; words and categories are drawn otherwise by another torch."""
    numbers = [[value for value in np.ravel(np.array(rows, dtype=object)) if isinstance(value, float)]
               for rows in (found, kept)]  # fmt: skip
    return len(found) == len(kept) and is_near(*numbers)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_of_an_earlier_release_gives_the_answers_of_its_time(path):
    kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = keep.answers(sklid.load(path), keep.table(kept["rows"]))
    assert found.keys() == kept["answers"].keys()
    is_of_this_torch = torch.__version__.startswith(f"{keep.TORCH[path.stem.partition('-')[0]]}.")
    for name, value in kept["answers"].items():
        compare = is_near if name != "sample" or is_of_this_torch else has_near_numbers
        assert compare(found[name], value), name


def test_this_release_has_its_files_and_they_are_small():
    assert {path.stem for path in FILES} >= {f"{sklid.__version__}-{name}" for name in keep.MADE}
    assert max(path.stat().st_size for path in FILES) <= LARGEST
