"""From a module at any stage to object code, through the cache."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..bindings import ir, new_context
from ..errors import ArgumentError, CodegenError, IRError
from ..passes.asserts_to_status import MESSAGES_ATTRIBUTE
from ..passes.diagnostics import format_message, message_of
from ..passes.encode_weights import EncodedArgument, encoded_arguments
from ..passes.instrumentation import Execution, Instrumentation
from ..passes.pack_weights import PackedArgument, packed_arguments
from ..passes.paths import noted_paths
from ..passes.plan_arena import WORKSPACE_ATTRIBUTE
from ..passes.prepare_entry import ENTRY_ATTRIBUTE
from ..passes.trim_entry import C_INTERFACE, FROM_ARRAY
from ..target import Target
from . import codegen
from .cache import Cache
from .options import CompileOptions
from .stages import STAGES, llvm_ir, run_stages, stage_of, stage_pipelines

LOG = logging.getLogger("slipstick")


@dataclass(frozen=True)
class Artifact:
    """Object code and what a caller must know of it."""

    code: bytes
    entry: str
    """The symbol of the C interface of the entry function."""
    takes_array: bool
    """Whether the interface takes its arguments, pointers all, in an array."""
    messages: tuple[str, ...]
    """The texts of the assertions in the code, by status - 1."""
    statistics: Mapping[str, int]
    """What passes counted, e.g. "lmul: multiplies rewritten"."""
    encoded: tuple[EncodedArgument, ...] = ()
    """The arguments that native code takes as codes of a narrow format."""
    packed: tuple[PackedArgument, ...] = ()
    """The arguments that native code takes as panels."""
    workspace_bytes: int = 0
    """The size of the arena that a call takes."""
    paths: Mapping[int, str] = field(default_factory=dict)
    """The symbols of the entries by the number of layers that they run, where there are several depths."""

    def pack(self) -> bytes:
        """Return bytes that `unpack` reads."""
        head = {
            "entry": self.entry,
            "takes_array": self.takes_array,
            "messages": self.messages,
            "statistics": dict(self.statistics),
            "encoded": [asdict(argument) for argument in self.encoded],
            "packed": [asdict(argument) for argument in self.packed],
            "workspace_bytes": self.workspace_bytes,
            "paths": {str(depth): symbol for depth, symbol in self.paths.items()},
        }
        return json.dumps(head).encode() + b"\n" + self.code

    @classmethod
    def unpack(cls, data: bytes) -> Artifact:
        """Return what `pack` wrote; raises ValueError or KeyError for other bytes."""
        head, _, code = data.partition(b"\n")
        read = json.loads(head)
        encoded = tuple(EncodedArgument(**fields) for fields in read["encoded"])
        packed = tuple(PackedArgument(**fields) for fields in read["packed"])
        entry, takes_array = str(read["entry"]), bool(read["takes_array"])
        messages, statistics = tuple(read["messages"]), dict(read["statistics"])
        paths = {int(depth): str(symbol) for depth, symbol in read["paths"].items()}
        workspace = int(read["workspace_bytes"])
        return cls(code, entry, takes_array, messages, statistics, encoded, packed, workspace, paths)


@dataclass
class Built:
    """An artifact, the code in memory where the host can run it, and how it came about."""

    artifact: Artifact
    loaded: codegen.LoadedObject | None
    from_cache: bool
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of "lower", "codegen" and "load"."""


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
            options.parallel,
            options.weights,
            options.skip,
            pack_few_rows=options.pack_few_rows,
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
    artifact = Artifact(code, entry, takes_array, messages, statistics, encoded, packed, workspace, paths)
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
        parallel=options.parallel,
        weights=options.weights,
        skip=options.skip,
        pack_few_rows=options.pack_few_rows,
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
