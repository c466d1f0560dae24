"""Errors of torch graphs: the operation and its line are named, and torch's own noise is kept away."""

from __future__ import annotations

import logging
import sys

import pytest
import slipstick
import torch
from slipstick import GraphError
from slipstick.compiler.graph_errors import lowering_error
from slipstick.compiler.quiet_torch import quiet_torch
from torch import nn


class Choice(nn.Module):
    def forward(self, x):
        print("the user's own", file=sys.stderr)
        return x + 1 if x.sum() > 0 else x


def test_only_what_the_user_writes_appears_beside_an_error(capfd):
    with pytest.raises(GraphError, match=r"control flow that depends on the values of a tensor.*test_graph_errors"):
        slipstick.compile(Choice(), (torch.ones(3),))
    with pytest.raises(GraphError, match=r"operation aten\.mm: .*\[3, 5\].*/torch/nn/modules/linear\.py:\d+: return"):
        slipstick.compile(nn.Sequential(nn.Linear(4, 5), nn.Linear(4, 5)), (torch.ones(3, 4),))
    assert set(capfd.readouterr().err.split("\n")) == {"the user's own", ""}


def test_records_below_warnings_stay():
    seen = []

    class Keep(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    log = logging.getLogger("torch.test_quiet")
    log.addHandler(Keep())
    log.setLevel(logging.INFO)
    log.propagate = False
    with quiet_torch():
        log.info("asked for")
        log.error("noise")
    log.error("after")
    assert seen == ["asked for", "after"]


def test_an_input_of_a_type_that_mlir_has_not_is_named():
    class Wider(nn.Module):
        def forward(self, counts):
            return counts.to(torch.int32)

    with pytest.raises(GraphError, match=r"input counts: torch-mlir cannot import it: torch\.uint16"):
        slipstick.compile(Wider(), (torch.ones(3, dtype=torch.uint16),))


def test_the_operations_of_a_line_are_named_where_torch_mlir_names_none():
    class Line(nn.Module):
        def forward(self, x):
            return x.sin() + x.cos()

    graph = torch.export.export(Line(), (torch.ones(3),)).graph_module
    line = Line.forward.__code__.co_firstlineno + 1
    place = (f'loc("{__file__}":{line}:0)', "failed to legalize operation 'torch.constant.int'")
    error = lowering_error([place], graph, None)
    assert f"one of the operations aten.sin, aten.cos, aten.add.Tensor to linalg ({__file__}:{line}: " in str(error)
    assert error.operation == ""
