"""The way of a table through the package: which functions of `sklid` receive it, in which files, in what order.

    python doc/trace.py LIDVAE              a fit; LIDGMVAEClustering and IdentifiablePPCA likewise
    python doc/trace.py collapse_report     the report on a LIDVAE that is fitted before

A call counts when an argument is the table, or holds it one level deep: a field of a named tuple or a dataclass, or an
attribute of a small object of the package. The table is an array, a tensor or a frame with all of its rows and columns
and with its numbers, in any order of the rows and up to a shift and a scale of each column. So the standardised table
counts; batches and the reconstructions of the rows do not. A training here has one pass over the rows.

The summary names the calls, the files, the moves from file to file, and how many of these lead back up: to a file with
a longer chain of imports below it, and, where the files are those of `architecture.HOUSE`, to a later one of its order.
"""

import argparse
import dataclasses
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
import torch
from architecture import ORDER, files_of, imported_files

import sklid
from sklid.metrics import collapse_report

PACKAGE = Path(sklid.__file__).parent
ESTIMATORS = ("LIDVAE", "LIDGMVAEClustering", "IdentifiablePPCA")
N_ROWS, N_COLUMNS = 211, 13
MOST_ATTRIBUTES = 6
"""Attributes of a small object; estimators, nets and modules have more, and keep no rows."""
NETWORK = {"n_components": 3, "decoder_width": 32, "encoder_width": 32, "max_epochs": 1, "batch_size": 64}


class Call(NamedTuple):
    """A call that received the table: the file's module, and the function's name in it."""

    module: str
    function: str


class Tracer:
    """A profile function that notes the calls that receive a table.

    Parameters
    ----------
    table : array of shape (n_samples, n_features)
    """

    def __init__(self, table: np.ndarray) -> None:
        self.calls: list[Call] = []
        self._numbers = _normalised(table)
        self._modules = {str(path): module for module, path in files_of(PACKAGE).items()}
        self._running: set[FrameType] = set()  # a generator is called again for each of its items

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        module = self._modules.get(frame.f_code.co_filename)
        if event != "call" or module is None or frame.f_code.co_name.startswith("<") or frame in self._running:
            return
        if any(self._holds(argument) for argument in _arguments(frame)):
            self._running.add(frame)
            self.calls.append(Call(module, frame.f_code.co_qualname))

    def _holds(self, argument: Any) -> bool:
        return self._is_table(argument) or any(map(self._is_table, _fields(argument)))

    def _is_table(self, value: Any) -> bool:
        if not isinstance(getattr(value, "shape", None), tuple) or tuple(value.shape) != self._numbers.shape:
            return False
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
        return np.allclose(_normalised(np.asarray(value)), self._numbers, atol=1e-3)


def _normalised(table: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1, the rows in the order of the first column."""
    table = np.asarray(table, dtype=np.float64)
    table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-12)
    return table[np.argsort(table[:, 0])]


def _arguments(frame: FrameType) -> Iterator[Any]:
    """The arguments of the function that begins in a frame."""
    code = frame.f_code
    n_named = code.co_argcount + code.co_kwonlyargcount
    n_all = n_named + bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    for number, name in enumerate(code.co_varnames[:n_all]):
        value = frame.f_locals.get(name)
        if number < n_named:
            yield value
        else:
            yield from value.values() if isinstance(value, dict) else value or ()


def _fields(value: Any) -> Iterator[Any]:
    """What a named tuple, a dataclass or a small object of the package holds."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "__dict__"):
        yield from vars(value).values()
    elif type(value).__module__.split(".")[0] == "sklid" and len(getattr(value, "__dict__", ())) <= MOST_ATTRIBUTES:
        yield from getattr(value, "__dict__", {}).values()


def heights() -> dict[str, int]:
    """The number of files in the longest chain of imports from each file down."""
    files = files_of(PACKAGE)

    @cache
    def height(module: str) -> int:
        return 1 + max(map(height, imported_files(module, files)), default=0)

    return {module: height(module) for module in files}


def way_of_the_table(work: Callable[[np.ndarray], Any], table: np.ndarray) -> list[Call]:
    """The calls that receive the table while something is done with it."""
    tracer = Tracer(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.setprofile(tracer)
        try:
            work(table)
        finally:
            sys.setprofile(None)
    return tracer.calls


def summary(calls: list[Call]) -> str:
    """The numbers of calls, files, moves between files, and moves back up."""
    height, modules = heights(), [call.module for call in calls]
    moves = [(start, end) for start, end in pairwise(modules) if start != end]
    back_up = f"{sum(height[end] > height[start] for start, end in moves)} back up by imports"
    if sorted(height) == sorted(ORDER):
        back_up += f", {sum(ORDER.index(end) > ORDER.index(start) for start, end in moves)} by the order of HOUSE"
    return f"{len(calls)} calls, {len(set(modules))} files, {len(moves)} moves between files: {back_up}"


def _work(name: str, table: np.ndarray) -> Callable[[np.ndarray], Any]:
    if name == "collapse_report":
        model = sklid.LIDVAE(**NETWORK, random_state=0).fit(table)
        return lambda X: collapse_report(model, X)
    parameters = {} if name == "IdentifiablePPCA" else NETWORK
    return getattr(sklid, name)(**parameters, random_state=0).fit


def main() -> None:
    """Trace what the command line names and print the calls and the summary."""
    parser = argparse.ArgumentParser(description="The way of a table through the package.")
    parser.add_argument("name", choices=[*ESTIMATORS, "collapse_report"])
    name = parser.parse_args().name
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((N_ROWS, 3)) @ rng.standard_normal((3, N_COLUMNS))
    table = signal + rng.standard_normal((N_ROWS, N_COLUMNS))
    calls = way_of_the_table(_work(name, table), table)
    for number, call in enumerate(calls, start=1):
        print(f"{number:4}  {call.module.replace('.', '/')}: {call.function}")
    print(summary(calls))


if __name__ == "__main__":
    main()
