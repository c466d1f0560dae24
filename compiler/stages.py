"""The named stages of lowering, each a list of passes in textual pipeline form.

    linalg      linalg on tensors, as the importer or the user wrote it
    rewritten   graph rewrites done: L-Mul marked, weights encoded, repeated layers are functions, attention gathered in
                loops over heads, transposes folded into contractions, element-wise chains fused
    scheduled   every contraction and attention carries its decision (`slipstick.decision`), weights are packed, what
                works row by row is in one loop, each depth has its path; ready to be lowered
    loops       bufferised: memrefs, scf loops, vector kernels, parallel loops
    llvm        LLVM dialect, ready for translation to LLVM IR

A module says where it stands in its attribute `slipstick.stage`; one without it stands at "linalg". The text after any
stage can be fed back to `slipstick.compile`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from ..bindings import ir, translate_to_llvm_ir
from ..errors import ArgumentError, IRError
from ..kernels.lmul import LMul
from ..passes.base import Message, NamedPipeline, option
from ..passes.diagnostics import format_message
from ..passes.instrumentation import Instrumentation
from ..passes.manager import run_pipeline
from ..passes.options import quote
from ..passes.set_stage import STAGE_ATTRIBUTE
from ..passes.walk import find
from ..target import Target
from . import policies
from .options import Deciding, SkipPaths

TRANSLATABLE = frozenset({"builtin", "llvm", "omp"})
policies.provide()
STAGES: tuple[str, ...] = ("linalg", "rewritten", "scheduled", "loops", "llvm")


@dataclass(frozen=True)
class StageRewritten(NamedPipeline):
    """linalg -> rewritten: mark L-Mul, encode weights, outline layers, gather attention, fuse element-wise chains."""

    name: ClassVar[str] = "stage-rewritten"
    lmul: bool = option(False, "rewrite multiplies into L-Mul")
    mantissa_bits: int = option(4, "L-Mul: mantissa bits that are kept")
    rounding: str = option("truncate", "L-Mul: truncate or rne")
    specials: str = option("ieee", "L-Mul: ieee or finite")
    scope: str = option("all", "L-Mul: attention, linear, elementwise, all, op:PATTERN, layer:PATTERN, joined by +")
    offset: str = option("paper", "L-Mul: paper, unbiased or min-rms")
    weights: str = option("f32", "format of the weights of linear layers: f32, bf16 or lm8")
    cut: bool = option(False, "keep layers apart, so that they can be left out")
    layers: bool = option(True, "outline what repeats")

    def text(self) -> str:
        """Return the pipeline."""
        mark = (
            f"lmul-mark{{mantissa-bits={self.mantissa_bits} rounding={self.rounding}"
            f" specials={self.specials} scope={quote(self.scope)} offset={self.offset}}}"
        )
        return _join(
            "prepare-entry",
            # Written by hand: arithmetic on whole tensors, which the importer has in linalg.
            "convert-elementwise-to-linalg,empty-outputs",
            "guard-angles",
            "canonicalize,cse",
            "cut-layers" if self.cut else "",
            mark if self.lmul else "",
            "func.func(refback-generalize-tensor-concat,refback-generalize-tensor-pad)",
            "convolutions-to-products,windows-along-rows",
            f"encode-weights{{format={self.weights}}}" if self.weights != "f32" else "",
            # What comes after sees one of all layers that are equal, and takes no longer for more of them.
            "outline-layers" if self.layers else "",
            "fuse-attention,canonicalize",
            "drop-unread-arguments",
            "flatten-batches,fold-transposes",
            "canonicalize,cse",
            "drop-unread-results",
            "inline-splats,fold-scatter-sums",
            "fuse-elementwise",
            "narrow-variance",
            "canonicalize,cse",
            "set-stage{stage=rewritten}",
        )


@dataclass(frozen=True)
class StageScheduled(NamedPipeline):
    """rewritten -> scheduled: tile each contraction, pack weights, fuse what works row by row."""

    name: ClassVar[str] = "stage-scheduled"
    vector_bits: int = option(256, "width of a vector register, in bits")
    vector_registers: int = option(16, "number of vector registers")
    l1_bytes: int = option(32 << 10, "size of the first-level data cache, in bytes")
    l2_bytes: int = option(512 << 10, "size of the second-level cache, in bytes")
    min_layers: int = option(0, "layers of the shallowest path through a decode step; 0: there is the full one alone")
    max_layers: int = option(0, "layers of the deepest path besides the full one; 0: all")
    warmup: int = option(1, "layers at the beginning that every path runs")
    pack_weights: bool = option(True, "products read parameters from panels, which the caller packs once")
    threads: int = option(1, "threads that the kernels run on")
    policy: Literal["heuristic", "search", "model"] = option("heuristic", "who decides")
    budget: int = option(0, "candidates of a nest that may be measured")
    decisions: str = option("", "a file of decisions")
    target: str = option("host", "the CPU, as LLVM calls it, for other policies than the heuristic")

    def text(self) -> str:
        """Return the pipeline."""
        skip = f"skip-decode{{min-layers={self.min_layers} max-layers={self.max_layers} warmup={self.warmup}}}"
        return _join(
            *self._deciding(),
            self._decide(),
            "pack-weights" if self.pack_weights else "",
            skip if self.min_layers else "",
            "set-stage{stage=scheduled}",
        )

    def heuristic(self) -> str:
        """Return the part of the pipeline up to where the heuristic has decided everything, and nothing is applied."""
        return _join(*self._deciding())

    def _deciding(self) -> tuple[str, ...]:
        registers = f"vector-bits={self.vector_bits} vector-registers={self.vector_registers}"
        return (
            f"schedule-attention{{{registers}}}",
            f"schedule-contractions{{{registers} l1-bytes={self.l1_bytes} l2-bytes={self.l2_bytes}"
            f" pack-few-rows={str(self.pack_weights).lower()} threads={self.threads}}}",
            "fuse-epilogues",
            "reassociate-reductions",
            "fuse-rows",
            "canonicalize,cse",
            "fuse-elementwise",
            f"schedule-nests{{{registers}}}",
        )

    def _decide(self) -> str:
        if self.policy == "heuristic" and not self.decisions:
            return ""
        options = f"policy={self.policy} target={quote(self.target)} budget={self.budget}"
        return f"decide{{{options} decisions={quote(self.decisions)}}}"


@dataclass(frozen=True)
class StageLoops(NamedPipeline):
    """scheduled -> loops: bufferise, lower contractions to packed kernels and the rest to loops, expand L-Mul."""

    name: ClassVar[str] = "stage-loops"
    parallel: bool = option(False, "make the outer loops of kernels parallel")
    vector_bits: int = option(256, "width of a vector register, in bits")
    vector_registers: int = option(16, "number of vector registers")
    nan_maximum: bool = option(False, "a maximum that keeps NaN is one instruction")
    avx512: bool = option(False, "use instructions of AVX-512F")

    def text(self) -> str:
        """Return the pipeline."""
        return _join(
            "scatters-to-loops,split-empty-tensors,func.func(tm-tensor-bufferize),isolate-buffers",
            "one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map"
            " allow-return-allocs-from-loops}",
            "canonicalize,cse",
            # Layers: what they return of their arguments is dropped, what they allocate for it the entry allocates.
            "drop-equivalent-buffer-results,overwrite-arguments,results-to-arguments,canonicalize",
            "ownership-based-buffer-deallocation",
            "canonicalize,buffer-deallocation-simplification,bufferization-lower-deallocations,cse,canonicalize",
            f"lower-attention{{parallel={str(self.parallel).lower()}}}",
            f"lower-contractions{{parallel={str(self.parallel).lower()}}}",
            # Before loops: a named operation that becomes loops loses its mark.
            "lmul{scope=marked}",
            "hoist-preparations",
            "outline-kernels",
            f"vectorise-rows{{vector-bits={self.vector_bits} registers={4 if self.vector_registers > 16 else 2}"
            f" nan-maximum={str(self.nan_maximum).lower()}}}",
            "func.func(tm-tensor-to-loops,scf-forall-to-for,convert-linalg-to-loops)",
            "guard-divisions",
            "canonicalize,cse",
            "parallelise-kernels" if self.parallel else "",
            "stack-temporaries",
            "plan-arena",
            "specialise-kernels",
            "approximate-math{avx512}" if self.avx512 else "approximate-math",
            "canonicalize,cse",
            # Of loops that turn out to run once, the counters are constants.
            "specialise-kernels,drop-unread-arguments,canonicalize,cse",
            "set-stage{stage=loops}",
        )


@dataclass(frozen=True)
class StageLLVM(NamedPipeline):
    """loops -> llvm: lower everything to the LLVM dialect."""

    name: ClassVar[str] = "stage-llvm"
    parallel: bool = option(False, "run parallel loops on the OpenMP run time")
    vector_bits: int = option(0, "width of the vectors that loops are turned into, in bits; 0: as LLVM likes")
    avx512: bool = option(False, "masks have registers of their own")

    def text(self) -> str:
        """Return the pipeline."""
        return _join(
            # The conversion wraps each body in a scope of allocations.
            "convert-scf-to-openmp,inline-allocation-scopes,canonicalize" if self.parallel else "",
            "convert-bufferization-to-memref,convert-scf-to-cf",
            "asserts-to-status,finish-kernels",
            "masks-as-bits" if self.avx512 else "",
            "expand-strided-metadata,lower-affine",
            # Before vectors are lowered: the scalar calls are taken from vectors lane by lane.
            "convert-math-to-llvm,convert-math-to-libm,convert-vector-to-llvm",
            "arith-expand{include-bf16=true},memref-expand,convert-complex-to-llvm",
            "finalize-memref-to-llvm{use-generic-functions=true}",
            "convert-func-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,convert-index-to-llvm,convert-ub-to-llvm",
            "convert-openmp-to-llvm" if self.parallel else "",
            "reconcile-unrealized-casts,canonicalize,cse",
            f"annotate-kernels{{vector-bits={self.vector_bits}}},trim-entry",
            "set-stage{stage=llvm}",
        )


PIPELINES: tuple[type[NamedPipeline], ...] = (StageRewritten, StageScheduled, StageLoops, StageLLVM)


def stage_of(module: ir.Module) -> str:
    """Return the stage that `module` stands at.

    Raises ArgumentError where its attribute names no stage.
    """
    attributes = module.operation.attributes
    if STAGE_ATTRIBUTE not in attributes:
        return STAGES[0]
    attribute = attributes[STAGE_ATTRIBUTE]
    for stage in STAGES:
        if isinstance(attribute, ir.StringAttr) and attribute.value == stage:
            return stage
    raise ArgumentError(f"{STAGE_ATTRIBUTE}: expected one of {', '.join(STAGES)}, found {attribute}")


def stage_pipelines(
    target: Target,
    lmul: LMul | None,
    threads: int,
    weights: str = "f32",
    skip: SkipPaths | None = None,
    *,
    pack_weights: bool = True,
    deciding: Deciding | None = None,
) -> dict[str, NamedPipeline]:
    """Return, for each stage but the first, the pipeline that leads to it from the one before, for so many threads."""
    cut = skip is not None
    rewritten = StageRewritten(weights=weights, cut=cut)
    if lmul is not None:
        rewritten = StageRewritten(
            True, lmul.mantissa_bits, lmul.rounding, lmul.specials, lmul.scope, lmul.offset, weights, cut
        )
    scheduled = StageScheduled(
        target.vector_bits,
        target.vector_registers,
        target.l1d_bytes,
        target.l2_bytes,
        pack_weights=pack_weights,
        threads=threads,
    )
    parallel = threads > 1
    loops = StageLoops(
        parallel,
        target.vector_bits,
        target.vector_registers,
        nan_maximum=target.architecture == "aarch64",
        avx512=target.has("avx512f"),
    )
    if deciding is not None:
        scheduled = replace(
            scheduled,
            policy=deciding.policy,
            budget=deciding.budget,
            decisions=str(deciding.file or ""),
            target=target_name(target),
        )
    if skip is not None:
        scheduled = replace(scheduled, min_layers=skip.min_layers, max_layers=skip.max_layers or 0, warmup=skip.warmup)
    llvm_stage = StageLLVM(parallel, target.vector_bits, target.has("avx512f"))
    return {"rewritten": rewritten, "scheduled": scheduled, "loops": loops, "llvm": llvm_stage}


def target_name(target: Target) -> str:
    """Return the name that a pass finds a target by: "host", or that of a CPU. Raises ArgumentError for another one."""
    if target == Target.host():
        return "host"
    if target != Target.named(target.cpu):
        raise ArgumentError(f"target: expected the host or a CPU as LLVM knows it to decide for, found {target}")
    return target.cpu


def run_stages(
    module: ir.Module,
    *,
    until: str,
    target: Target,
    lmul: LMul | None = None,
    threads: int = 1,
    weights: str = "f32",
    skip: SkipPaths | None = None,
    pack_weights: bool = True,
    deciding: Deciding | None = None,
    instrumentation: Instrumentation | None = None,
) -> None:
    """Bring `module`, in place, from its stage to the stage `until`; do nothing where it is there or beyond.

    `instrumentation` sees each pass before and after it runs. The IR is verified after each pass of slipstick, and so
    at the end of each stage; MLIR's own, which are most, are trusted to leave it valid: verifying after them, too,
    would take a fifth of the time. Raises IRError where a pass fails.
    """
    start = stage_of(module)
    pipelines = stage_pipelines(target, lmul, threads, weights, skip, pack_weights=pack_weights, deciding=deciding)
    for stage in STAGES[STAGES.index(start) + 1 : STAGES.index(until) + 1]:
        run_pipeline(module, pipelines[stage].text(), instrumentation=instrumentation, verify="own")


def llvm_ir(module: ir.Module) -> str:
    """Return the LLVM IR text (of the bindings' LLVM version) of a module at the stage "llvm".

    Raises IRError where an operation of another dialect is left: the translation would end the process.
    """
    left = find(module.operation, lambda op: op.name.partition(".")[0] not in TRANSLATABLE)
    if left:
        texts = ((op.location, f"'{op.name}' was not lowered to the LLVM dialect") for op in left[:10])
        raise IRError("\n".join(format_message(Message("error", location, text)) for location, text in texts))
    return translate_to_llvm_ir(module.operation)


def _join(*parts: str) -> str:
    return f"builtin.module({','.join(part for part in parts if part)})"
