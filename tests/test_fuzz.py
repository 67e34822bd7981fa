"""A hundred configurations on odd tables: finite answers, or one line that says why not."""

import pytest
from fuzz import run


@pytest.mark.usefixtures("with_causes")
@pytest.mark.parametrize("seed", range(4))
def test_every_configuration_answers_with_finite_numbers_or_says_why_not(seed):
    assert sum(run(25, seed).values()) >= 25
