"""The labelled corpus: kernels on their own, counts against assembly, parts that resume, failures that are recorded."""

from __future__ import annotations

import json
import sys
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import slipstick
import torch
from pool_tasks import behave
from slipstick.compiler import codegen, elf
from slipstick.compiler.build import parse
from slipstick.compiler.signature import TensorSpec
from slipstick.compiler.stages import llvm_ir, run_stages
from slipstick.compiler.standalone import kernels
from slipstick.datasets.corpus import build, measured, verify
from slipstick.datasets.corpus.assembly import count, functions, inner_loops
from slipstick.datasets.corpus.build import build_corpus
from slipstick.datasets.corpus.forms import forms
from slipstick.datasets.corpus.generators import GENERATORS
from slipstick.datasets.corpus.graph_programs import graph_names
from slipstick.datasets.corpus.label import label
from slipstick.datasets.corpus.lowering import lower, prepared
from slipstick.datasets.corpus.machine_code import code_bytes, machine_code
from slipstick.datasets.corpus.plan import Plan, program
from slipstick.datasets.corpus.pool import Pool
from slipstick.datasets.corpus.program import Program
from slipstick.datasets.corpus.row import Failure, Row
from slipstick.datasets.corpus.schedules import variants
from slipstick.datasets.corpus.session import Form, Session
from slipstick.datasets.corpus.simulate import simulate, simulator
from slipstick.datasets.corpus.store import SCHEMA, read_manifest, read_rows
from slipstick.datasets.corpus.work import work
from slipstick.datasets.graph import FAMILIES
from slipstick.datasets.graphs import graph
from slipstick.errors import ArgumentError
from slipstick.target import Target

X86 = """
kernel:                                 # @kernel
# %bb.0:
\tsubq\t$136, %rsp
\tvmovups\t(%rdi), %zmm0
\tvmovups\t%zmm0, 64(%rsp)                # 64-byte Spill
\tmovq\t%rbx, 8(%rsp)                   # 8-byte Spill
.LBB0_1:                                # =>This Inner Loop Header: Depth=1
\tvaddps\t64(%rsp), %zmm0, %zmm3          # 64-byte Folded Reload
\tvfmadd231ps\t%zmm3, %zmm3, %zmm17
\taddq\t$16, %rcx
\tjne\t.LBB0_1
# %bb.2:
\tretq
.Lfunc_end0:
"""
AARCH64 = """
kernel:                                 // @kernel
// %bb.0:
\tsub\tsp, sp, #2, lsl #12            // =8192
\tstp\tq0, q1, [sp, #32]               // 32-byte Folded Spill
\tstp\tx29, x30, [sp]                  // 16-byte Folded Spill
\tfmla\tv2.4s, v0.4s, v1.s[0]
\tldr\tq31, [sp, #32]                  // 16-byte Reload
\tret
.Lfunc_end0:
"""


def test_counts_of_x86_assembly() -> None:
    found = count(functions(X86)["kernel"], "x86_64")
    assert (found.vector_registers, found.spills, found.reloads, found.scalar_spills) == (3, 1, 1, 1)
    assert (found.instructions, found.vector_instructions, found.stack_bytes, found.loops) == (9, 4, 136, 1)
    assert found.scalar_registers == 3  # rdi, rbx, rcx
    (loop,) = inner_loops(X86)
    assert len(loop.lines) == 4 and loop.vector_instructions("x86_64") == 2


def test_counts_of_aarch64_assembly() -> None:
    found = count(functions(AARCH64)["kernel"], "aarch64")
    assert (found.vector_registers, found.spills, found.reloads, found.scalar_spills) == (4, 1, 1, 1)
    assert (found.instructions, found.stack_bytes, found.scalar_registers) == (6, 8192, 2)


@pytest.mark.parametrize("family", sorted(GENERATORS))
def test_random_programs_compile_and_a_kernel_alone_computes_what_it_did(family: str) -> None:
    made = program((family, 3))
    assert made == program((family, 3)) != program((family, 4))
    module = parse(made.text)
    run_stages(module, until="scheduled", target=Target.host())
    found = kernels(module.operation)
    assert found
    if len(found) > 1 or "slipstick.parameter" in made.text:
        return
    whole, alone = slipstick.compile(made.text), slipstick.compile(str(prepared(Session(), found[0].text)))
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.rand(shape, generator=generator, dtype=getattr(torch, dtype)) for shape, dtype in tensors(whole)]
    # A kernel takes its arguments in the order in which it reads them.
    fitting = [
        order for order in permutations(inputs) if [(tuple(t.shape), str(t.dtype)[6:]) for t in order] == tensors(alone)
    ]
    expected = whole(*inputs)
    assert any(torch.allclose(alone(*order), expected, equal_nan=True) for order in fitting)


