"""Random numbers of a thread's own: whoever draws them, from one seed the same, and none from torch's generator."""

import threading

import pytest
import torch
from torch import distributions, nn
from torch.utils import _python_dispatch as python_dispatch

from sklid.nn.draws import Draws, _device, between_draws, drawing, generators_of, standard_noise

X = torch.tensor([0.3, 1.2, 0.7, 0.9])
SEQUENCE = torch.ones(4, 2, 8)
DRAWS = {
    "randn": lambda: torch.randn(4),
    "rand": lambda: torch.rand(4),
    "randint": lambda: torch.randint(1 << 20, (4,)),
    "randint between": lambda: torch.randint(5, 1 << 20, (4,)),
    "randperm": lambda: torch.randperm(50),
    "randn_like": lambda: torch.randn_like(X),
    "rand_like": lambda: torch.rand_like(X),
    "randint_like": lambda: torch.randint_like(X, 1 << 20),
    "randint_like between": lambda: torch.randint_like(X, 5, 1 << 20),
    "normal": lambda: torch.normal(0.0, 1.0, (4,)),
    "bernoulli": lambda: torch.bernoulli(torch.full((50,), 0.5)),
    "multinomial": lambda: torch.multinomial(X, 50, replacement=True),
    "cauchy_": lambda: torch.empty(4).cauchy_(),
    "linear": lambda: nn.Linear(3, 4).weight,
    "convolution": lambda: nn.Conv2d(2, 3, 3).weight,
    "recurrent": lambda: nn.GRU(8, 8, 2, dropout=0.5)(SEQUENCE)[0],
    "attention": lambda: nn.TransformerEncoderLayer(8, 2, 8, dropout=0.5)(SEQUENCE),
    "dropout": lambda: nn.Dropout(0.5)(torch.ones(50)),
    "dropout in inference mode": torch.inference_mode()(lambda: nn.Dropout(0.5)(torch.ones(50))),
    "alpha dropout": lambda: nn.AlphaDropout(0.5)(torch.ones(50)),
    "rrelu": lambda: nn.RReLU()(-X),
    "gumbel softmax": lambda: nn.functional.gumbel_softmax(X),
    "orthogonal": lambda: nn.init.orthogonal_(torch.empty(3, 3)),
    "truncated normal": lambda: nn.init.trunc_normal_(torch.empty(4)),
    "randomised decomposition": lambda: torch.pca_lowrank(torch.arange(60.0).sin().reshape(10, 6), 2)[2],
    "reparametrised": lambda: distributions.Normal(X, X).rsample(),
    "Normal": lambda: distributions.Normal(X, X).sample(),
    "Categorical": lambda: distributions.Categorical(X).sample((50,)),
    "Poisson": lambda: distributions.Poisson(100 * X).sample(),
    "Gamma": lambda: distributions.Gamma(X, X).rsample(),
    "Dirichlet": lambda: distributions.Dirichlet(X).sample(),
    "Binomial": lambda: distributions.Binomial(1000, X / 2).sample(),
    "StudentT": lambda: distributions.StudentT(X).sample(),
}


@pytest.mark.parametrize("name", DRAWS)
def test_every_draw_follows_from_the_seed_and_leaves_torchs_generator_alone(name):
    before, found = torch.get_rng_state(), []
    for seed in (3, 3, 4):
        with Draws(seed):
            found.append(DRAWS[name]().detach().clone())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", DRAWS)
def test_no_draw_needs_torchs_generator_even_for_a_moment(name, monkeypatch):
    monkeypatch.setattr(torch.random, "fork_rng", None)
    with Draws(0):
        DRAWS[name]()


def test_draws_have_the_distribution_that_they_had():
    with Draws(0):
        z, u = torch.randn_like(torch.empty(100_000)), torch.rand_like(torch.empty(100_000))
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02
    assert abs(u.mean() - 0.5) < 0.01
    assert u.min() >= 0
    assert u.max() < 1


