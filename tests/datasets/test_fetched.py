"""Fetched data sets are read as they are meant, kept, resumed and checked; a local server stands for the others."""

import gzip
import hashlib
import io
import re
import sys
import tarfile
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from sklid.datasets import (
    documents,
    fetch_fashion_mnist,
    fetch_mnist,
    fetch_omniglot,
    fetch_yahoo,
    fetch_yelp,
    image_files,
    images,
)
from sklid.datasets.downloads import RemoteFile, data_folder, downloaded

pytest.importorskip("pooch")


class Server(ThreadingHTTPServer):
    """Serves `files`; sends but `breaks_after` bytes of an answer if told, and takes ranges unless told."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.breaks_after, self.takes_ranges = {}, [], None, True
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def add(self, name, content):
        self.files[f"/{name}"] = content
        return RemoteFile(f"http://127.0.0.1:{self.server_port}/{name}", hashlib.sha256(content).hexdigest())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content, told = self.server.files.get(self.path), self.headers.get("Range")
        self.server.asked.append(told)
        if content is None:
            self.send_error(404)
            return
        start = int(told.removeprefix("bytes=").rstrip("-")) if told and self.server.takes_ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = None if self.server.breaks_after is None else start + self.server.breaks_after
        self.wfile.write(content[start:stop])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


def idx(array):
    """An array of bytes in MNIST's format."""
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes())


@pytest.fixture
def digits(server, monkeypatch):
    """A small MNIST on the server, and its arrays."""
    random = np.random.default_rng(0)
    sizes = {"X_train": (6, 28, 28), "y_train": (6,), "X_test": (3, 28, 28), "y_test": (3,)}
    arrays = {name: random.integers(0, 256 if name[0] == "X" else 10, size, np.uint8) for name, size in sizes.items()}
    files = tuple(
        server.add(name, idx(array)) for name, array in zip(image_files.IDX_NAMES, arrays.values(), strict=True)
    )
    for name in ("MNIST", "FASHION_MNIST"):
        monkeypatch.setattr(images, name, getattr(images, name)._replace(remote=files))
    return arrays


def test_images_are_the_bytes_of_the_official_files_as_shares_of_the_greatest_intensity(digits, server, tmp_path):
    found = fetch_mnist(data_home=tmp_path, progress=False)
    np.testing.assert_array_equal(np.rint(found.images * 255), digits["X_train"])
    np.testing.assert_array_equal(found.data.reshape(found.images.shape), found.images)
    np.testing.assert_array_equal(found.target, digits["y_train"])
    assert (found.data.dtype, found.target.dtype) == (np.float32, np.int64)
    assert found.source == f"http://127.0.0.1:{server.server_port}"
    assert found.target_names == list("0123456789")
    assert fetch_fashion_mnist(data_home=tmp_path, progress=False).target_names[9] == "ankle boot"


def test_all_images_are_those_to_fit_and_then_those_to_test(digits, tmp_path):
    X, y = fetch_mnist(subset="all", data_home=tmp_path, return_X_y=True, progress=False)
    test = fetch_mnist(subset="test", data_home=tmp_path, progress=False)
    assert X.shape == (9, 784)
    np.testing.assert_array_equal(X[6:], test.data)
    np.testing.assert_array_equal(y, np.concatenate([digits["y_train"], digits["y_test"]]))


def test_the_second_call_asks_no_server_and_one_file_is_kept(digits, server, tmp_path):
    first = fetch_mnist(data_home=tmp_path, progress=False)
    asked = len(server.asked)
    second = fetch_mnist(data_home=tmp_path, progress=False)
    np.testing.assert_array_equal(first.data, second.data)
    assert second.source == first.source
    assert len(server.asked) == asked == 4
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]


def test_the_folder_is_that_of_the_argument_then_of_the_variable_then_beside_scikit_learns(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "theirs"))
    monkeypatch.delenv("SKLID_DATA", raising=False)
    assert data_folder(None) == tmp_path / "theirs" / "sklid"
    monkeypatch.setenv("SKLID_DATA", str(tmp_path / "mine"))
    assert data_folder(None) == tmp_path / "mine"
    assert data_folder(tmp_path / "given") == tmp_path / "given"


