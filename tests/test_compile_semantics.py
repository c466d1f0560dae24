"""slipstick.compile against torch eager: what calls take, what they return, what they overwrite, and dynamic sizes."""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass

import pytest
import slipstick
import torch
from slipstick import ArgumentError
from torch import nn
from torch.export import Dim


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def compiled(cache):
    """Compile with a cache of the tests' own."""

    def compile_(module, *args, kwargs=None, **options):
        return slipstick.compile(module, args, kwargs, cache_dir=cache, **options)

    return compile_


def function(forward):
    """Return a module whose forward is a plain function."""

    class Function(nn.Module):
        pass

    Function.forward = lambda self, *args, **kwargs: forward(*args, **kwargs)
    Function.forward.__signature__ = _with_self(forward)
    return Function().eval()


def _with_self(forward):
    import inspect

    signature = inspect.signature(forward)
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return signature.replace(parameters=[first, *signature.parameters.values()])


def same(found, expected):
    """Compare whole trees: containers, types, dtypes, shapes and values."""
    assert torch.utils._pytree.tree_structure(found) == torch.utils._pytree.tree_structure(expected)
    for a, b in zip(torch.utils._pytree.tree_leaves(found), torch.utils._pytree.tree_leaves(expected), strict=True):
        if isinstance(b, torch.Tensor):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
        else:
            assert type(a) is type(b) and a == b


# ---- trees in and out


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 3.0]), persistent=False)
        self.table = torch.arange(5)

    def forward(self, x, pair, *, options=None, factor=2, extra=None):
        y = self.linear(x) * self.scale * factor
        if options is not None:
            y = y + options["bias"]
        if extra is not None:
            y = y - extra
        return {
            "y": y,
            "input": x,
            "pair": (pair[1], [pair[0], None]),
            "table": self.table,
            "n": x.shape[0],
            "s": "text",
        }


@pytest.fixture(scope="module")
def everything(cache):
    module = Everything().eval()
    pair = (torch.ones(2), torch.zeros(1, dtype=torch.int64))
    args, kwargs = (torch.randn(2, 4), pair), {"options": {"bias": torch.randn(3)}, "factor": 3}
    return module, slipstick.compile(module, args, kwargs, cache_dir=cache), args, kwargs


def test_nested_inputs_and_results(everything):
    module, native, args, kwargs = everything
    with torch.no_grad():
        same(native(*args, **kwargs), module(*args, **kwargs))


def test_results_that_are_inputs_or_constants_are_the_very_objects(everything):
    module, native, args, kwargs = everything
    result = native(*args, **kwargs)
    assert result["input"] is args[0]
    assert result["pair"][0] is args[1][1]
    assert result["table"] is module.table


def test_arguments_by_keyword_in_another_order(everything):
    module, native, (x, pair), kwargs = everything
    with torch.no_grad():
        same(native(factor=3, pair=pair, options=kwargs["options"], x=x), module(x, pair, **kwargs))


def test_defaults_may_be_given_and_left_out(everything):
    _, native, args, kwargs = everything
    native(*args, **kwargs, extra=None)
    with pytest.raises(ArgumentError, match="factor: the graph was compiled for 3, found 2"):
        native(*args, options=kwargs["options"])


def test_fresh_results_share_no_memory(compiled):
    module = function(lambda x: (x.view(-1), x.t(), x[0], x + 1))
    x = torch.arange(6.0).reshape(2, 3)
    native = compiled(module, x)
    results = native(x)
    same(results, module(x))
    pointers = {t.untyped_storage().data_ptr() for t in results}
    assert len(pointers) == 4 and x.untyped_storage().data_ptr() not in pointers


def test_one_result_twice_is_one_object(compiled):
    def forward(x):
        y = x * 2
        return y, {"again": y}

    first, second = compiled(function(forward), torch.ones(3))(torch.ones(3))
    assert first is second["again"]


@dataclass
class Output:
    value: torch.Tensor
    hidden: torch.Tensor | None = None


torch.export.register_dataclass(Output, serialized_type_name="test_compile_semantics.Output")


def test_dataclass_result(compiled):
    found = compiled(function(lambda x: Output(x.exp())), torch.ones(2))(torch.zeros(2))
    assert isinstance(found, Output) and found.hidden is None
    same(found.value, torch.ones(2))


def test_ordered_dict_and_list(compiled):
    def forward(items):
        return OrderedDict(total=items[0] + items[1], parts=[items[0] * 2])

    module, items = function(forward), [torch.ones(2), torch.ones(2)]
    same(compiled(module, items)(items), module(items))


def test_no_tensor_result_and_no_native_result(compiled):
    assert compiled(function(lambda x: None), torch.ones(2))(torch.ones(2)) is None
    x = torch.ones(2)
    assert compiled(function(lambda x: (x, 3)), x)(x)[0] is x


def test_variadic_arguments(compiled):
    def forward(first, *rest, **named):
        return first + rest[0] * rest[1] - named["last"]

    module = function(forward)
    a, b, c, d = (torch.randn(3) for _ in range(4))
    native = compiled(module, a, b, c, kwargs={"last": d})
    same(native(a, b, c, last=d), module(a, b, c, last=d))
    with pytest.raises(ArgumentError, match=r"rest\[1\]: missing"):
        native(a, b, last=d)


def test_string_bool_and_none_inputs_are_constants(compiled):
    module = function(lambda x, mode, flag, nothing: x.exp() if mode == "exp" and flag else x)
    native = compiled(module, torch.ones(2), "exp", True, None)
    same(native(torch.zeros(2), "exp", True, None), torch.ones(2))
    for call, message in (
        (("log", True, None), "mode: the graph was compiled for 'exp', found 'log'"),
        (("exp", 1, None), "flag: the graph was compiled for True, found 1"),
        (("exp", True, torch.ones(1)), r"nothing: expected None, found a?"),
    ):
        with pytest.raises(ArgumentError, match=message.replace("nothing: expected None, found a?", "nothing")):
            native(torch.zeros(2), *call)


def test_constants_made_in_forward(compiled):
    def forward(x):
        weights = torch.tensor([1.0, 2.0, 3.0])
        return torch.cat([torch.tensor([]), x * weights]) + torch.tensor(0.5), weights

    module, x = function(forward), torch.randn(3)
    native = compiled(module, x)
    same(native(x), module(x))
    program = torch.export.export(module, (x,))
    same(slipstick.compile(program)(x), module(x))


# ---- dtypes, layouts, sizes


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8], ids=str
)
def test_arithmetic_of_a_dtype(compiled, dtype):
    module = function(lambda x, y: (x + y, x * y, x > y))
    x, y = torch.arange(6).reshape(2, 3).to(dtype), torch.full((3,), 2).to(dtype)
    same(compiled(module, x, y)(x, y), module(x, y))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_numbers_that_floats_are_compared_with_take_their_type(compiled, dtype):
    def forward(x):
        return x == 7.33, x != 7.33, x < 7.33, x <= 7.33, x > 7.33, x >= 7.33

    module, x = function(forward), torch.tensor([7.33, 7.0, 8.0], dtype=dtype)
    for wanted, got in zip(module(x), compiled(module, x)(x), strict=True):
        assert torch.equal(wanted, got)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision(compiled, dtype):
    module = function(lambda x, y: (x + y, x * y, x.float()))
    x, y = torch.randn(5).to(dtype), torch.randn(5).to(dtype)
    same(compiled(module, x, y)(x, y), module(x, y))


def test_bool(compiled):
    module = function(lambda a, b, x: (a & b, ~a, torch.where(a, x, -x), a.any()))
    a, b, x = torch.tensor([True, False, True]), torch.tensor([True, True, False]), torch.randn(3)
    same(compiled(module, a, b, x)(a, b, x), module(a, b, x))


def test_zero_dimensional_and_zero_size(compiled):
    module = function(lambda x, y: (x.sum() + y, torch.cat([x, x]), x * 2))
    x, y = torch.empty(0, 3), torch.tensor(2.5)
    same(compiled(module, x, y)(x, y), module(x, y))


def test_inputs_that_are_not_contiguous(compiled):
    module = function(lambda x: x * torch.arange(6.0).reshape(2, 3))
    x = torch.randn(2, 3)
    native = compiled(module, x)
    big = torch.randn(6, 8)
    for view in (torch.randn(3, 2).t(), big[1:6:4, 2:8:2], torch.randn(2, 1).expand(2, 3), torch.randn(2, 3).flip(0)):
        same(native(view), module(view))


def test_parameters_that_are_not_contiguous(compiled):
    module = nn.Linear(3, 4, bias=False)
    module.weight = nn.Parameter(torch.randn(3, 4).t())
    x = torch.randn(2, 3)
    native = compiled(module, x)
    with torch.no_grad():
        same(native(x), module(x))
        module.weight.mul_(2)
        same(native(x), module(x))


def test_inputs_that_require_grad(compiled):
    module, x = nn.Linear(3, 2), torch.randn(2, 3, requires_grad=True)
    result = compiled(module, x)(x)
    assert not result.requires_grad
    same(result, module(x).detach())


# ---- state and what the graph overwrites


def test_batch_norm_in_training_overwrites_its_buffers(compiled):
    module = nn.BatchNorm1d(3).train()
    twin, x = copy.deepcopy(module), torch.randn(4, 3)
    native = compiled(module, x)
    for _ in range(2):
        x = torch.randn(4, 3)
        same(native(x), twin(x).detach())
    same(dict(module.named_buffers()), dict(twin.named_buffers()))


def test_input_overwritten_in_place(compiled):
    def forward(x, y):
        x.add_(1)
        y[0] = 5
        return x, x * y

    module = function(forward)
    args, native_args = ((torch.zeros(3), torch.ones(3)) for _ in range(2))
    native = compiled(module, torch.zeros(3), torch.ones(3))
    expected, found = module(*args), native(*native_args)
    same(found, expected)
    same(native_args, args)
    assert found[0] is native_args[0]


def test_overwriting_an_input_that_is_not_contiguous(compiled):
    module = function(lambda x: x.mul_(2).sum())
    base, twin = torch.arange(12.0).reshape(3, 4), torch.arange(12.0).reshape(3, 4)
    same(compiled(module, torch.zeros(4, 3))(base.t()), module(twin.t()))
    same(base, twin)


def test_copy_into_an_input_returns_a_tensor_of_its_own(compiled):
    def forward(x):
        y = x + 1
        x.copy_(y)
        return y

    x = torch.zeros(2)
    y = compiled(function(forward), torch.zeros(2))(x)
    assert y is not x
    same((x, y), (torch.ones(2), torch.ones(2)))


def test_overwritten_memory_shared_with_another_input_is_refused(compiled):
    def forward(x, y):
        x.add_(y)
        return x

    native = compiled(function(forward), torch.ones(4), torch.ones(4))
    x = torch.ones(4)
    with pytest.raises(ArgumentError, match="x: the graph overwrites it, and y shares its memory"):
        native(x, x)
    base = torch.ones(8)
    with pytest.raises(ArgumentError, match="y shares its memory"):
        native(base[:4], base[2:6])
    same(native(base[:4], base[4:]), torch.full((4,), 2.0))
    same(x, torch.ones(4))


def test_one_tensor_given_twice_when_compiling_and_calling(compiled):
    module, x, y = function(lambda a, b: a - 2 * b), torch.randn(3), torch.randn(3)
    native = compiled(module, x, x)
    same(native(x, y), module(x, y))
    same(native(x, x), module(x, x))


def test_tied_parameters(compiled):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, ids):
            return self.head(self.embed(ids))

    module, ids = Tied(), torch.tensor([[1, 2, 6]])
    native = compiled(module, ids)
    with torch.no_grad():
        module.embed.weight.mul_(3)
        same(native(ids), module(ids))


# ---- dynamic sizes


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out, self.norm = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x, mask=None):
        b, s, _ = x.shape
        q, k, v = (t.view(b, s, 2, 4).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / 2
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, s, 8)
        return self.out(y) + x, s


@pytest.fixture(scope="module")
def attention(cache):
    module = Attention().eval()
    batch, length = Dim("batch", min=1, max=6), Dim("length", min=1, max=16)
    shapes = {"x": {0: batch, 1: length}, "mask": {0: batch, 1: length}}
    example = (torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool))
    return module, slipstick.compile(module, example, dynamic_shapes=shapes, cache_dir=cache)


