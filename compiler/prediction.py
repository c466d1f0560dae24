"""`slipstick.predict`: what a module's kernels will cost on a CPU, from their text, without generating code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bindings import ir
from ..costmodel.predictor import Predicted, Prediction
from ..errors import ArgumentError
from ..passes.manager import run_pipeline
from ..passes.prepare_entry import find_entry, keep_public, public_functions
from ..passes.walk import find
from ..target import Target
from .build import parse
from .given_ir import parse_given
from .kernel_loops import kernel_loops
from .stages import STAGES, run_stages, stage_of
from .standalone import kernels

if TYPE_CHECKING:
    from ..costmodel.predictor import Predictor
    from ..kernels.lmul import LMul

_SUMMED = ("spills", "reloads", "stack_bytes", "instructions", "code_bytes")
MOST_BYTES = 64 << 20
"""Text longer than this is refused: no program without weights in it is."""


@dataclass(frozen=True)
class KernelPrediction:
    """What is predicted of a kernel, or of a whole function."""

    function: str
    kernel: str
    """The kernel's place and kind in its function, e.g. `2 packed`; empty for the function."""
    target: str
    predicted: Predicted

    def json(self) -> dict[str, Any]:
        """Return an entry of `slipstick-cost predict --json`."""
        head = {"function": self.function, "kernel": self.kernel or None, "target": self.target}
        return {**head, **self.predicted.json()}


def predict(
    source: str | ir.Module | Path,
    target: str | Target = "host",
    *,
    lmul: LMul | None = None,
    model: Predictor | None = None,
    lower: bool = False,
) -> list[KernelPrediction]:
    """Predict registers, spills, instructions, cycles and utilisation of what is in an MLIR module.

    `source` is text, a path or a module. A module of operations on tensors, or of linalg on buffers, is brought to the
    stage "scheduled" for the target (with `lmul` if given) and predicted kernel by kernel, each public function on its
    own where none is called `main`; any other module, of loops, is predicted function by function. Each function has an
    entry of its own behind those of its kernels: the most registers, the slowest loop, everything else summed up.
    `model` is the released one if not given.

    With `lower` each kernel on tensors is lowered to its loops, which takes longer than all the rest, and predicted
    from them: registers and spills follow from loops much more surely than from the operations that they come from.
    Kernels without loops are predicted from their operations all the same.

    Raises IRError for text that does not parse or schedule, ArgumentError for a module without functions.
    """
    machine = Target.resolve(target)
    module = _read(source)
    if model is None:
        from .released_model import load_model

        model = load_model()
    return [
        found for function in _functions(module, machine, lmul) for found in _predict(*function, machine, model, lower)
    ]


def kernel_texts(source: str | ir.Module | Path, target: Target, lmul: LMul | None = None) -> dict[str, str]:
    """Return the texts that `predict` hands to the model, by function and kernel. Raises as `predict` does."""
    return {
        f"{function} {kernel}".rstrip(): text
        for function, named in _functions(_read(source), target, lmul)
        for kernel, text in named
    }


def _read(source: str | ir.Module | Path) -> ir.Module:
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else str(source)
    if len(text) > MOST_BYTES:
        raise ArgumentError(f"source: expected at most {MOST_BYTES >> 20} MiB of text, found {len(text) >> 20} MiB")
    return parse_given(source if isinstance(source, Path) else text)


def _functions(module: ir.Module, target: Target, lmul: LMul | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each function's name with its kernels: what each is called, and its text."""
    if STAGES.index(stage_of(module)) >= STAGES.index("llvm"):
        raise ArgumentError("source: expected a module on tensors or of loops, found one at the stage llvm")
    functions = find(module.operation, lambda op: op.name == "func.func" and bool(len(op.regions[0].blocks)))
    if not functions:
        raise ArgumentError("source: expected a module with functions (func.func) that have a body, found none")
    operations = find(
        module.operation,
        lambda op: op.name.startswith("linalg.") or any("tensor<" in str(result.type) for result in op.results),
    )
    if not operations or stage_of(module) == "loops":
        return [_loops(function) for function in functions]
    found: dict[str, list[tuple[str, str]]] = {}
    for part in _parts(module):
        run_stages(part, until="scheduled", target=target, lmul=lmul)
        for function in find(part.operation, lambda op: op.name == "func.func"):
            named = [(f"{number} {kernel.kind}", kernel.text) for number, kernel in enumerate(kernels(function))]
            if named:
                found.setdefault(function.attributes["sym_name"].value, named)
    if not found:
        raise ArgumentError("source: expected functions that compute (linalg operations), found none that does")
    return list(found.items())


def _parts(module: ir.Module) -> list[ir.Module]:
    """Return the module, or one for each of its public functions where none of them is the entry."""
    if find_entry(module.operation) is not None:
        return [module]
    names = [function.name.value for function in public_functions(module.operation)]
    text = module.operation.get_asm(enable_debug_info=True)
    parts = []
    for name in names:
        part = parse(text)
        keep_public(part.operation, name)
        run_pipeline(part, "builtin.module(symbol-dce)")
        parts.append(part)
    return parts or [module]


def _loops(function: ir.Operation) -> tuple[str, list[tuple[str, str]]]:
    return function.attributes["sym_name"].value, [("", function.get_asm(use_local_scope=True))]


def _predict(
    function: str, named: list[tuple[str, str]], target: Target, model: Predictor, lower: bool
) -> list[KernelPrediction]:
    texts = [text for _, text in named]
    # The model knows linalg on tensors; on buffers it is lowered in any case.
    lowered = [bool(kernel) and (lower or "tensor<" not in text) for kernel, text in named]
    if any(lowered):
        predicted = [
            _from_loops(text, target, model) if one else model.predict([text], target)[0]
            for one, text in zip(lowered, texts, strict=True)
        ]
    else:
        predicted = model.predict(texts, target)
    found = [
        KernelPrediction(function, kernel, target.cpu, one) for (kernel, _), one in zip(named, predicted, strict=True)
    ]
    if named[0][0]:
        found.append(KernelPrediction(function, "", target.cpu, _together(predicted)))
    return found


def _from_loops(text: str, target: Target, model: Predictor) -> Predicted:
    """Return the prediction of a kernel from the functions of loops that it becomes."""
    loops = list(kernel_loops(text, target).values())
    return _together(model.predict(loops or [text], target))


def _together(parts: list[Predicted]) -> Predicted:
    """Return the prediction of a function: sums of what adds up, else that of the kernel where it is highest."""
    predictions = {}
    for name in parts[0].predictions:
        own = [part.predictions[name] for part in parts]
        if name in _SUMMED:
            value, low, high = (sum(getattr(one, field) for one in own) for field in ("value", "low", "high"))
            predictions[name] = Prediction(value, low, high, own[0].unit)
        elif name == "vector_registers":
            predictions[name] = max(own, key=lambda one: one.value)
        else:
            slowest = max(parts, key=lambda part: part.predictions["cycles"].value)
            predictions[name] = slowest.predictions[name]
    return Predicted(predictions, tuple(dict.fromkeys(doubt for part in parts for doubt in part.unsure)))