def test_a_download_that_broke_goes_on_where_it_stopped(server, tmp_path):
    content = np.random.default_rng(0).bytes(300_000)
    file = server.add("some.bin", content)
    server.breaks_after = 200_000
    with pytest.raises(OSError, match=r"some\.bin cannot be fetched: .* goes on from what has come"):
        downloaded(file, tmp_path, progress=False)
    come = (tmp_path / "some.bin.part").stat().st_size
    assert 0 < come <= 200_000
    server.breaks_after = None
    assert downloaded(file, tmp_path, progress=False).read_bytes() == content
    assert server.asked == [None, f"bytes={come}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["some.bin"]


def test_a_server_that_takes_no_ranges_is_asked_for_the_whole(server, tmp_path):
    file = server.add("some.bin", b"0123456789" * 1000)
    (tmp_path / "some.bin.part").write_bytes(b"0123")
    server.takes_ranges = False
    assert downloaded(file, tmp_path, progress=False).read_bytes() == b"0123456789" * 1000


def test_a_file_that_had_come_whole_before_it_got_its_name_is_taken(server, tmp_path):
    file = server.add("some.bin", b"0123456789")
    (tmp_path / "some.bin.part").write_bytes(b"0123456789")
    assert downloaded(file, tmp_path, progress=False).read_bytes() == b"0123456789"


def test_other_bytes_than_were_meant_are_refused_and_not_kept(server, tmp_path):
    file = server.add("some.bin", b"right")._replace(sha256="0" * 64)
    with pytest.raises(OSError, match=r"some\.bin is not the file that was meant"):
        downloaded(file, tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["none.bin", "offline"])
def test_without_the_file_or_the_network_the_error_says_what_to_do(server, tmp_path, name):
    url = f"http://127.0.0.1:{server.server_port}/none.bin" if name == "none.bin" else "http://127.0.0.1:9/offline"
    with pytest.raises(OSError, match=f"{name} cannot be fetched: .* name it by data_home or the variable SKLID_DATA"):
        downloaded(RemoteFile(url, "0" * 64), tmp_path, progress=False)


def test_without_pooch_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r'pip install "sklid\[datasets\]"'):
        fetch_mnist(data_home=tmp_path)


def test_a_download_tells_how_far_it_is_unless_told_not_to(digits, tmp_path, capsys):
    fetch_mnist(data_home=tmp_path, progress=False)
    assert capsys.readouterr() == ("", "")
    fetch_fashion_mnist(data_home=tmp_path)
    assert "train-images-idx3-ubyte.gz: 100%" in capsys.readouterr().err


def omniglot_archive(part, paper):
    """An archive of one-bit drawings by alphabet, character and drawer."""
    Image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for i, drawing in reversed(list(enumerate(paper))):
            png = io.BytesIO()
            Image.fromarray(drawing).save(png, "PNG")
            archive.writestr(f"{part}/Greek/character{i // 2 + 1:02}/000{i // 2}_{i % 2 + 1:02}.png", png.getvalue())
    return file.getvalue()


def test_drawings_are_the_share_of_ink_in_each_pixel_and_no_character_is_in_both_parts(server, tmp_path, monkeypatch):
    paper = np.random.default_rng(0).random((6, 105, 105)) < 0.7
    parts = {"images_background": paper[:4], "images_evaluation": paper[4:]}
    files = tuple(server.add(f"{part}.zip", omniglot_archive(part, drawings)) for part, drawings in parts.items())
    monkeypatch.setattr(images, "OMNIGLOT", images.OMNIGLOT._replace(remote=files))
    found = fetch_omniglot(data_home=tmp_path, progress=False)
    owner = np.ceil((np.arange(105) + 0.5) / 3.75).astype(int) - 1  # in which pixel the middle of each of 105 is
    cover = np.eye(28)[owner]
    cover /= cover.sum(axis=0)
    np.testing.assert_allclose(found.images, cover.T @ ~paper @ cover, atol=1.1 / 255)
    assert found.target.tolist() == [0, 0, 1, 1, 2, 2]
    assert fetch_omniglot(subset="test", data_home=tmp_path).target.tolist() == [2, 2]


