"""From a string to its words and back."""

import re
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["UNKNOWN_WORD", "WORDS", "splitter_of"]

UNKNOWN_WORD = "<unk>"
"""What stands for a word that is not known."""
WORDS = re.compile(rf"{UNKNOWN_WORD}|\d+(?:[.,]\d+)+|[\w\u0300-\u036f]+(?:['’][\w\u0300-\u036f]+)*|[^\w\s]")
"""Numbers with their points, words with what an apostrophe joins, and each mark by itself."""
NO_SPACE_BEFORE = re.compile(r"\s+([.,;:!?%)\]}])")


class _Words:
    """Words and marks of a string; joined again with spaces, but none before a mark that ends something."""

    def __call__(self, text: str) -> Sequence[str]:
        return WORDS.findall(text)

    def join(self, words: Sequence[str]) -> str:
        return NO_SPACE_BEFORE.sub(r"\1", " ".join(words))


class _Callable:
    """A function of the user's; its words are joined with spaces."""

    def __init__(self, function: Callable[[str], Sequence[str]]) -> None:
        self.function = function

    def __call__(self, text: str) -> Sequence[str]:
        words = self.function(text)
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise TypeError(f"tokenizer must give a list of strings, and for {text!r} it gave {words!r}.")
        return words

    def join(self, words: Sequence[str]) -> str:
        return " ".join(words)


class _Tokenizer:
    """A `tokenizers.Tokenizer`, whose decoder joins its tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, text: str) -> Sequence[str]:
        return self.tokenizer.encode(text, add_special_tokens=False).tokens

    def join(self, words: Sequence[str]) -> str:
        numbers = [self.tokenizer.token_to_id(word) for word in words]
        return self.tokenizer.decode([number for number in numbers if number is not None])


def splitter_of(tokenizer: Any) -> Any:
    """What splits strings into words, and joins words, for the `tokenizer` of an estimator.

    Parameters
    ----------
    tokenizer : None, callable or tokenizers.Tokenizer

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if tokenizer is None:
        return _Words()
    if hasattr(tokenizer, "encode") and hasattr(tokenizer, "token_to_id"):
        return _Tokenizer(tokenizer)
    if callable(tokenizer):
        return _Callable(tokenizer)
    raise TypeError(
        f"tokenizer={tokenizer!r} must be None, a function from a string to a list of strings, or a "
        "tokenizers.Tokenizer."
    )