def tensors(compiled: slipstick.CompiledModule) -> list[tuple[tuple[Any, ...], str]]:
    """Return shapes and types of the inputs, none of which is dynamic."""
    specs = [argument.spec for argument in compiled.signature.arguments]
    return [(spec.shape, spec.dtype) for spec in specs if isinstance(spec, TensorSpec)]


def test_a_kernel_has_what_it_reads() -> None:
    module = parse(program(("product", 0)).text)
    run_stages(module, until="scheduled", target=Target.named("haswell"))
    first = kernels(module.operation)[0]
    assert first.kind == "packed" and "slipstick.decision" in first.text
    assert parse(first.text).operation.verify()


def test_other_schedules_are_legal_and_differ() -> None:
    import random

    module = parse(program(("product", 0)).text)
    target = Target.named("znver4")
    run_stages(module, until="scheduled", target=target)
    text = kernels(module.operation)[0].text
    session = Session()
    found = variants(session, text, 4, random.Random(0), target)
    assert len(found) >= 3 and len({text, *found}) == len(found) + 1
    assert found == variants(session, text, 4, random.Random(0), target)
    assert variants(session, program(("elementwise", 0)).text, 4, random.Random(0), target) == []


def test_labels_agree_with_the_compiler() -> None:
    target = Target.named("haswell")
    rows = [row for row in label([program(("rows", 1))], [target], 0) if isinstance(row, Row)]
    loops = [row for row in rows if row.level == "loops"]
    for level in ("graph", "linalg"):
        whole = [row for row in rows if row.level == level]
        assert sum(row.compiled.instructions for row in whole) == sum(row.compiled.instructions for row in loops)
    assert max(row.compiled.vector_registers for row in loops) <= 16
    assert all(4 * row.compiled.instructions < 10 * row.code_bytes < 120 * row.compiled.instructions for row in loops)
    assert set(loops[0].flat()) == set(SCHEMA.names)


@pytest.mark.parametrize("cpu", ["haswell", "neoverse-v2"])
def test_kernels_compiled_together_are_what_they_are_alone(cpu: str) -> None:
    target, session = Target.named(cpu), Session()
    texts = []
    for name in (("rows", 1), ("elementwise", 3)):
        module = session.parse(program(name).text)
        session.bring(module, "scheduled", target, Form())
        texts += [kernel.text for kernel in kernels(module.operation)]
    together = machine_code(session, [lower(session, text, target) for text in texts], target)
    for text, found in zip(texts, together, strict=True):
        alone = lower(Session(), text, target)
        code = llvm_ir(alone.module)
        sizes = elf.inspect(codegen.compile_object(code, target)).function_bytes
        assert found and {name: function.code_bytes for name, function in found.items()} == {
            name: sizes[name] for name in found
        }
        assert code_bytes(codegen.assembly(code, target), target) == sizes
        instructions = functions(codegen.assembly(code, target))
        architecture = target.architecture
        assert all(
            count(function.assembly, architecture) == count(instructions[name], architecture)
            for name, function in found.items()
        )


def test_a_training_step_is_a_program() -> None:
    """One whose trained numbers are kept past their names, in a dictionary of Python."""
    made = program(("graph peft-tinylora-training-1x128:small", 0))
    assert (made.name, made.family) == ("graph peft-tinylora-training-1x128:small", "peft-training")
    assert made.text.count("linalg.") > 100


def test_forms_of_a_program() -> None:
    made = program(("epilogue", 1))
    found = forms(made, 3)
    assert found == forms(made, 3) and len(set(found)) == 4
    assert found[0] == Form() and forms(program(("narrow-product", 0)), 0)[0].weights in ("bf16", "lm8")
    rows = [row for row in label([program(("rows", 1))], [Target.named("haswell")], 0, 3) if isinstance(row, Row)]
    assert len({(row.lmul, row.weights, row.fusion) for row in rows}) > 1
    assert len({row.canonical for row in rows if row.level == "graph"}) == sum(row.level == "graph" for row in rows)


