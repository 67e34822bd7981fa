"""Documents become the numbers of their words, once through, and words again."""

import numpy as np
import pytest
import torch

from sklid.data import documents
from sklid.data.corpus import CorpusAdapter
from sklid.data.documents import Documents, DocumentWriter
from sklid.data.splitter import splitter_of
from sklid.data.vocabulary import Vocabulary
from sklid.nn.sequences import END, PADDING, UNKNOWN

TEXTS = ["The cat's hat, the hat.", "a cat", "", "the the the dog"]


def made(tokenizer=None, lowercase=True, max_features=None, min_df=1, max_length=None):
    return Vocabulary(tokenizer, lowercase, max_features, min_df, max_length)


def numbers(vocabulary, *words):
    return [2 + vocabulary.words.index(word) for word in words]


def test_words_are_numbered_by_how_common_they_are_and_marks_are_words():
    vocabulary = made()
    vocabulary.learn(TEXTS)
    assert vocabulary.words == ["the", "hat", "cat's", ",", ".", "a", "cat", "dog"]
    assert len(vocabulary) == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("नमस्ते, दुनिया!", ["नमस्ते", ",", "दुनिया", "!"]),
        ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
        ("cafe\u0301s don’t cost 1,5", ["cafe\u0301s", "don’t", "cost", "1,5"]),
        ("so good 👩🏽\u200d🚀❤\ufe0f!", ["so", "good", "👩🏽\u200d🚀", "❤\ufe0f", "!"]),
        (
            "from \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7!",
            ["from", "\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7", "!"],
        ),
        ("<unk> a-b (c).", ["<unk>", "a", "-", "b", "(", "c", ")", "."]),
    ],
)
def test_words_of_any_script_stay_whole_and_a_picture_is_one_mark(text, words):
    assert splitter_of(None)(text) == words


def test_rows_hold_the_numbers_of_words_the_end_and_padding():
    vocabulary = made()
    learned = vocabulary.learn(TEXTS)
    rows = learned[:]
    assert learned.shape == (4, 8)
    assert rows[1].tolist() == [*numbers(vocabulary, "a", "cat"), END] + [PADDING] * 5
    assert rows[2].tolist() == [END] + [PADDING] * 7
    torch.testing.assert_close(vocabulary.numbered(TEXTS)[:], rows)
    assert learned[[3, 1]].shape == (2, 5)
    np.testing.assert_array_equal(learned.lengths, [8, 3, 1, 5])


def test_words_that_are_rare_or_new_are_unknown():
    vocabulary = made(min_df=2)
    rows = vocabulary.learn(TEXTS)[:]
    assert vocabulary.words == ["the"]
    assert rows[3].tolist()[:5] == [2, 2, 2, UNKNOWN, END]
    assert vocabulary.numbered(["a zebra"])[:].tolist() == [[UNKNOWN, UNKNOWN, END]]
    shared = made(min_df=0.5)
    shared.learn(TEXTS)
    assert shared.words == ["the"]


def test_at_most_so_many_words_are_known():
    vocabulary = made(max_features=2)
    vocabulary.learn(TEXTS)
    assert vocabulary.words == ["the", "hat"]


def test_what_is_cut_off_has_no_end_and_a_document_of_just_that_length_has():
    vocabulary = made(max_length=2)
    rows = vocabulary.learn(TEXTS)[:]
    assert rows[0].tolist() == [*numbers(vocabulary, "the", "cat's"), PADDING]
    assert rows[1].tolist() == [*numbers(vocabulary, "a", "cat"), END]


def test_documents_come_back_in_words_with_no_space_before_marks():
    vocabulary = made()
    learned = vocabulary.learn(TEXTS)
    assert vocabulary.restored(learned[:].numpy()) == ["the cat's hat, the hat.", "a cat", "", "the the the dog"]
    assert vocabulary.restored(np.array([[UNKNOWN, 2, END, 3]])) == ["<unk> the"]


@pytest.mark.parametrize("rows", [np.array([[5, 7, 7], [7, -1, -1]]), [[5, 7, 7], [7]], [(5, 7, 7), np.array([7, -1])]])
def test_whole_numbers_are_words_and_negative_ones_at_the_end_padding(rows):
    vocabulary = made()
    learned = vocabulary.learn(rows)
    assert vocabulary.words == [7, 5]
    assert learned[:].tolist() == [[3, 2, 2, END], [2, END, PADDING, PADDING]]
    assert vocabulary.restored(learned[:].numpy()) == [[5, 7, 7], [7]]


