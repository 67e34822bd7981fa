"""What a file cannot hold, and what is no file of a model: one clear error each, and no code is run."""

import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.numpy import load as read_arrays
from safetensors.numpy import save as written_arrays
from skorch.callbacks import EpochScoring
from torch import nn

import sklid
from sklid.exceptions import ModelFileError
from sklid.persistence.budget import NumbersLimit
from sklid.persistence.files import FORMAT, _members

from .fitted import SMALL, X, fitted

DESCRIPTION, ARRAYS = "model.json", "arrays.safetensors"


class Bomb:
    """What runs a command when it is read by pickle."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def members(name="LIDVAE"):
    found = _members(fitted(name)[0])
    return {DESCRIPTION: found.description, ARRAYS: found.arrays}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """From members, or bytes, to the error that reading them as a file gives."""
    monkeypatch.chdir(tmp_path)

    def error(content, **how):
        path = tmp_path / "model.sklid"
        if isinstance(content, dict):
            with zipfile.ZipFile(path, "w", **how) as archive:
                for name, part in content.items():
                    archive.writestr(name, part)
        else:
            path.write_bytes(content)
        with pytest.raises(ModelFileError) as caught:
            sklid.load(path)
        assert [each.name for each in tmp_path.iterdir()] == ["model.sklid"], "something was run or written"
        text = str(caught.value)
        assert "\n" not in text
        assert str(path) in text
        return text

    return error


def changed(name="LIDVAE", **places):
    """The members of a model with other values at some places of its description, and arrays by function."""
    found = members(name)
    description, arrays = json.loads(found[DESCRIPTION]), read_arrays(found[ARRAYS])
    for place, value in places.items():
        if callable(value):
            arrays = value(arrays)
            continue
        part = description
        *above, last = place.split("__")
        for step in above:
            part = part[int(step) if step.isdigit() else step]
        part[int(last) if isinstance(part, list) else last] = value
    return {DESCRIPTION: json.dumps(description), ARRAYS: written_arrays(arrays)}


def test_a_pickle_is_not_read(read):
    assert "it is no file of sklid.save" in read(pickle.dumps(Bomb()))


def test_a_pickle_as_a_member_is_not_read(read):
    assert "it holds 'model.pkl'" in read({**members(), "model.pkl": pickle.dumps(Bomb())})


def test_a_pickle_in_the_place_of_a_member_is_not_read(read):
    assert "no JSON" in read({**members(), DESCRIPTION: pickle.dumps(Bomb())})
    assert "arrays.safetensors cannot be read" in read({**members(), ARRAYS: pickle.dumps(Bomb())})


def test_a_path_that_climbs_is_not_followed(read):
    assert "it holds '../exploded'" in read({**members(), "../exploded": b""})
    assert "it holds '/exploded'" in read({"/exploded": b"", ARRAYS: b""})


def test_a_member_that_grows_is_not_read(read):
    bomb = {**members(), ARRAYS: bytes(10_000_000)}
    assert "compressed or encrypted" in read(bomb, compression=zipfile.ZIP_DEFLATED)


def test_a_member_that_says_it_is_larger_than_the_file_is_not_read(read):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in members().items():
            archive.writestr(name, part)
    content = bytearray(file.getvalue())
    entry = content.rindex(b"PK\x01\x02")
    struct.pack_into("<II", content, entry + 20, 4_000_000_000, 4_000_000_000)
    assert "says that it has 4000000000 bytes" in read(bytes(content))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_not_read(read, tmp_path, share):
    model, _ = fitted("LIDVAE")
    sklid.save(model, tmp_path / "model.sklid")
    content = (tmp_path / "model.sklid").read_bytes()
    assert "damaged or was changed" in read(content[: int(share * len(content))])


@pytest.mark.parametrize("more", [b"\0", bytes(100), pickle.dumps(Bomb())])
def test_bytes_that_follow_are_not_passed_over(read, tmp_path, more):
    sklid.save(fitted("LIDVAE")[0], tmp_path / "model.sklid")
    assert "or bytes follow" in read((tmp_path / "model.sklid").read_bytes() + more)


def test_a_member_that_is_missing_or_twice_is_told(read):
    assert "it holds ['model.json']" in read({DESCRIPTION: members()[DESCRIPTION]})


def with_weight(change):
    def arrays(found):
        name = next(name for name, weight in found.items() if name.endswith("weight") and len(set(weight.shape)) == 2)
        return {**found, name: np.ascontiguousarray(change(found[name]))}

    return arrays


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda weight: weight.T, "have shape"),
        (lambda weight: weight.astype(np.float64), "type torch.float64"),
        (lambda weight: weight.astype(np.float16), "type torch.float16"),
        (lambda weight: weight.ravel(), "have shape"),
        (lambda weight: np.zeros((0, *weight.shape), weight.dtype), "have shape"),
    ],
)
def test_weights_of_another_shape_or_type_are_told(read, change, told):
    assert told in read(changed(arrays=with_weight(change)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["LIDVAE", "LIDGMVAEClustering"])
def test_weights_that_are_not_finite_are_told(read, name, value):
    def change(weight):
        weight = weight.copy()
        weight[-1, -1] = value
        return weight

    assert "weight are not all finite" in read(changed(name, arrays=with_weight(change)))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("name", ["mean", "directions", "amplitudes"])
def test_numbers_of_a_linear_model_that_are_not_finite_are_told(read, name, value):
    def change(arrays):
        array = arrays[f"model.model_.{name}"].copy()
        array.flat[-1] = value
        return {**arrays, f"model.model_.{name}": array}

    text = read(changed("IdentifiablePPCA", arrays=change))
    assert f"model.model_.{name} is" in text
    assert "all of it finite" in text


def test_a_model_whose_weights_are_not_finite_is_not_written(tmp_path):
    model = sklid.LIDVAE(**SMALL).fit(X)
    with torch.no_grad():
        next(model.net_.module_.parameters()).fill_(np.nan)
    with pytest.raises(ModelFileError, match=r"not all finite.* Fit it again"):
        sklid.save(model, tmp_path / "model.sklid")


def test_arrays_that_do_not_go_together_are_told(read):
    def wider(arrays):
        return {**arrays, "model._table.scaler.mean_": np.zeros(5)}

    def without_noise(arrays):
        return {name: array for name, array in arrays.items() if not name.endswith("log_noise")}

    def with_more(arrays):
        return {**arrays, "model.more": np.zeros(1)}

    assert "model._table.scaler.mean_ is an array of type float64 and shape (5,)" in read(changed(arrays=wider))
    assert "'likelihood.log_noise' are missing" in read(changed(arrays=without_noise))
    assert "'model.more', which has no place" in read(changed(arrays=with_more))


def test_a_class_that_is_not_known_is_not_looked_for(read):
    assert "of the class 'os.system'" in read(changed(model__is="os.system"))
    assert "of the class 'Container'" not in read(changed(model__is="LIDMVAE"))


def test_a_record_in_the_place_of_a_model_is_told(read):
    def none(arrays):
        return {}

    assert "no estimator" in read(changed(model={"is": "Container", "container": "array"}, arrays=none))
    assert "no estimator" in read(changed(model={"list": []}, arrays=none))


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("model__parameters__decoder_width", -8, "'decoder_width' parameter of LIDVAE must be"),
        ("model__parameters__learning_rate", "fast", "'learning_rate' parameter of LIDVAE must be"),
        ("model__parameters__decoder", "pickle", "'decoder' parameter of LIDVAE must be"),
        ("model__parameters__decoder_network", "os.system", "'decoder_network' parameter of LIDVAE must be"),
        ("model__parameters__hidden", 3, "the parameter 'hidden', which LIDVAE does not have"),
        ("model__parameters__decoder_width", 10**12, "is more than"),
        ("model__parameters__decoder_width", 3000, "larger than its arrays"),
        ("model__parameters__decoder_depth", 10**6, "decoder_depth=1000000 is more than"),
        (
            "model__parameters__tol",
            {"array": {"strings": ["a" * 10**4, *"a" * 10**4], "shape": [10**4 + 1]}},
            "lengths",
        ),
        ("model__parameters__encoder_depth", 3, "are missing"),
        ("model__fitted__n_components_", 3, "have shape"),
        ("model__fitted__n_components_", 10**9, "is more than"),
        ("model__fitted__n_features_in_", 7, "and should be"),
        ("model__fitted__n_features_in_", True, "and should be a whole number"),
        ("model__fitted__interrupted_", "no", "and should be a truth value"),
        ("model__fitted___seed", -1, "and should be a whole number"),
        ("model__fitted__fit", 3, "has 'fit', which is not known"),
        ("model__fitted__more_", {"code": "print"}, "has 'more_', which is not known"),
        ("model__parameters__tol", {"code": "print"}, "has the tag 'code', which is none"),
        ("model__parameters__tol", [1], "is a list without a tag"),
        ("model__parameters__tol", {"number": ["object", 1]}, "no type of numbers"),
        ("model__fitted", {}, "which has no place in the model"),
    ],
)
def test_a_description_that_was_changed_is_told(read, place, value, told):
    assert told in read(changed(**{place: value}))


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(10**6, 10**6),
        lambda: nn.LSTM(10**6, 10**6),
        lambda: nn.Embedding(10**9, 10**3),
        lambda: torch.eye(10**6),
        lambda: torch.arange(10**12),
        lambda: torch.full((10**6, 10**6), 0.0),
        lambda: torch.zeros(size=(10**6, 10**6)),
        lambda: [torch.empty(600_000), torch.empty(600_000)],
    ],
)
def test_sizes_that_a_file_claims_take_no_memory(make):
    with pytest.raises(ModelFileError, match="larger than its arrays"), NumbersLimit(10**6):
        make()


def test_a_file_of_a_later_format_says_which_release_reads_it(read):
    text = read(changed(format=FORMAT + 1, sklid="7.0.0"))
    assert f"it has format {FORMAT + 1}, and sklid {sklid.__version__} reads formats up to {FORMAT}" in text
    assert "written by sklid 7.0.0" in text
    assert "formats are whole numbers" in read(changed(format="one"))


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"format":1,"format":1,"model":null}', '{"format":1,"model":NaN}', "[]", "1" * 10_000, "", "\\"],
)
def test_text_that_describes_nothing_is_told(read, text):
    assert "damaged or was changed" in read({**members(), DESCRIPTION: text})


TABLE = "model__fitted___table__"
CONDITIONS = f"{TABLE}conditions__"
SITE = f"{CONDITIONS}_known__list__0__fields__"
AGE = f"{CONDITIONS}_known__list__3__fields__"


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (f"{TABLE}learned__typical_library", None, "typical_library is None, and does not go with"),
        (f"{TABLE}learned__typical_library", -1.0, "typical_library is -1.0, and does not go with"),
        (f"{TABLE}learned__typical_library", {"float": "nan"}, "typical_library is nan, and does not go with"),
        (f"{TABLE}learned__typical_library", "much", "typical_library is 'much' and should be a number"),
        (f"{TABLE}learned__more", 3, "has 'more', which is not known"),
        (f"{CONDITIONS}more", 3, "has 'more', which is not known"),
        (f"{CONDITIONS}_labels", None, "offset names the column 'years', which X does not have"),
        (f"{CONDITIONS}_labels__list__1", "months", "offset names the column 'years', which X does not have"),
        (f"{CONDITIONS}_labels__list", ["years"], "and should be a list"),
        (f"{CONDITIONS}_known__list", [], "_known is of 0 columns, and its parameters name 4"),
        (f"{CONDITIONS}_known__list__0", 3, "and should be a list, each a Covariate"),
        (f"{CONDITIONS}_container", {"is": "Container", "container": "array"}, "has other columns than its parameters"),
        (f"{CONDITIONS}_container__labels__list__0", "visits", "has other columns than its parameters"),
        (f"{CONDITIONS}_container__types", ["float64"], "5 names and 1 types of columns"),
        (f"{SITE}kind", "float", "does not describe a covariate of its kind"),
        (f"{SITE}kind", "date", "and should be one of"),
        (f"{SITE}usual", 2.0, "does not describe a covariate of its kind"),
        (f"{SITE}usual", 0.5, "does not describe a covariate of its kind"),
        (f"{SITE}usual", "north", "and should be a number"),
        (f"{SITE}categories__array__objects", ["north", "north"], "does not describe a covariate of its kind"),
        (f"{SITE}categories", None, "does not describe a covariate of its kind"),
        (f"{AGE}kind", "boolean", "does not describe a covariate of its kind"),
        (f"{AGE}usual", {"float": "inf"}, "does not describe a covariate of its kind"),
        ("model__fitted___architecture", {"dict": [["covariates", "site"]]}, "_known is of 4 columns"),
        ("model__parameters__offset", None, "typical is of 1 columns"),
        ("model__parameters__offset", "years", "does not go with the parameter offset"),
    ],
)
def test_what_is_told_of_exposures_and_covariates_has_to_go_together(read, place, value, told):
    assert told in read(changed("covariates", **{place: value}))


@pytest.mark.parametrize(
    ("place", "array", "told"),
    [
        ("conditions.typical", np.zeros(1), "are not positive numbers"),
        ("conditions.typical", np.ones(1, np.float32), "are not positive numbers"),
        ("conditions.typical", np.ones(2), "typical is of 2 columns"),
        ("conditions._known.0.centre", np.zeros(3), "does not describe a covariate"),
        ("conditions._known.0.scale", np.zeros(2), "does not describe a covariate"),
        ("conditions._known.3.scale", np.ones((1, 1)), "does not describe a covariate"),
        ("conditions._known.3.centre", np.full(1, np.nan), "does not describe a covariate"),
        ("own.shares_seen", np.ones(8), "and should be an array of type f and shape ('features',)"),
    ],
)
def test_arrays_of_exposures_and_covariates_have_to_go_together(read, place, array, told):
    def other(arrays):
        assert f"model._table.{place}" in arrays
        return {**arrays, f"model._table.{place}": array}

    assert told in read(changed("covariates", arrays=other))


def test_whole_numbers_that_say_what_is_where_cannot_be_changed(read):
    def shifted(arrays):
        name = next(name for name in arrays if name.endswith("likelihood.slots"))
        return {**arrays, name: arrays[name] + 10**6}

    assert "say what is where" in read(changed("categorical", arrays=shifted))


def test_means_that_were_to_stay_apart_still_have_to(read):
    def together(arrays):
        return {**arrays, "model.net_.weights.prior.codes": np.zeros((2, 2), np.float32)}

    def far(arrays):
        return {**arrays, "model.net_.weights.prior.radii": np.full((2, 1), 1e3, np.float32)}

    assert "nearer than separation" in read(changed("LIDGMVAEClustering", arrays=together))
    assert "keep their means apart" in read(changed("LIDGMVAEClustering", arrays=far))


def network(n_inputs, n_outputs):
    return nn.Linear(n_inputs, n_outputs)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (sklid.LIDVAE(decoder_network=network), "model.decoder_network is a function"),
        (sklid.LIDVAE(callbacks=[EpochScoring("r2")]), "set_params(callbacks=None)"),
        (sklid.LIDSVAE(tokenizer=str.split), "tokenizers.Tokenizer, which is saved"),
        (nn.Linear(1, 1), "it would hold a Linear"),
        (type("Mine", (sklid.LIDVAE,), {})(), "it would hold a Mine"),
    ],
)
def test_what_cannot_be_saved_is_named_with_a_remedy(tmp_path, model, told):
    with pytest.raises(ModelFileError) as caught:
        sklid.save(model, tmp_path / "model.sklid")
    assert told in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_attribute_that_is_not_known_is_not_lost_in_silence(tmp_path):
    model = sklid.LIDVAE(**SMALL).fit(X)
    model.more_ = 3
    with pytest.raises(ModelFileError, match="has the attribute more_"):
        sklid.save(model, tmp_path / "model.sklid")
    del model.more_
    model._table.offset = 3
    with pytest.raises(ModelFileError, match="has learned offset"):
        sklid.save(model, tmp_path / "model.sklid")


def test_a_crash_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "model.sklid"
    model, _ = fitted("LIDVAE")
    sklid.save(model, path)
    before = path.read_bytes()

    def crash(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="no space left"):
        sklid.save(fitted("IdentifiablePPCA")[0], path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_and_the_permissions_of_a_file_stay(tmp_path):
    model, _ = fitted("IdentifiablePPCA")
    path, link = tmp_path / "model.sklid", tmp_path / "link.sklid"
    sklid.save(model, path)
    path.chmod(0o640)
    link.symlink_to(path)
    sklid.save(model, link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_not_there_is_that(tmp_path):
    with pytest.raises(FileNotFoundError):
        sklid.load(tmp_path / "model.sklid")
    place = tmp_path / "folder" / "model.sklid"
    with pytest.raises(FileNotFoundError) as caught:
        sklid.save(sklid.LIDVAE(), place)
    assert caught.value.filename == str(place)
    assert str(caught.value).endswith(f"{str(place)!r}")