def test_small_families_of_the_registry_come_in_several_sizes() -> None:
    names = graph_names()
    families = Counter(graph(name).family for name in names)
    assert set(families) == set(FAMILIES) and min(families.values()) >= 8


def test_what_does_not_lower_is_recorded() -> None:
    broken = Program(
        "broken", "none", "func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> { return %b : tensor<4xf32> }"
    )
    (failure,) = label([broken], [Target.named("znver4")], 0)
    assert isinstance(failure, Failure) and "undeclared SSA value" in failure.reason


@pytest.mark.skipif(simulator() is None, reason="llvm-mca of LLVM 22 is not installed")
def test_the_simulator_knows_the_bound_of_a_loop() -> None:
    text = X86.replace("vaddps\t64(%rsp), %zmm0, %zmm3          # 64-byte Folded Reload", "nop")
    refused = text.replace("nop", "nonsense")
    found, none, no_loop, again = simulate([text, refused, "", text], Target.named("skylake-avx512"))
    # A chain of one fused multiply-add takes its latency of four cycles each turn.
    assert found is not None and 3.5 < found.cycles < 4.5 and 0 < found.utilisation <= 1
    assert none is None and no_loop is None and again == found
    assert simulate([AARCH64], Target.named("neoverse-v2")) == [None]


CHEAP = ("permutation", "pooling")


def test_a_corpus_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "PART", 2)
    monkeypatch.setattr(build, "GROUP", 1)
    plan = Plan(5, 7, ("znver4",), 0, families=CHEAP)
    told: list[build.Progress] = []
    build_corpus(tmp_path / "one", plan, 1, None, told.append)
    rows = list(read_rows(tmp_path / "one"))
    assert [progress.done for progress in told] == [1, 2, 3, 4, 5]
    assert {row["level"] for row in rows} == {"linalg", "graph", "loops"}
    assert {row["target"] for row in rows} == {"znver4"}

    # Rows that are drawn and labelled again are the same; one that is not is told.
    counts: list[int] = []
    verified = verify.verify(tmp_path / "one", 1, 3, 1, counts.append)
    assert verified.differences == () and verified.rows == counts[-1] > 0 and verified.parts == 1
    assert verify.compare(rows, rows) == ""
    assert verify.compare(rows, rows[1:]) == f"{len(rows)} rows in the corpus, {len(rows) - 1} now"
    other = [{**rows[0], "spills": rows[0]["spills"] + 1}, *rows[1:]]
    assert verify.compare(rows, other) == f"1 of {len(rows)} rows differ in spills"

    # A part that is lost or damaged is made again, the same bit for bit.
    hashes = read_manifest(tmp_path / "one")["parts"]
    (tmp_path / "one" / "part-00000.parquet").unlink()
    (tmp_path / "one" / "part-00001.parquet").write_bytes(b"damaged")
    with pytest.raises(ArgumentError, match="damaged"):
        list(read_rows(tmp_path / "one"))
    told.clear()
    build_corpus(tmp_path / "one", plan, 1, None, told.append)
    assert [progress.done for progress in told] == [2, 3, 4, 5]
    assert read_manifest(tmp_path / "one")["parts"] == hashes

    # A sample is the first parts of the whole, whatever the number of workers.
    build_corpus(tmp_path / "sample", plan, 2, None, told.append, sample=10)
    sample = read_manifest(tmp_path / "sample")["parts"]
    assert 0 < len(sample) < len(hashes) and sample.items() <= hashes.items()
    assert len(list(read_rows(tmp_path / "sample"))) <= sum(read_manifest(tmp_path / "sample")["rows"].values())

    with pytest.raises(ArgumentError, match="another plan"):
        build_corpus(tmp_path / "one", Plan(6, 7, ("znver4",), 0, families=CHEAP), 1, None, told.append)


def test_graphs_of_the_registry_are_programs() -> None:
    names = [name for name, _ in Plan(5, graphs=("a", "b")).tasks()]
    assert [number for number, name in enumerate(names) if name.startswith("graph ")] == [0, 3] and len(names) == 7
    plan = Plan(0, graphs=("layernorm-128x768", "no-such-graph"), targets=("haswell",), schedules=0)
    first, second = (build.label_task(build.Task((name,), plan.targets, 0, 0)) for name in plan.tasks())
    assert {row["family"] for row in first.rows} == {"elementwise"}
    assert {row["kind"] for row in first.rows} == {"row", "program"}
    (failure,) = second.failures
    assert not second.rows and failure["program"].startswith("graph no-such-graph")


