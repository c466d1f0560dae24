"""From a module at any stage to object code, through the cache."""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path

from ..bindings import ir, new_context
from ..errors import ArgumentError, CodegenError, IRError
from ..passes.asserts_to_status import MESSAGES_ATTRIBUTE
from ..passes.decide import decisions_of
from ..passes.diagnostics import format_message, message_of
from ..passes.encode_weights import encoded_arguments
from ..passes.instrumentation import Execution, Instrumentation
from ..passes.pack_weights import packed_arguments
from ..passes.paths import noted_paths
from ..passes.plan_arena import WORKSPACE_ATTRIBUTE
from ..passes.prepare_entry import ENTRY_ATTRIBUTE
from ..passes.trim_entry import C_INTERFACE, FROM_ARRAY
from ..target import Target
from . import codegen
from .artifact import Artifact, Built
from .cache import Cache
from .options import CompileOptions
from .stages import STAGES, llvm_ir, run_stages, stage_of, stage_pipelines

LOG = logging.getLogger("slipstick")


def build(text: str, options: CompileOptions, target: Target) -> Built:
    """Compile a module's text, from the stage it stands at, for `target`; take it from the cache where that has it.

    Raises `IRError` for IR that does not parse or lower, `CodegenError` where LLVM refuses.
    """
    cache = Cache(options.cache_dir)
    pipelines = [
        pipeline.text()
        for pipeline in stage_pipelines(
            target,
            options.lmul,
            options.threads or 1,
            options.weights,
            options.skip,
            pack_weights=options.pack_weights,
            deciding=options.deciding,
        ).values()
    ]
    key = cache.key("object", text, *pipelines, options.weights, options.schedule, target.key())
    runnable = target.is_host_compatible()
    start = time.perf_counter()
    data = cache.get(key)
    if data is not None:
        try:
            artifact = Artifact.unpack(data)
            loaded = codegen.load_object(artifact.code) if runnable else None
            LOG.info("object code from the cache")
            return Built(artifact, loaded, True, {"load": time.perf_counter() - start})
        except (CodegenError, ValueError, KeyError, TypeError):
            LOG.warning("an entry of the cache cannot be loaded: compiling again")
    module = parse(text)
    counter = _Statistics()
    _run_stages(module, "llvm", options, target, counter)
    translated = llvm_ir(module)
    lowered = time.perf_counter()
    LOG.info("lowered to LLVM IR in %.2f s", lowered - start)
    entry, takes_array, messages = _interface(module)
    encoded, packed = tuple(encoded_arguments(module.operation)), tuple(packed_arguments(module.operation))
    code = codegen.compile_object(translated, target)
    statistics = dict(counter.total)
    workspace, paths = _workspace_bytes(module), _paths(module, takes_array)
    decisions = tuple(entry.json() for entry in decisions_of(module.operation).values())
    artifact = Artifact(code, entry, takes_array, messages, statistics, encoded, packed, workspace, paths, decisions)
    made = time.perf_counter()
    LOG.info("object code of %d bytes in %.2f s", len(code), made - lowered)
    cache.put(key, artifact.pack())
    loaded = codegen.load_object(code) if runnable else None
    timings = {"lower": lowered - start, "codegen": made - lowered, "load": time.perf_counter() - made}
    return Built(artifact, loaded, False, timings)


def parse(source: str | bytes | Path, context: ir.Context | None = None) -> ir.Module:
    """Parse a module, from its text, its bytecode or a file, in a context of its own where none is given.

    Raises `IRError` with `file:line:col: error: ...` lines; the file is called "-" where there is none.
    """
    context = context or new_context()
    context.emit_error_diagnostics = False
    try:
        if isinstance(source, Path):
            return ir.Module.parseFile(str(source), context)
        return ir.Module.parse(source, context)
    except ir.MLIRError as error:
        messages = [format_message(message_of(info)) for info in error.error_diagnostics]
        raise IRError("\n".join(messages) or str(error)) from None


def lower_text(text: str, stage: str, options: CompileOptions, target: Target) -> str:
    """Return the text of a module, given at an earlier stage, at `stage`; raises `ArgumentError` for a stage before."""
    if stage not in STAGES:
        raise ArgumentError(f"stage: expected one of {', '.join(STAGES)}, found {stage!r}")
    module = parse(text)
    start = stage_of(module)
    if STAGES.index(stage) < STAGES.index(start):
        raise ArgumentError(
            f'stage: the module entered at "{start}"; expected that stage or a later one, found "{stage}"'
        )
    _run_stages(module, stage, options, target)
    return str(module)


def llvm_text(text: str, options: CompileOptions, target: Target) -> str:
    """Return the LLVM IR of a module given at any stage."""
    module = parse(text)
    _run_stages(module, "llvm", options, target)
    return llvm_ir(module)


def _run_stages(
    module: ir.Module, until: str, options: CompileOptions, target: Target, counter: Instrumentation | None = None
) -> None:
    run_stages(
        module,
        until=until,
        target=target,
        lmul=options.lmul,
        threads=options.threads or 1,
        weights=options.weights,
        skip=options.skip,
        pack_weights=options.pack_weights,
        deciding=options.deciding,
        instrumentation=counter,
    )


class _Statistics(Instrumentation):
    def __init__(self) -> None:
        self.total: Counter[str] = Counter()

    def after_pass(self, execution: Execution) -> None:
        for what, count in execution.statistics.items():
            self.total[f"{execution.name}: {what}"] += count


def _interface(module: ir.Module) -> tuple[str, bool, tuple[str, ...]]:
    """Return the symbol of the entry's C interface, whether that takes an array, and the texts of assertions."""
    attributes = module.operation.attributes
    if ENTRY_ATTRIBUTE not in attributes or MESSAGES_ATTRIBUTE not in attributes:
        raise IRError(f"the module names no entry: expected the attributes {ENTRY_ATTRIBUTE} and {MESSAGES_ATTRIBUTE}")
    entry = ir.FlatSymbolRefAttr(attributes[ENTRY_ATTRIBUTE]).value
    messages = tuple(ir.StringAttr(message).value for message in ir.ArrayAttr(attributes[MESSAGES_ATTRIBUTE]))
    symbol = f"{C_INTERFACE}{entry}"
    takes_array = f"{symbol}{FROM_ARRAY}" in ir.SymbolTable(module.operation)
    return f"{symbol}{FROM_ARRAY}" if takes_array else symbol, takes_array, messages


def _paths(module: ir.Module, takes_array: bool) -> dict[int, str]:
    behind = FROM_ARRAY if takes_array else ""
    return {depth: f"{C_INTERFACE}{name}{behind}" for depth, name in noted_paths(module.operation).items()}


def _workspace_bytes(module: ir.Module) -> int:
    attributes = module.operation.attributes
    return int(attributes[WORKSPACE_ATTRIBUTE].value) if WORKSPACE_ATTRIBUTE in attributes else 0
