r"""Recurrent layers word by word in ordinary operations, whose gradients have gradients.

.. math:: c_t = \sigma(f_t) c_{t-1} + \sigma(i_t) \tanh(g_t), \qquad h_t = \sigma(o_t) \tanh(c_t)

of a long short-term memory, whose i, f, g and o are linear in the input and in :math:`h_{t-1}`, and

.. math:: h_t = (1 - \sigma(u_t)) \tanh(n_t + \sigma(r_t) m_t) + \sigma(u_t) h_{t-1}

of a gated recurrent unit, with r, u and n linear in the input, and r, u and m in :math:`h_{t-1}`. The fused layers of
GPUs compute the same faster, but have first derivatives alone, and these in training mode alone.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["unrolled"]


def unrolled(network: nn.LSTM | nn.GRU, inputs: Tensor, history: Any = None) -> tuple[Tensor, Any]:
    """What ``network(inputs, history)`` gives: ``(M, T, E)`` to the states ``(M, T, H)``, and what is remembered then.

    Parameters
    ----------
    network : nn.LSTM or nn.GRU
        Of one layer, with the batch first.
    inputs : Tensor of shape (M, T, E)
    history : Tensor of shape (1, M, H), or a pair of them for an LSTM, optional
        None is a history of zeros.
    """
    step = _long_short_term if isinstance(network, nn.LSTM) else _gated
    to_read, to_remember, read_bias, remembered_bias = network.all_weights[0]
    parts, states = _parts(network, inputs, history), []
    for given in F.linear(inputs, to_read, read_bias).unbind(1):
        parts = step(given, F.linear(parts[0], to_remember, remembered_bias), parts)
        states.append(parts[0])
    last = tuple(part.unsqueeze(0) for part in parts)
    return torch.stack(states, dim=1), last if isinstance(network, nn.LSTM) else last[0]


def _parts(network: nn.LSTM | nn.GRU, inputs: Tensor, history: Any) -> tuple[Tensor, ...]:
    """The state ``(M, H)``, and the memory of an LSTM beside it."""
    if history is None:
        n_parts = 2 if isinstance(network, nn.LSTM) else 1
        return (inputs.new_zeros(len(inputs), network.hidden_size),) * n_parts
    return tuple(part[0] for part in history) if isinstance(history, tuple) else (history[0],)


def _long_short_term(given: Tensor, remembered: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    i, f, g, o = (given + remembered).chunk(4, dim=-1)
    memory = f.sigmoid() * parts[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * memory.tanh(), memory


def _gated(given: Tensor, remembered: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    (r, u, n), (r_before, u_before, m) = given.chunk(3, dim=-1), remembered.chunk(3, dim=-1)
    update = (u + u_before).sigmoid()
    return ((1 - update) * (n + (r + r_before).sigmoid() * m).tanh() + update * parts[0],)