def test_plans_and_folders_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="programs: expected at least 1 without graphs, found 0"):
        Plan(0)
    with pytest.raises(ArgumentError, match=r"families: expected some of elementwise, .*, found waves"):
        Plan(1, families=("waves",))
    with pytest.raises(ArgumentError, match="expected a corpus"):
        list(read_rows(tmp_path))
    (tmp_path / "manifest.json").write_text(json.dumps([]))
    with pytest.raises(ArgumentError, match="expected an object"):
        read_manifest(tmp_path)


def test_a_task_that_dies_or_hangs_fails_alone() -> None:
    tasks = ["a", "die", "hang", "b"]
    # The limit is far above what starting a process takes on a busy machine.
    found = dict(Pool[str, str](behave, 2, 4.0).run(tasks))
    assert found == {"a": "A", "b": "B", "die": "the process died with status 3", "hang": "took longer than 4 s"}
    found = dict(Pool[str, str](behave, 1, 600.0, 1).run(["spin", "a"]))
    assert found == {"spin": "took longer than 1 s of CPU time", "a": "A"}


def test_a_cluster_labels_as_processes_do(tmp_path: Path) -> None:
    import distributed

    plan = Plan(2, 7, ("znver4",), 0, families=CHEAP)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        build_corpus(tmp_path / "cluster", plan, 1, cluster.scheduler_address, lambda progress: None)
    build_corpus(tmp_path / "processes", plan, 1, None, lambda progress: None)
    assert read_manifest(tmp_path / "cluster")["parts"] == read_manifest(tmp_path / "processes")["parts"]


def test_a_cluster_needs_dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ArgumentError, match=r"Dask is not installed: pip install 'slipstick\[cluster\]'"):
        build_corpus(tmp_path, Plan(1, 7, ("znver4",)), 1, "tcp://127.0.0.1:1", lambda progress: None)


def test_measured_labels_lie_apart(tmp_path: Path) -> None:
    plan = Plan(3, 7, (Target.host().cpu,), 0, 0, families=CHEAP)
    build_corpus(tmp_path, plan, 1, None, lambda progress: None)
    rows = measured.candidates(tmp_path, 2)
    assert len(rows) == 2 and rows == measured.candidates(tmp_path, 3)[:2]
    runners = [measured.prepare(row) for row in rows]
    found = measured.measure(rows, runners, measured.Roof(100.0, lambda size: 100.0))
    measured.write(tmp_path, found)
    assert list(measured.read_measured(tmp_path)) == found
    for row in found:
        assert 0 < row["time_ns"] == min(row["round1_ns"], row["round2_ns"])
        assert row["bandwidth_share"] == pytest.approx(row["bytes"] / row["time_ns"] / 100)
    assert set(measured.noise(found)) == {"median", "p90", "spearman"}
    assert "time_ns" not in next(read_rows(tmp_path))
    times = {row["canonical"]: row["time_ns"] for row in found}
    joined = list(measured.with_times(read_rows(tmp_path), [tmp_path]))
    assert {row["canonical"]: row["time_ns"] for row in joined if row["time_ns"] is not None} == times
    # A CPU with other vectors has other code, whose time nobody knows.
    elsewhere = [{**row, "target": "neoverse-v2"} for row in joined]
    assert {row["time_ns"] for row in measured.with_times(elsewhere, [tmp_path])} == {None}


def test_the_work_of_a_kernel() -> None:
    text = """func.func @kernel(%a: tensor<3x5xf32>, %b: tensor<5x7xf32>, %c: tensor<3x7xf32>) -> tensor<3x7xf32> {
      %0 = linalg.matmul ins(%a, %b : tensor<3x5xf32>, tensor<5x7xf32>) outs(%c : tensor<3x7xf32>) -> tensor<3x7xf32>
      return %0 : tensor<3x7xf32>
    }"""
    assert work(prepared(Session(), text)) == (2 * 3 * 5 * 7, 4 * (15 + 35 + 21 + 21))
