"""The backend of `torch.compile`: results, gradients, sizes, parameters that change, what torch is left with."""

from __future__ import annotations

import copy
import tomllib
import warnings
from importlib.metadata import EntryPoint

import pytest
import slipstick
import torch
from slipstick import ArgumentError, FallbackWarning
from slipstick.compiler import encoded
from slipstick.compiler.compiled import CompiledModule
from torch import nn


@pytest.fixture(autouse=True)
def _fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled(module, **options):
    """The module through the backend, and the reports of its graphs."""
    reports = []
    run = torch.compile(module, backend=slipstick.torch_backend, options={"observer": reports.append, **options})
    return run, reports


def assert_same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


class Perceptron(nn.Module):
    """Dropout, a buffer that each call overwrites, a result that is a view, one that is also an inner value."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 16), nn.Linear(16, 3)
        self.register_buffer("calls", torch.zeros(2))

    def forward(self, x):
        self.calls.add_(1)
        hidden = nn.functional.dropout(nn.functional.gelu(self.first(x)), 0.5, self.training)
        return self.second(hidden).transpose(0, 1), hidden


def test_training_is_that_of_torch_with_any_number_of_rows():
    torch.manual_seed(0)
    module = Perceptron()
    other = copy.deepcopy(module)
    run, reports = compiled(other)
    for rows in (3, 5, 7):
        x = torch.randn(rows, 6)
        found = []
        for one, call in ((module, module), (other, run)):
            torch.manual_seed(1)
            result, hidden = call(x)
            one.zero_grad()
            (result.sum() + hidden.square().sum()).backward()
            found.append((result, hidden, [parameter.grad for parameter in one.parameters()], one.calls))
        assert_same(found[1], found[0])
        assert found[1][0].stride() == found[0][0].stride()
    # A graph for three rows, and one for any number.
    assert [report.kind for report in reports] == ["forward", "backward"] * 2
    assert all(not report.fallbacks for report in reports)
    assert [one.operation for one in reports[0].random] == ["aten.native_dropout.default"]
    assert "dropout" in reports[0].random[0].source
    assert reports[0].native_parts == 2 and reports[1].native_parts == 1


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 64)

    def forward(self, x):
        return self.linear(x).relu()


def test_parameters_are_packed_once_and_again_when_they_change(monkeypatch):
    made = []
    monkeypatch.setattr(CompiledModule, "__init__", _noting(made, CompiledModule.__init__))
    torch.manual_seed(0)
    module, plain = (nn.Sequential(Layer(), Layer()) for _ in range(2))
    plain.load_state_dict(module.state_dict())
    x = torch.randn(64, 64)
    reports = []
    for layer in module:  # one graph for both
        layer.compile(backend=slipstick.torch_backend, options={"observer": reports.append})
    with torch.no_grad():
        assert_same(module(x), plain(x))
        assert len(reports) == 1 and len(made) == 2
        kept = [[tensor.data_ptr() for tensor in one._weights.encoder.kept()] for one in made]
        assert all(kept) and kept[0] != kept[1]
        assert_same(module(x), plain(x))
        assert [[tensor.data_ptr() for tensor in one._weights.encoder.kept()] for one in made] == kept
        for one in (module, plain):
            one[0].linear.weight.mul_(2)
            one[1].linear.bias.data = torch.ones(64)
        assert_same(module(x), plain(x))
        assert len(reports) == 1


def _noting(made, init):
    def note(first, *args, **kwargs):
        made.append(first)
        return init(first, *args, **kwargs)

    return note


def test_what_is_trained_is_packed_in_native_code_and_the_rest_once(monkeypatch):
    packed = []
    monkeypatch.setattr("slipstick.compiler.encoded.pack_panels", _noting(packed, encoded.pack_panels))
    torch.manual_seed(0)
    module, plain = (nn.Sequential(Layer(), Layer()) for _ in range(2))
    plain.load_state_dict(module.state_dict())
    run, reports = compiled(module)
    x = torch.randn(64, 64)
    for one, call in ((module, run), (plain, plain)):
        one[0].requires_grad_(False)
        optimiser = torch.optim.SGD(one[1].parameters(), lr=0.1)
        for _ in range(3):
            optimiser.zero_grad()
            call(x).square().mean().backward()
            optimiser.step()
    assert_same(list(module.parameters()), list(plain.parameters()))
    assert [report.kind for report in reports] == ["forward", "backward"]
    assert len(packed) == 1 and packed[0].data_ptr() == module[0].linear.weight.data_ptr()


class Uncompilable(nn.Module):
    """A Fourier transform in the middle, which torch-mlir does not lower."""

    def forward(self, x):
        return torch.fft.rfft(x * 2).abs() + 1


def test_what_cannot_be_compiled_is_torchs_and_named():
    module, x = Uncompilable(), torch.randn(4, 8)
    run, reports = compiled(module)
    with pytest.warns(FallbackWarning) as warned:
        assert_same(run(x), module(x))
    assert len({str(one.message) for one in warned}) == len(warned)
    text = next(str(one.message) for one in warned if "fft" in str(one.message))
    assert "aten._fft_r2c" in text and "test_torch_compile.py:" in text and "torch.fft.rfft(x * 2)" in text
    assert reports[0].compiled > 0 and len(reports[0].fallbacks) == len(warned)
    torch._dynamo.reset()
    run, _ = compiled(module, fallback=False)
    with pytest.raises(Exception, match=r"GraphError: aten\._fft_r2c"):
        run(x)


def test_a_refusal_of_the_lowering_is_found_and_the_rest_compiled():
    def run(x):
        return torch.histc(x * 2, bins=4, min=-1, max=1) + 1

    found, reports = compiled(run)
    x = torch.randn(16)
    with pytest.warns(FallbackWarning, match=r"aten\.histc"):
        assert_same(found(x), run(x))
    assert [one.operation for one in reports[0].fallbacks] == ["aten.histc.default"]
    assert reports[0].native_parts == 2


def test_writes_views_and_graph_breaks():
    def run(x, cache, place):
        cache.index_copy_(0, place, x * 2)
        y = x.exp()
        torch._dynamo.graph_break()
        x.add_(1)
        return y.t(), x.view(-1), cache.sum()

    def arguments():
        return torch.arange(6.0).reshape(2, 3), torch.zeros(4, 3), torch.tensor([3, 1])

    found, reports = compiled(run)
    ours, theirs = arguments(), arguments()
    for _ in range(2):
        results, expected = found(*ours), run(*theirs)
        assert_same(results, expected)
        assert_same(ours, theirs)
        assert results[1].data_ptr() == ours[0].data_ptr()
    assert len(reports) == 2 and not any(report.fallbacks for report in reports)


def test_explain_tells_without_compiling(monkeypatch):
    def run(x):
        y = torch.histc(x * 2, bins=4, min=-1, max=1)
        torch._dynamo.graph_break()
        return y + 1

    monkeypatch.setattr("slipstick.compiler.dynamo.graph_compiler.build", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FallbackWarning)
        found = slipstick.explain(run, (torch.randn(16),))
    assert [report.kind for report in found.graphs] == ["inference", "inference"]
    assert len(found.breaks) == 1 and "test_torch_compile.py" in found.breaks[0]
    lines = str(found).splitlines()
    assert lines[0].split() == ["graph", "kind", "operations", "compiled", "native", "parts", "torch"]
    assert lines[1].split() == ["0", "inference", "2", "1", "1", "1"]
    assert lines[2].split() == ["1", "inference", "1", "1", "1", "0"]
    assert any(line.startswith("  aten.histc.default (") for line in lines)
    module = Perceptron()
    found = slipstick.explain(module, (torch.randn(3, 6),), training=True)
    assert [report.kind for report in found.graphs] == ["forward", "backward"]
    assert module.first.weight.grad is None


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lmull": None}, r"options: expected some of lmul, weights, .*, found 'lmull'; did you mean 'lmul'\?"),
        ({"fallback": 1}, "fallback: expected True or False, found 1"),
        ({"observer": 3}, "observer: expected a function"),
        ({"cache_dir": 3}, "cache_dir: expected a path, or None, found 3"),
        ({"weights": "int3"}, "weights: expected one of"),
        ([], "options: expected a dictionary, found list"),
    ],
)
def test_wrong_options_are_refused(options, text):
    with pytest.raises(ArgumentError, match=text):
        slipstick.TorchCompileOptions.of(options)


def test_an_unknown_mode_is_refused():
    run = torch.compile(torch.exp, backend=slipstick.torch_backend, mode="fastest")
    with pytest.raises(Exception, match="mode: expected none with the backend slipstick, found 'fastest'"):
        run(torch.ones(2))


def test_the_entry_point_is_the_backend(repository):
    data = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))
    ((name, value),) = data["project"]["entry-points"]["torch_dynamo_backends"].items()
    assert name == "slipstick"
    assert EntryPoint(name, value, "torch_dynamo_backends").load() is slipstick.torch_backend


QUICK = ("bert-base-1x128", "mixtral-4x-prefill-1x128")
FALLBACKS = {"mixtral-4x-prefill-1x128": {"aten.histc.default", "transformers.grouped_mm_fallback.default"}}


def architectures():
    from slipstick.tools.bench_dynamo import ARCHITECTURES

    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.exhaustive) for name in ARCHITECTURES]


@pytest.mark.parametrize("name", architectures())
def test_models_and_their_gradients_are_those_of_torch(name):
    from slipstick.datasets.graphs import graph
    from slipstick.tools.bench_dynamo_measure import measure

    found = measure(graph(name).small(), inductor=False, repeats=0)
    inference, step = found.modes["inference"], found.modes["training step"]
    assert inference.error < 1e-5 and step.error < 1e-5
    assert set(inference.fallbacks) == FALLBACKS.get(name, set())
    assert inference.kinds == ("inference",) and step.kinds == ("forward", "backward")


def test_a_gradient_may_be_that_of_either_side_of_a_relu_near_zero():
    from slipstick.tools.bench_kinks import Kink, ReluCalls, jumps

    weight = torch.tensor([[3.0, 1e-9, -2.0]], requires_grad=True)

    def gradients():
        return list(torch.autograd.grad(torch.relu(weight * 2).square().sum() + torch.relu(weight).sum(), weight))

    expected = gradients()
    count, (allowed,) = jumps(gradients, expected)
    # The slope of the square is 8e-9 there, that of the second 1; elsewhere nothing may differ.
    assert count == 2
    torch.testing.assert_close(allowed, torch.tensor([[0.0, 1.0 + 8e-9, 0.0]]))
    with ReluCalls(Kink(1, 1)):
        assert gradients()[0].tolist() == [[25.0, pytest.approx(8e-9), 0.0]]
    assert expected[0].tolist() == [[25.0, 1.0, 0.0]]
