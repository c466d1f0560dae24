"""What people do with a compiled module: caches that are overwritten, optimisers, retained graphs, constants, views."""

from __future__ import annotations

import copy
import math
import threading
import warnings

import pytest
import slipstick
import torch
from slipstick.compiler.dynamo.optimiser_operations import optimiser_operations
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


@pytest.fixture(autouse=True)
def _fresh_dynamo():
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error", slipstick.FallbackWarning)
        yield
    torch._dynamo.reset()


def compiled(function, **settings):
    """The function through the backend, and the reports of its graphs."""
    reports = []
    return torch.compile(
        function, backend=slipstick.torch_backend, options={"observer": reports.append}, **settings
    ), reports


def perceptron():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2))


class Cache:
    def __init__(self):
        self.count = torch.zeros((), dtype=torch.int64)


def test_what_is_overwritten_and_is_a_result_too_is_overwritten_once():
    def advance(x, cache):
        y = x + cache.count
        cache.count = cache.count.add_(5)
        return y

    run, _ = compiled(advance)
    cache, x = Cache(), torch.zeros(3)
    count = cache.count
    for number in range(3):
        assert run(x, cache).tolist() == [5 * number] * 3
        assert cache.count is count and count.item() == 5 * number + 5


def test_attention_of_fewer_heads_of_keys_than_of_queries():
    def attend(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)

    q, k, v = torch.randn(2, 4, 5, 8), torch.randn(2, 2, 5, 8), torch.randn(2, 2, 5, 8)
    run, (*_,) = compiled(attend)
    torch.testing.assert_close(run(q, k, v), attend(q, k, v))


def test_tensors_that_a_function_makes_of_numbers():
    def scaled(x):
        return x * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor(0.5)

    run, reports = compiled(scaled)
    x = torch.randn(2, 3)
    torch.testing.assert_close(run(x), scaled(x))
    assert reports[0].compiled == reports[0].operations


def test_a_number_that_changes_is_an_input():
    def scaled(x, k):
        return x * math.sqrt(2.0 / k)

    run, reports = compiled(scaled, dynamic=True)
    x = torch.randn(4)
    for k in (0.3, 2.5):
        torch.testing.assert_close(run(x, k), scaled(x, k))
    assert len(reports) == 1


def test_a_graph_may_be_differentiated_twice():
    module = perceptron()
    run, _ = compiled(module)
    loss = run(torch.randn(5, 3)).square().sum()
    loss.backward(retain_graph=True)
    once = [parameter.grad.clone() for parameter in module.parameters()]
    loss.backward()
    for parameter, grad in zip(module.parameters(), once, strict=True):
        torch.testing.assert_close(parameter.grad, 2 * grad)


def test_modes_of_inductor_change_nothing_and_are_told_of():
    run, _ = compiled(torch.exp)
    mode = torch.compile(torch.exp, backend=slipstick.torch_backend, mode="reduce-overhead")
    x = torch.randn(3)
    with pytest.warns(UserWarning, match="mode 'reduce-overhead' is inductor's"):
        assert torch.equal(mode(x), run(x))


@pytest.mark.parametrize("foreach", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_the_step_of_an_optimiser_is_compiled(foreach):
    plain = nn.Linear(3, 2)
    module = copy.deepcopy(plain)
    optimisers = [torch.optim.AdamW(one.parameters(), 1e-2, foreach=foreach) for one in (module, plain)]
    run, reports = compiled(optimisers[0].step)
    x = torch.randn(5, 3)
    for _ in range(3):
        for one, optimiser, step in zip((module, plain), optimisers, (run, optimisers[1].step), strict=True):
            optimiser.zero_grad()
            one(x).square().sum().backward()
            step()
    for ours, theirs in zip(module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert reports and all(one.compiled == one.operations for one in reports)


def test_operations_on_lists_are_those_on_each_tensor():
    g = torch.Generator().manual_seed(0)
    lists = [[torch.rand(shape, generator=g) + 0.1 for shape in ((3,), (2, 2))] for _ in range(3)]
    values = {"List[Tensor]": None, "Tensor": torch.tensor(1.5), "List[number]": [0.5, 1.5], "number": 0.7}
    tried = set()
    for operation, apart in optimiser_operations().items():
        if "_foreach_" not in str(operation):
            continue
        positional = [one for one in operation._schema.arguments if not one.kwarg_only]
        args = [
            lists[n] if str(one.type) == "List[Tensor]" else values[str(one.type)] for n, one in enumerate(positional)
        ]
        for kwargs in ({}, {one.name: 2.0 for one in operation._schema.arguments if one.kwarg_only}):
            torch.testing.assert_close(apart(*args, **kwargs), list(operation(*args, **kwargs)), msg=str(operation))
        tried.add(operation)
    assert len(tried) > 60


def test_views_of_weights_are_made_where_they_are_read():
    def spectrum(weight, other, x):
        counts = torch.histc(weight.t(), bins=4, min=-1, max=1) + (x * 2 @ other.t())
        return counts @ other.t() + weight.t().sum()

    run, reports = compiled(spectrum)
    arguments = torch.randn(6, 5), torch.randn(4, 4), torch.randn(4)
    with pytest.warns(slipstick.FallbackWarning, match=r"aten\.histc"):
        torch.testing.assert_close(run(*arguments), spectrum(*arguments))
    first, torchs, last = reports[0].parts
    transposes = [[name for name in one.operations if "permute" in name] for one in (first, torchs, last)]
    # Each part has its own: none is a result of native code.
    assert [len(names) for names in transposes] == [2, 1, 1]


def test_a_checkpointed_function_is_random_in_the_same_way_twice():
    module = perceptron()

    def run(x):
        return checkpoint(lambda y: F.dropout(module(y), 0.5), x, use_reentrant=False).square().sum()

    function, reports = compiled(run)
    found = []
    for call in (run, function):
        torch.manual_seed(1)
        module.zero_grad()
        call(torch.ones(5, 3)).backward()
        found.append([parameter.grad for parameter in module.parameters()])
    torch.testing.assert_close(found[1], found[0])
    # Nothing is warned of: random operations are torch's in any case.
    assert all(one.random and not one.fallbacks for one in reports)


class Doubled(torch.autograd.Function):
    """Goes through NumPy, with a gradient of its own."""

    @staticmethod
    def forward(ctx, x):
        return torch.from_numpy(x.detach().numpy() * 2)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 5


def test_hooks_functions_of_ones_own_and_copies():
    module = perceptron()
    module[0].register_forward_hook(lambda module, inputs, output: output * 2)
    module[2].register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,))
    plain = copy.deepcopy(module)
    plain.requires_grad_(True)
    x = torch.randn(5, 3)
    run, _ = compiled(lambda x: Doubled.apply(module(x)))
    for call in (run, lambda x: Doubled.apply(plain(x))):
        call(x).square().sum().backward()
    for ours, theirs in zip(module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    whole, _ = compiled(module)
    other = copy.deepcopy(whole)
    with torch.no_grad():
        torch.testing.assert_close(whole(x), plain(x))
        other._orig_mod[2].bias.add_(1)
        torch.testing.assert_close(other(x), plain(x) + 1)
        torch.testing.assert_close(whole(x), plain(x))


def test_threads_share_a_compiled_module():
    module = perceptron().requires_grad_(False)
    run, _ = compiled(module, dynamic=True)
    inputs = [torch.randn(rows, 3) for rows in (2, 5, 7)]
    expected = [module(x) for x in inputs]
    wrong = []

    def work(first):
        try:
            for turn in range(first, first + 60):
                torch.testing.assert_close(run(inputs[turn % 3]), expected[turn % 3])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong
