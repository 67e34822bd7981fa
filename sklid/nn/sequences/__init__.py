"""Models of documents: words in order, each given those before, all told a latent variable."""

from .brenier import SequenceBrenier
from .decoder import PlainSequenceDecoder, SequenceDecoder, SequenceSection
from .generation import drawn, most_probable
from .model import SequenceModel, TokenSequences
from .posterior import DocumentPosterior
from .recurrent import RecurrentStates
from .tokens import END, PADDING, UNKNOWN, bag_of_words

__all__ = [
    "END",
    "PADDING",
    "UNKNOWN",
    "DocumentPosterior",
    "PlainSequenceDecoder",
    "RecurrentStates",
    "SequenceBrenier",
    "SequenceDecoder",
    "SequenceModel",
    "SequenceSection",
    "TokenSequences",
    "bag_of_words",
    "drawn",
    "most_probable",
]
