"""A file in which anything is changed or lost ends in the one error, or in the very answers of the model."""

import io
import json
import random
import zipfile

import pytest

import sklid
from sklid.exceptions import ModelFileError
from sklid.persistence.files import _members

from .differences import differences
from .fitted import fitted

MODELS = ["LIDVAE", "frame", "IdentifiablePPCA", "LIDSVAE"]


def content_of(name, tmp_path):
    path = tmp_path / "model.sklid"
    sklid.save(fitted(name)[0], path)
    return path.read_bytes()


def outcome(path):
    """The model of a file, or the one line that says why there is none."""
    try:
        return sklid.load(path)
    except ModelFileError as error:
        return str(error)


def is_one_line(found):
    return isinstance(found, str) and "\n" not in found


def damaged(content, draw):
    kind = draw.choice(["flip", "flip", "cut", "insert", "swap", "zero"])
    place = draw.randrange(len(content)) if draw.random() < 0.5 else len(content) - 1 - draw.randrange(200)
    if kind == "flip":
        return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]
    if kind == "cut":
        return content[:place]
    if kind == "insert":
        return content[:place] + draw.randbytes(draw.randrange(1, 9)) + content[place:]
    if kind == "swap":
        return content[place:] + content[:place]
    return content[:place] + bytes(min(16, len(content) - place)) + content[place + 16 :]


@pytest.mark.parametrize("name", MODELS)
def test_damage_is_told_or_changes_nothing(name, tmp_path):
    content, draw, path = content_of(name, tmp_path), random.Random(name), tmp_path / "damaged.sklid"
    for number in range(30):
        path.write_bytes(damaged(content, draw))
        found = outcome(path)
        assert is_one_line(found) or not list(differences(fitted(name)[0], found)), f"{name}, damage {number}"


WRONG = [None, True, -1, 0, 3, 10**9, 1.5, "x", "", [], {}, {"list": []}, {"is": "LIDVAE"}, {"array": {}}, [[]], "1"]


def places(found, path=()):
    """All places of a description."""
    yield path
    for key, value in found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ():
        yield from places(value, (*path, key))


@pytest.mark.parametrize("name", MODELS)
def test_another_value_at_any_place_of_the_description_is_told_or_gives_a_model(name, tmp_path):
    """Checksums that fit, as someone who means harm would write them: no other error, and nothing is run."""
    model, _ = fitted(name)
    whole, draw, path = _members(model), random.Random(name), tmp_path / "changed.sklid"
    every = [place for place in places(json.loads(whole.description)) if place]
    for place in draw.sample(every, min(60, len(every))):
        description = json.loads(whole.description)
        part = description
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = draw.choice(WRONG)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("model.json", json.dumps(description))
            archive.writestr("arrays.safetensors", whole.arrays)
        path.write_bytes(file.getvalue())
        found = outcome(path)
        assert is_one_line(found) or type(found).__module__.startswith(("sklid", "sklearn")), place
