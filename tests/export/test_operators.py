"""Operators that ONNX lacks, against torch's own."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from sklid.export.operators import (
    DECOMPOSITIONS,
    expm1,
    lgamma,
    log1p,
    logaddexp,
)

SMALL = torch.logspace(-8, 0, 50)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gamma_function_is_that_of_torch(dtype):
    x = torch.cat([torch.logspace(-4, 6, 200), torch.arange(1, 40)]).to(dtype)
    assert torch.allclose(lgamma(x), torch.lgamma(x.double()).to(dtype), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("own", "other"), [(log1p, torch.log1p), (expm1, torch.expm1)])
def test_small_numbers_keep_their_digits(own, other):
    for x in (SMALL, -SMALL[:-1], torch.tensor([0.0, 5.0, 80.0, torch.inf])):
        assert torch.allclose(own(x), other(x), rtol=1e-6, atol=0.0)


def test_sums_of_exponentials_neither_overflow_nor_vanish():
    infinite = torch.inf
    a = torch.tensor([-1000.0, 1000.0, 0.0, -infinite, -infinite])
    b = torch.tensor([-1001.0, 3.0, 0.0, 2.0, -infinite])
    assert torch.allclose(logaddexp(a, b), torch.logaddexp(a, b), rtol=1e-6)


def test_no_function_decomposes_into_another_that_does():
    for operator, function in DECOMPOSITIONS.items():
        taken = [argument for argument in operator._schema.arguments if not argument.kwarg_only]
        values = [torch.ones(3) if str(argument.type) == "Tensor" else 1.0 for argument in taken]
        traced = make_fx(lambda *given, of=function: of(*given))(*values)
        assert not {node.target for node in traced.graph.nodes} & set(DECOMPOSITIONS)