def documents_archive(stem, rows):
    """An archive of official tables: label from 1, and texts."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for part, lines in rows.items():
            content = "\n".join(lines).encode()
            told = tarfile.TarInfo(f"{stem}/{part}.csv")
            told.size = len(content)
            archive.addfile(told, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def answers(server, monkeypatch):
    """A small Yahoo on the server: 30 documents to fit, 20 others, and some that are too short or too long."""
    line = lambda i: f'"{i % 10 + 1}","Question {i}?","It\\nis","the same word and {"x " * 20}"'  # noqa: E731
    rows = {
        "train": [*map(line, range(30)), '"1","too","short",""', f'"1","too","long","{"x " * 201}"'],
        "test": list(map(line, range(100, 120))),
    }
    file = server.add("yahoo_answers_csv.tgz", documents_archive("yahoo_answers_csv", rows))
    monkeypatch.setattr(documents, "YAHOO", documents.YAHOO._replace(remote=file))
    return file


def test_documents_are_words_in_lower_case_of_a_length_in_range_with_their_topics(answers, tmp_path):
    found = fetch_yahoo(data_home=tmp_path, progress=False)
    assert len(found.data) == len(found.target) == 30
    numbers = [int(text.split()[1]) for text in found.data]
    assert sorted(numbers) == list(range(30))
    assert numbers != sorted(numbers)
    assert found.data[0] == f"question {numbers[0]} ? it is the same word and" + " x" * 20
    np.testing.assert_array_equal(found.target, [number % 10 for number in numbers])
    assert found.target_names[3] == "education"
    assert found.source == answers.url


def test_documents_to_validate_and_to_test_are_different_ones_and_one_download_serves_all(answers, server, tmp_path):
    parts = {
        part: fetch_yahoo(subset=part, data_home=tmp_path, return_X_y=True, progress=False)
        for part in ("train", "valid", "test")
    }
    assert {part: len(texts) for part, (texts, _) in parts.items()} == {"train": 30, "valid": 10, "test": 10}
    assert not set(parts["valid"][0]) & set(parts["test"][0]) - {text for text in parts["valid"][0] if "_UNK" in text}
    assert len(server.asked) == 1


def test_words_that_are_rare_in_the_training_part_are_unknown(answers, tmp_path, monkeypatch):
    texts, _ = fetch_yahoo(subset="test", data_home=tmp_path / "all", return_X_y=True, progress=False)
    assert all(text.startswith("question _UNK ?") for text in texts)  # numbers from 100 on are in no training document
    monkeypatch.setattr(documents, "N_WORDS", 1)
    texts, _ = fetch_yahoo(data_home=tmp_path / "one", return_X_y=True, progress=False)
    assert set(" ".join(texts).split()) == {"x", "_UNK"}


def test_a_sample_is_of_the_size_asked_for_and_every_row_as_likely():
    draws = partial(documents._sample, size=5)
    random = np.random.default_rng(0)
    counts = np.bincount(np.concatenate([draws(iter(range(20)), random=random) for _ in range(4000)]), minlength=20)
    np.testing.assert_allclose(counts / 4000, 5 / 20, atol=4 * np.sqrt(0.25 * 0.75 / 4000))
    assert sorted(draws(iter(range(3)), random=random)) == [0, 1, 2]


@pytest.mark.parametrize("fetch", [fetch_mnist, fetch_fashion_mnist, fetch_omniglot, fetch_yahoo, fetch_yelp])
@pytest.mark.parametrize("subset", ["some", ["train"], None])
def test_a_subset_that_there_is_not_is_refused(fetch, subset):
    with pytest.raises(ValueError, match=rf"subset={re.escape(repr(subset))} must be one of \['train', .*'test'"):
        fetch(subset=subset)


def test_a_folder_without_a_name_is_refused():
    with pytest.raises(ValueError, match="names no folder"):
        fetch_mnist(data_home="")


GOOD = {
    name: np.zeros(shape, np.uint8)
    for name, shape in (("X_train", (3, 28, 28)), ("y_train", 3), ("X_test", (2, 28, 28)), ("y_test", 2))
}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_train": np.zeros(2, np.uint8)}, "3 images have as many whole numbers"),
        ({"y_train": np.zeros(3)}, "3 images have as many whole numbers"),
        ({"X_train": np.zeros((3, 28, 28))}, "type uint8, not .* of float64"),
        ({"X_train": np.zeros((3, 784), np.uint8)}, r"of shape \(n, 28, 28\)"),
        ({"X_train": np.array([None])}, "pickle"),
        ({"X_train": None}, "X_train"),
    ],
)
def test_images_of_ones_own_that_are_others_than_they_should_be_are_refused(arrays, message, tmp_path):
    kept = {name: array for name, array in (GOOD | arrays).items() if array is not None}
    np.savez(tmp_path / "mnist.npz", **kept)
    with pytest.raises(OSError, match=rf"mnist\.npz cannot be read .*{message}"):
        fetch_mnist(data_home=tmp_path)


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_a_damaged_file_of_images_is_named(content, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(OSError, match=r"mnist\.npz cannot be read .* remove what is there"):
        fetch_mnist(data_home=tmp_path)


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (gzip.compress(b"a b\nb c\n", mtime=0), gzip.compress(b"0\n", mtime=0)),
        (gzip.compress(b"", mtime=0), gzip.compress(b"", mtime=0)),
        (gzip.compress(b"a b\n", mtime=0)[:-6], gzip.compress(b"0\n", mtime=0)),
        (b"", gzip.compress(b"0\n", mtime=0)),
        (b"a b", gzip.compress(b"0\n", mtime=0)),
        (gzip.compress(b"\xff\n", mtime=0), gzip.compress(b"0\n", mtime=0)),
        (gzip.compress(b"a b\n", mtime=0), gzip.compress(b"one\n", mtime=0)),
    ],
)
def test_documents_of_ones_own_that_are_others_than_they_should_be_are_refused(texts, labels, tmp_path):
    (tmp_path / "yelp.train.txt.gz").write_bytes(texts)
    (tmp_path / "yelp.train.labels.gz").write_bytes(labels)
    with pytest.raises(OSError, match=r"yelp\.train\.txt\.gz and .*yelp\.train\.labels\.gz cannot be read"):
        fetch_yelp(data_home=tmp_path)


def test_a_part_that_is_missing_beside_others_takes_the_place_of_none(answers, server, tmp_path):
    own = tmp_path / "yahoo.train.txt.gz"
    own.write_bytes(gzip.compress(b"mine\n", mtime=0))
    with pytest.raises(OSError, match=r"has yahoo\.train\.txt\.gz, and not all that this part needs"):
        fetch_yahoo(subset="valid", data_home=tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == [own.name]
    assert not server.asked
