"""A model that was saved and read again is the model that was saved, in every attribute and in every answer."""

import copy

import pytest
from sklearn.base import clone

from sklid.persistence.files import _members, _model

from .differences import differences
from .fitted import MADE, answers, fitted, is_same

NAMES = list(MADE)


def round_trip(model):
    return _model(_members(model))


@pytest.mark.parametrize("name", NAMES)
def test_every_attribute_comes_back(name):
    model, _ = fitted(name)
    assert list(differences(model, round_trip(model))) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_answer_is_bitwise_that_of_the_model_that_was_saved(name):
    model, rows = fitted(name)
    kept = copy.deepcopy(model) if name == "random state" else model
    again = round_trip(model)
    expected, found = answers(kept, rows), answers(again, rows)
    assert {key: value for key, value in found.items() if not is_same(value, expected[key])} == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_was_read_gives_the_same_bytes(name):
    model, _ = fitted(name)
    members = _members(model)
    assert _members(_model(members)) == members
    assert _members(clone(model)) == _members(clone(_model(members)))