def test_fused_dropout_keeps_its_share_and_scales_it():
    x = torch.ones(100_000, requires_grad=True)
    with Draws(0):
        y, kept = torch.native_dropout(x, 0.2, True)
    y.sum().backward()
    torch.testing.assert_close(y, kept / 0.8)
    torch.testing.assert_close(x.grad, kept / 0.8)
    assert abs(kept.float().mean() - 0.8) < 0.01
    with Draws(0):
        assert torch.equal(torch.native_dropout(x, 0.2, False)[0], x)
        assert not torch.native_dropout(x, 1.0, True)[0].any()


def test_draw_with_a_generator_of_its_own_keeps_it():
    alone = torch.randn(3, generator=torch.Generator().manual_seed(5))
    with Draws(0):
        assert torch.equal(torch.randn(3, generator=torch.Generator().manual_seed(5)), alone)


def test_threads_that_take_turns_draw_what_each_draws_alone():
    turns, found = threading.Barrier(4), {}

    def draw(seed, wait):
        with generators_of(seed):
            for _ in range(5):
                wait()
                with drawing():
                    found.setdefault(seed, []).append(torch.randn(3))
                wait()

    threads = [threading.Thread(target=draw, args=(seed, turns.wait)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together, found = found, {}
    for seed in range(4):
        draw(seed, lambda: None)
        assert torch.equal(torch.stack(together[seed]), torch.stack(found[seed]))


def test_drawing_outside_is_with_torchs_own_generator_and_the_nearest_seed_counts_inside():
    torch.manual_seed(1)
    expected = torch.randn(3)
    torch.manual_seed(1)
    with drawing():
        assert torch.equal(torch.randn(3), expected)
    with generators_of(7):
        with generators_of(8), drawing():
            inner = torch.randn(3)
        with drawing():
            outer = torch.randn(3)
    for seed, found in ((8, inner), (7, outer)):
        with Draws(seed):
            assert torch.equal(torch.randn(3), found)


def test_between_draws_only_what_is_drawing_is_the_seeds():
    torch.manual_seed(1)
    expected = torch.randn(3)
    torch.manual_seed(1)
    with generators_of(7), drawing():
        with between_draws():
            assert torch.equal(torch.randn(3), expected)
            noise = standard_noise((3,), X)
        after = torch.randn(3)
    with Draws(7):
        assert torch.equal(torch.randn(3), noise)
        assert torch.equal(torch.randn(3), after)
    with between_draws():
        assert standard_noise((2, 4), X.double()).dtype == torch.float64


def test_a_gpu_has_one_generator_under_both_of_its_names(monkeypatch):
    """Else draws by "cuda" and by tensors on "cuda:0" would be the same numbers twice."""
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert _device((), {"device": "cuda"}) == _device((), {"device": torch.device("cuda:0")})


def late(method):
    """As the method, and then an interrupt."""

    def interrupted(*arguments):
        method(*arguments)
        raise KeyboardInterrupt

    return interrupted


def early(method):
    """An interrupt in place of the method."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    return interrupted


@pytest.mark.parametrize(
    ("owner", "name", "change"),
    [
        (python_dispatch.TorchDispatchMode, "__enter__", early),
        (python_dispatch.TorchDispatchMode, "__enter__", late),
        (python_dispatch.TorchDispatchMode, "__exit__", early),
        (python_dispatch.TorchDispatchMode, "__exit__", late),
        (python_dispatch, "_pop_mode", early),
    ],
)
@pytest.mark.parametrize("pauses", [False, True], ids=["drawing", "between draws"])
def test_an_interrupt_where_draws_begin_or_end_leaves_torch_as_it_was(owner, name, change, pauses, monkeypatch):
    state = torch.get_rng_state()

    def draws():
        with generators_of(0), drawing(), monkeypatch.context() as patched:
            patched.setattr(owner, name, change(getattr(owner, name)))
            with between_draws() if pauses else drawing():
                standard_noise((1,), X)

    with pytest.raises(KeyboardInterrupt):
        draws()
    assert python_dispatch._get_current_dispatch_mode() is None
    assert torch.equal(torch.get_rng_state(), state)