@pytest.mark.parametrize("document", [["The", "cat"], ("the", "CAT"), np.array(["the", "cat"])])
def test_lists_of_words_are_documents_that_are_split_already(document):
    vocabulary = made()
    learned = vocabulary.learn([document, "the"])
    assert vocabulary.words == ["the", "cat"]
    assert vocabulary.restored(learned[:].numpy()) == ["the cat", "the"]


def test_rows_of_a_tensor_are_documents():
    assert made().learn(torch.tensor([[5, 7], [7, -1]])).lengths.tolist() == [3, 2]


def test_a_generator_is_gone_through_once():
    vocabulary, twice = made(), made()
    assert torch.equal(vocabulary.learn(text for text in TEXTS)[:], twice.learn(TEXTS)[:])


def test_many_words_are_kept_in_a_file_and_are_the_same(monkeypatch):
    expected = made().learn(TEXTS * 50)[:]
    monkeypatch.setattr(documents, "MOST_IN_MEMORY", 100)
    found = made().learn(TEXTS * 50)
    assert isinstance(found._numbers, np.memmap)
    torch.testing.assert_close(found[:], expected)


def test_a_tokenizer_may_be_a_function():
    vocabulary = made(tokenizer=lambda text: list(text), lowercase=False)
    vocabulary.learn(["aab", "Ab"])
    assert vocabulary.words == ["a", "b", "A"]
    assert vocabulary.restored(np.array([[2, 3, 0]])) == ["a b"]


def test_a_tokenizer_may_be_one_of_tokenizers():
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vocabulary = made(tokenizer=tokenizer)
    learned = vocabulary.learn(["a b b", "b"])
    assert vocabulary.words == ["b", "a"]
    assert vocabulary.restored(learned[:].numpy()) == ["a b b", "b"]
    tokenizer.enable_padding(length=5)
    assert made(tokenizer=tokenizer).learn(["a b b", "b"]).lengths.tolist() == learned.lengths.tolist()


@pytest.mark.parametrize(
    ("tokenizer", "error", "message"),
    [
        (lambda text: text, TypeError, "tokenizer must give a list of strings"),
        (lambda text: [1, 2], TypeError, "tokenizer must give a list of strings"),
        (3, TypeError, "tokenizer=3 must be None, a function"),
    ],
)
def test_what_does_not_split_strings_into_strings_is_refused(tokenizer, error, message):
    with pytest.raises(error, match=message):
        made(tokenizer=tokenizer).learn(["some words"])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("one string", ValueError, r"X is a single one. Pass \[X\]"),
        (3, TypeError, "takes an iterable of documents, and X is 3"),
        ([], ValueError, "Found 0 document"),
        (["one"], ValueError, "Found 1 document.* minimum of 2"),
        (["a", None], TypeError, "Document 1 is None, a NoneType.*Fill gaps with ''"),
        (["a", 2.5], TypeError, "Document 1 is 2.5, a float"),
        (["a", [1.5, 2.0]], TypeError, r"Document 1 is \[1.5, 2.0\], a list"),
        (np.zeros((3, 2)), ValueError, r"X is a table of shape \(3, 2\)"),
        (["", ""], ValueError, "hold no words"),
        (b"bytes", ValueError, r"X is bytes. Pass \[X.decode\(\)\]"),
        (np.array("one string"), ValueError, r"X is a single one. Pass \[X\]"),
        ({"text": ["a b"], "label": [0]}, TypeError, "a dict with the keys 'text', 'label'. Pass one of its values"),
    ],
)
def test_what_is_no_collection_of_documents_is_refused_with_what_to_do(X, error, message):
    class LIDSVAE:
        """Whose name errors bear."""

    with pytest.raises(error, match=message):
        CorpusAdapter(made()).checked(LIDSVAE(), X, reset=True, ensure_min_samples=2)


def test_no_word_that_is_common_enough_is_an_error_that_names_the_parameter():
    with pytest.raises(ValueError, match="No word is in min_df=3 of the documents"):
        made(min_df=3).learn(["a b", "c d"])


def test_a_table_of_strings_is_refused_and_a_column_of_it_taken():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"text": TEXTS, "class": 1})
    with pytest.raises(ValueError, match="X is a table of shape"):
        CorpusAdapter(made()).checked(object(), table, reset=True)
    assert len(CorpusAdapter(made()).checked(object(), table["text"], reset=True)) == 4


def test_documents_of_a_writer_are_those_that_were_added():
    with DocumentWriter() as writer:
        for words in ([1, 2], [], [3]):
            writer.add(words)
        found = writer.documents()
    assert isinstance(found, Documents)
    assert np.asarray(found).tolist() == [[1, 2], [PADDING, PADDING], [3, PADDING]]
