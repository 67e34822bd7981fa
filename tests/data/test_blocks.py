"""Rows come in blocks, and as tensors, without a copy that is not needed."""

import numpy as np

from sklid.data.blocks import chunks, tensor_of


def test_chunks_cover_every_row_once():
    X = np.arange(10)[:, None]
    assert np.array_equal(np.concatenate(list(chunks(X, 1 << 22))), X)
    assert max(len(block) for block in chunks(X, 1 << 22)) == 4


def test_read_only_rows_are_copied_and_others_shared():
    X = np.zeros((2, 2))
    assert tensor_of(X).data_ptr() == X.ctypes.data
    X.setflags(write=False)
    assert tensor_of(X).data_ptr() != X.ctypes.data
