"""The words of an error, for tests in which tables of two forms are to have the same."""

import pytest

__all__ = ["text_of_error"]


def text_of_error(model, X):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        model.fit(X)
    return str(caught.value)
