"""From a string to its words and back."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

__all__ = ["UNKNOWN_WORD", "splitter_of"]

UNKNOWN_WORD = "<unk>"
"""What stands for a word that is not known."""
FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
"""Two letters of a country."""
NO_SPACE_BEFORE = re.compile(r"\s+([.,;:!?%)\]}])")


@cache
def _words() -> re.Pattern[str]:
    """Numbers with their points, words with what an apostrophe joins, and each mark by itself.

    Accents and vowels that are characters of their own belong to the letter before, as do joiners within a word; a
    picture is one mark with its modifiers, and with the pictures that are joined to it.
    """
    combining = "".join(letter for letter in map(chr, range(0x300, 0x10000)) if unicodedata.category(letter)[0] == "M")
    letters = rf"[\w{combining}][\w{combining}\u200c\u200d]*"
    mark = rf"[^\w\s][{combining}\U0001f3fb-\U0001f3ff]*"
    words = rf"{letters}(?:['’]{letters})*"
    return re.compile(rf"{UNKNOWN_WORD}|\d+(?:[.,]\d+)+|{words}|{FLAG}|{mark}(?:\u200d{mark})*")


class _Words:
    """Words and marks of a string; joined again with spaces, but none before a mark that ends something."""

    def __call__(self, text: str) -> Sequence[str]:
        return _words().findall(text)

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
        found = self.tokenizer.encode(text, add_special_tokens=False)
        seen = zip(found.tokens, found.attention_mask, strict=True)
        return [token for token, is_no_padding in seen if is_no_padding]

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