@pytest.mark.parametrize("size", [(2, 5), (1, 1), (6, 16), (3, 1), (1, 16)], ids=str)
def test_dynamic_batch_and_length(attention, size):
    module, native = attention
    x, mask = torch.randn(*size, 8), torch.ones(size, dtype=torch.bool)
    mask[:, size[1] // 2 + 1 :] = False
    with torch.no_grad():
        same(native(x, mask), module(x, mask))


@pytest.mark.parametrize(
    ("x", "mask", "message"),
    [
        ((7, 5, 8), (7, 5), "x: dimension 0: expected 1 to 6, found 7"),
        ((2, 17, 8), (2, 17), "x: dimension 1: expected 1 to 16, found 17"),
        ((2, 5, 9), (2, 5), "x: dimension 2: expected 8, found 9"),
        ((2, 5, 8), (2, 4), r"mask: dimension 1: expected 5 \(as x: dimension 1\), found 4"),
        ((2, 5), (2, 5), "x: expected rank 3 .*found rank 2"),
    ],
    ids=str,
)
def test_sizes_outside_the_range_name_argument_and_dimension(attention, x, mask, message):
    _, native = attention
    with pytest.raises(ArgumentError, match=message):
        native(torch.zeros(x), torch.ones(mask, dtype=torch.bool))


def test_derived_and_automatic_dimensions(compiled):
    module = function(lambda x, y: torch.cat([x, y], 1).reshape(x.shape[0] * 2, -1))
    half = Dim("half")
    native = compiled(
        module,
        torch.ones(4, 6),
        torch.ones(4, 6),
        dynamic_shapes=({0: 2 * half, 1: Dim.AUTO}, {0: Dim.AUTO, 1: Dim.AUTO}),
    )
    for rows, left, right in ((4, 6, 6), (2, 4, 2), (10, 3, 5)):
        x, y = torch.randn(rows, left), torch.randn(rows, right)
        same(native(x, y), module(x, y))
    with pytest.raises(ArgumentError, match="y: dimension 0: expected 4"):
        native(torch.ones(4, 6), torch.ones(6, 6))
    with pytest.raises(ArgumentError, match=r"x: dimension 0: expected 2\*s\d+, found 5"):
        native(torch.ones(5, 6), torch.ones(5, 6))
    with pytest.raises(ArgumentError, match=r"sizes of the inputs: expected .* found x: "):
        native(torch.ones(4, 6), torch.ones(4, 5))


def test_dynamic_sizes_may_be_zero(compiled):
    module = function(lambda x: (x * 2, x.sum(0)))
    native = compiled(module, torch.ones(3, 2), dynamic_shapes=({0: Dim("n")},))
    for n in (0, 1, 5):
        same(native(torch.ones(n, 2)), module(torch.ones(n, 2)))


def test_dynamic_integer_argument_and_size_results(compiled):
    module = function(lambda x, n: (x[:n] + n, x.shape[0] * 2, x.numel() / 2))
    native = compiled(module, torch.arange(6.0), 3, dynamic_shapes=({0: Dim.DYNAMIC}, Dim.DYNAMIC))
    same(native(torch.arange(8.0), 5), module(torch.arange(8.0), 5))


def test_embedding_with_an_index_out_of_range_is_an_error(compiled):
    native = compiled(nn.Embedding(4, 2), torch.tensor([0, 1, 2]))
    for bad in (4, -1, 1 << 40):
        with pytest.raises(ArgumentError, match="index must be"):
            native(torch.tensor([0, bad, 1]))
    assert native(torch.tensor([3, 0, 0])).shape == (3, 2)


def test_sizes_that_depend_on_data(compiled):
    module = function(lambda x: (torch.nonzero(x), x + x.sum().item()))
    native = compiled(module, torch.tensor([1.0, -1.0, 2.0]))
    for values in ([1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]):
        same(native(torch.tensor(values)), module(torch.tensor(values)))


# ---- other ways in


def test_exported_program(compiled):
    module, x = Attention().eval(), torch.randn(2, 3, 8)
    program = torch.export.export(module, (x,))
    native = slipstick.compile(program)
    with torch.no_grad():
        same(native(x), module(x))
        same(native(x=x), module(x))
    with pytest.raises(ArgumentError, match="an ExportedProgram has its own"):
        slipstick.compile(program, (x,))


def test_a_compiled_module_is_used_where_forward_is(compiled):
    inner, x = nn.Linear(3, 3).eval(), torch.randn(2, 3)
    native = compiled(inner, x)
    outer = nn.Sequential(nn.ReLU(), nn.Linear(3, 3))
    with torch.no_grad():
        expected = inner(torch.relu(x))
        outer[1].forward = native.forward
        same(outer(x), expected)


def test_lmul_is_applied_and_counted(compiled):
    module, x = nn.Linear(16, 16).eval(), torch.randn(4, 16)
    exact = compiled(module, x)
    native = compiled(module, x, lmul=slipstick.LMul())
    with torch.no_grad():
        error = (native(x) - module(x)).abs().max().item()
        assert (exact(x) - module(x)).abs().max().item() < 1e-5 < error < 0.5
    assert any("rewritten" in what and count > 0 for what, count in native.statistics.items())
    assert not any("rewritten" in what for what in exact.statistics)


class Keys:
    """A container that computes while it is rebuilt, as the caches of transformers do."""

    def __init__(self, keys):
        self.keys = torch.cat([torch.tensor([]), keys])


torch.utils._pytree.register_pytree_node(
    Keys,
    lambda container: ([container.keys], None),
    lambda children, _: Keys(children[0]),
    serialized_type_name="test_compile_semantics.Keys",
)


def test_result_container_that_computes_while_it_is_rebuilt(compiled):
    module, x = function(lambda x: (x + 1, Keys(x * 2))), torch.ones(3)
    _, found = compiled(module, x)(x)
    assert isinstance(found, Keys)
    same(found.keys, torch.full((3,), 2.0))
