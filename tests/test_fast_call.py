"""The native path of a call: what it takes, what it leaves to Python, and that nobody can tell the difference."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
import slipstick
import torch
from slipstick import ArgumentError, CompiledModule
from torch import nn


class Affine(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4))
        self.bias = nn.Parameter(torch.randn(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.weight, self.bias)


@pytest.fixture(scope="module")
def affine() -> tuple[Affine, CompiledModule]:
    module = Affine().eval()
    return module, slipstick.compile(module, (torch.randn(2, 4),))


def warm(native: CompiledModule, *args: Any) -> None:
    native(*args)
    fast = native._fast_calls.get(native._array_entry)
    assert fast is not None and fast(args) is not None


def check(native: CompiledModule, module: nn.Module, *args: Any) -> None:
    with torch.no_grad():
        torch.testing.assert_close(native(*args), module(*args))


def test_every_change_of_the_state_is_seen(affine: tuple[Affine, CompiledModule]) -> None:
    module, native = affine
    x = torch.randn(2, 4)

    def changed() -> None:
        check(native, module, x)
        warm(native, x)
        check(native, module, x)

    changed()
    with torch.no_grad():
        module.weight.add_(1)
    changed()
    module.weight.data = torch.randn(3, 4)
    changed()
    module.bias = nn.Parameter(torch.randn(3))
    changed()
    module.load_state_dict({"weight": torch.randn(3, 4), "bias": torch.randn(3)})
    changed()
    module.load_state_dict({"weight": torch.randn(3, 4), "bias": torch.randn(3)}, assign=True)
    changed()
    module.weight.data = torch.randn(4, 3).t()
    check(native, module, x)
    check(native, module, x)
    module.weight.data = torch.randn(3, 4)
    module.double()
    with pytest.raises(ArgumentError, match="parameter weight: expected dtype float32, found float64"):
        native(x)
    module.float()
    changed()
    del module.weight
    with pytest.raises(KeyError):
        native(x)
    module.weight = nn.Parameter(torch.randn(3, 4))
    changed()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.ones(2, 5), "x: dimension 1: expected 4, found 5"),
        (torch.ones(2, 4, 1), "x: expected rank 2"),
        (torch.ones(2, 4, dtype=torch.float64), "x: expected dtype float32, found float64"),
        (torch.ones(2, 4, dtype=torch.int32), "x: expected dtype float32, found int32"),
        (torch.ones(2, 4, device="meta"), "x: expected a tensor on the CPU"),
        (torch.eye(2, 4).to_sparse(), "x: expected a dense tensor"),
        (3.0, "x: expected a tensor"),
        (None, "x: expected a tensor"),
    ],
    ids=str,
)
def test_wrong_inputs_are_named_after_right_ones(affine: tuple[Affine, CompiledModule], x: Any, message: str) -> None:
    _, native = affine
    warm(native, torch.ones(2, 4))
    with pytest.raises(ArgumentError, match=message):
        native(x)
    with pytest.raises(ArgumentError):
        native()
    with pytest.raises(ArgumentError):
        native(torch.ones(2, 4), torch.ones(2, 4))


def test_inputs_that_are_laid_out_in_another_way(affine: tuple[Affine, CompiledModule]) -> None:
    module, native = affine
    x = torch.randn(2, 4)
    warm(native, x)
    backwards = torch.complex(x, x).conj().imag.contiguous()
    for other in (
        torch.randn(4, 2).t(),
        torch.randn(2, 8)[:, ::2],
        torch.randn(5, 4)[2:4],
        torch._neg_view(x),
        backwards,
        torch.randn(2, 4, requires_grad=True),
        nn.Parameter(torch.randn(2, 4)),
        torch.randn(1, 4).expand(2, 4),
    ):
        check(native, module, other)
        warm(native, x)
    with torch.no_grad():
        torch.testing.assert_close(native(x=x), module(x))


def test_sizes_that_change_from_call_to_call() -> None:
    module = nn.Linear(4, 3).eval()
    native = slipstick.compile(
        module, (torch.randn(5, 4),), dynamic_shapes={"input": {0: torch.export.Dim("rows", min=2, max=64)}}
    )
    for rows in (2, 5, 5, 2, 64, 64):
        check(native, module, torch.randn(rows, 4))
    warm(native, torch.randn(7, 4))
    with pytest.raises(ArgumentError, match="expected 2 to 64, found 65"):
        native(torch.randn(65, 4))


class Results(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, Any]:
        total = x + y
        return {
            "twice": (total, total),
            "view": total.view(6),
            "bool": x > y,
            "long": (x * 2).long(),
            "bfloat": x.bfloat16(),
            "scalar": total.sum(),
            "input": x,
            "parameter": self.scale,
            "number": 3,
        }


def test_results_of_all_kinds() -> None:
    module, x, y = Results(), torch.randn(2, 3), torch.randn(2, 3)
    native = slipstick.compile(module, (x, y))
    warm(native, x, y)
    found, expected = native(x, y), module(x, y)
    torch.testing.assert_close({**found, "number": 0}, {**expected, "number": 0})
    assert found["number"] == 3 and found["input"] is x and found["parameter"] is module.scale
    first, second = found["twice"]
    assert first is second
    assert first.data_ptr() != found["view"].data_ptr()
    assert not first.requires_grad and first.is_contiguous()
    found["view"].zero_()
    torch.testing.assert_close(first, x + y)


def test_a_result_without_elements() -> None:
    class Empty(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:0] * 2

    native, x = slipstick.compile(Empty(), (torch.ones(3, 4),)), torch.ones(3, 4)
    for _ in range(3):
        assert native(x).shape == (0, 4)


def test_results_outlive_everything_and_go_back_to_the_pool() -> None:
    module, x = nn.Linear(8, 100).eval(), torch.randn(4, 8)
    native = slipstick.compile(module, (x,))
    warm(native, x)
    view = native(x)[2, 10:20]
    with torch.no_grad():
        expected = module(x)[2, 10:20]
    native(x)  # as `view` holds a block
    before = slipstick.memory_statistics().misses
    for _ in range(100):
        native(x)
    assert slipstick.memory_statistics().misses == before
    del native, module
    gc.collect()
    torch.testing.assert_close(view, expected)


def test_encoded_weights_that_change_are_encoded_again() -> None:
    module, x = nn.Linear(64, 32).eval(), torch.randn(2, 64)
    native = slipstick.compile(module, (x,), weights="bf16")
    assert native.encoded
    warm(native, x)
    with torch.no_grad():
        module.weight.mul_(0)
        torch.testing.assert_close(native(x), module(x))
    warm(native, x)
    module.weight.data.add_(1)  # torch does not count this one
    native.encode_again()
    with torch.no_grad():
        torch.testing.assert_close(native(x), module(x), atol=0.1, rtol=0.1)


def test_eight_threads_call_one_module() -> None:
    """Each has its own arena: intermediates of one call never show in another."""
    module = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.LayerNorm(256), nn.Linear(256, 64)).eval()
    native = slipstick.compile(module, (torch.randn(64, 64),))
    assert native.workspace_bytes > 0
    inputs = [torch.randn(64, 64) for _ in range(8)]
    expected = [native(x) for x in inputs]
    with torch.no_grad():
        torch.testing.assert_close(expected[0], module(inputs[0]), atol=1e-4, rtol=1e-4)
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(100):
            if not torch.equal(native(inputs[number]), expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
