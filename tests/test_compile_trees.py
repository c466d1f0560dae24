"""What calls take and what they return: trees of containers, constants, keywords, the very objects given."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import pytest
import slipstick
import torch
from module_harness import compiled, function, same
from slipstick import ArgumentError
from torch import nn


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
def everything():
    module = Everything().eval()
    pair = (torch.ones(2), torch.zeros(1, dtype=torch.int64))
    args, kwargs = (torch.randn(2, 4), pair), {"options": {"bias": torch.randn(3)}, "factor": 3}
    return module, slipstick.compile(module, args, kwargs), args, kwargs


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


def test_fresh_results_share_no_memory():
    module = function(lambda x: (x.view(-1), x.t(), x[0], x + 1))
    x = torch.arange(6.0).reshape(2, 3)
    native = compiled(module, x)
    results = native(x)
    same(results, module(x))
    pointers = {t.untyped_storage().data_ptr() for t in results}
    assert len(pointers) == 4 and x.untyped_storage().data_ptr() not in pointers


def test_one_result_twice_is_one_object():
    def forward(x):
        y = x * 2
        return y, {"again": y}

    first, second = compiled(function(forward), torch.ones(3))(torch.ones(3))
    assert first is second["again"]


@dataclass
class Output:
    value: torch.Tensor
    hidden: torch.Tensor | None = None


torch.export.register_dataclass(Output, serialized_type_name="test_compile_trees.Output")


def test_dataclass_result():
    found = compiled(function(lambda x: Output(x.exp())), torch.ones(2))(torch.zeros(2))
    assert isinstance(found, Output) and found.hidden is None
    same(found.value, torch.ones(2))


def test_ordered_dict_and_list():
    def forward(items):
        return OrderedDict(total=items[0] + items[1], parts=[items[0] * 2])

    module, items = function(forward), [torch.ones(2), torch.ones(2)]
    same(compiled(module, items)(items), module(items))


def test_no_tensor_result_and_no_native_result():
    assert compiled(function(lambda x: None), torch.ones(2))(torch.ones(2)) is None
    x = torch.ones(2)
    assert compiled(function(lambda x: (x, 3)), x)(x)[0] is x


def test_variadic_arguments():
    def forward(first, *rest, **named):
        return first + rest[0] * rest[1] - named["last"]

    module = function(forward)
    a, b, c, d = (torch.randn(3) for _ in range(4))
    native = compiled(module, a, b, c, kwargs={"last": d})
    same(native(a, b, c, last=d), module(a, b, c, last=d))
    with pytest.raises(ArgumentError, match=r"rest\[1\]: missing"):
        native(a, b, last=d)


def test_string_bool_and_none_inputs_are_constants():
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


def test_constants_made_in_forward():
    def forward(x):
        weights = torch.tensor([1.0, 2.0, 3.0])
        return torch.cat([torch.tensor([]), x * weights]) + torch.tensor(0.5), weights

    module, x = function(forward), torch.randn(3)
    native = compiled(module, x)
    same(native(x), module(x))
    program = torch.export.export(module, (x,))
    same(slipstick.compile(program)(x), module(x))


class Keys:
    """A container that computes while it is rebuilt, as the caches of transformers do."""

    def __init__(self, keys):
        self.keys = torch.cat([torch.tensor([]), keys])


torch.utils._pytree.register_pytree_node(
    Keys,
    lambda container: ([container.keys], None),
    lambda children, _: Keys(children[0]),
    serialized_type_name="test_compile_trees.Keys",
)


def test_result_container_that_computes_while_it_is_rebuilt():
    module, x = function(lambda x: (x + 1, Keys(x * 2))), torch.ones(3)
    _, found = compiled(module, x)(x)
    assert isinstance(found, Keys)
    same(found.keys, torch.full((3,), 2.0))
