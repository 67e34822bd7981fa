"""How an estimator declares a parameter: once, with its default, the values it may take, and its documentation.

A mixin lists parameters as fields, and `with_parameters` makes of the fields of a class and of its bases what
scikit-learn reads: the signature of ``__init__``, the constraints, and the section "Parameters" of the docstring. Bases
that come last in the method resolution order come first in the signature.

>>> from sklid.estimators.declaration import parameter, with_parameters
>>> from sklid.validation import POSITIVE_INTEGER
>>> @with_parameters
... class Shared:
...     batch_size: int = parameter(default=256, kind="int", text="Rows of a step.", constraint=POSITIVE_INTEGER)
>>> Shared(batch_size=10).batch_size
10
"""

import inspect
import re
import textwrap
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

__all__ = ["architecture", "parameter", "with_parameters"]

WIDTH = 110
Class = TypeVar("Class", bound=type)


def parameter(
    *, default: Any, kind: str, text: str, constraint: Any, kw_only: bool = True, shapes_model: bool = False
) -> Any:
    """A parameter of an estimator.

    Parameters
    ----------
    default : object
    kind : str
        Its type or values, as the documentation has them.
    text : str
        What it is, with units and range.
    constraint : list
        In scikit-learn's terms, see `sklid.validation`.
    kw_only : bool, default=True
        Whether it is given by name only.
    shapes_model : bool, default=False
        Whether the training of a model cannot go on with another value.
    """
    details = {"kind": kind, "text": text, "constraint": constraint, "shapes_model": shapes_model}
    return field(default=default, kw_only=kw_only, metadata=details)


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(parameter,))
def with_parameters(cls: Class) -> Class:
    """The class with ``__init__``, constraints and documentation of its parameters and of those of its bases."""
    cls = dataclass(eq=False, repr=False, kw_only=True)(cls)
    declared = fields(cls)
    cls._parameter_constraints = {each.name: each.metadata["constraint"] for each in declared}  # type: ignore[attr-defined]
    cls.__doc__ = _documented(
        inspect.cleandoc(cls.__doc__ or ""), "\n".join(map(_entry, sorted(declared, key=lambda each: each.kw_only)))
    )
    return cls


def architecture(estimator: Any) -> dict[str, Any]:
    """The values of the parameters that shape the model of an estimator."""
    return {each.name: getattr(estimator, each.name) for each in fields(estimator) if each.metadata["shapes_model"]}


def _entry(declared: Any) -> str:
    text = textwrap.fill(declared.metadata["text"], WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)
    return f"{declared.name} : {declared.metadata['kind']}, default={_in_docs(declared.default)}" + (
        f"\n{text}" if text else ""
    )


def _documented(doc: str, entries: str) -> str:
    """A docstring with the entries as its section "Parameters", before the next section."""
    section = f"\n\nParameters\n----------\n{entries}"
    following = re.search(r"\n\n[A-Z][\w ]*\n---+\n", doc)
    place = len(doc) if following is None else following.start()
    return f"{doc[:place]}{section}{doc[place:]}"


def _in_docs(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
