"""Every graph of the registry in its small form, compiled, against torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import slipstick
from slipstick.datasets.graphs import GRAPHS, Graph
from slipstick.tools.bench_workload import Workload, compare

ELSEWHERE = ("peft", "peft-training", "medcalc")
"""Families that `test_peft` and `test_medcalc_evaluate` compile."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    "found", [found for found in GRAPHS if found.family not in ELSEWHERE], ids=lambda found: found.name
)
def test_compiled_equals_torch(found: Graph, cache: Path, tmp_path: Path) -> None:
    form = Workload(found.small(), 1, tmp_path).form
    compiled = slipstick.compile(form.module, form.inputs, threads=1, cache_dir=cache)
    form.reset()
    agreement = compare(form.observed(compiled(*form.inputs)), form.expected)
    assert agreement.error <= found.tolerance
    assert any(expected.unique().numel() > 1 for expected in form.expected), "one value would agree by chance"
    assert all(expected.isfinite().all() for expected in form.expected if expected.is_floating_point())
