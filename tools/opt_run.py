"""The work of slipstick-opt: read, split, parse, run, print. Runs in a process of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO

from ..bindings import ir, new_context
from ..errors import IRError, PipelineError
from ..passes.base import Message
from ..passes.diagnostics import receive
from ..passes.instrumentation import Execution, Instrumentation, Instrumentations
from ..passes.manager import Plan, UpstreamStep, Verify, resolve, run_plan
from ..passes.pipeline import Pipeline, parse_pipeline
from ..passes.registry import Registry
from .opt_config import Config
from .opt_ir_printing import describe_op, print_ir_instrumentation
from .opt_messages import Printer, Reporter, render, write_error
from .opt_printing import asm, bytecode, round_trip_fault
from .opt_reports import Statistics, Timing
from .opt_reproducer import Recorder, read_recipe, reproducer, write_file
from .opt_source import Chunk, Source, parse, read_source, split
from .opt_verifier import Verifier


@dataclass(frozen=True)
class Surroundings:
    """What the parent process provides."""

    registry: Registry
    output: BinaryIO
    """Where the result goes."""
    reproducer: BinaryIO
    """Where the crash reproducer is kept until it is needed."""
    progress: Callable[[str], None]
    """Tells the parent what is going on."""


def process(config: Config, around: Surroundings) -> bool:
    """Do what `config` asks for; return whether it succeeded. Messages have then been written."""
    around.progress("reading the input")
    source = read_source(config.input)
    chunks, near_misses = split(source, config.split_input_file)
    for offset in near_misses:
        line, column = source.position(offset)
        write_error(render(source, line, column, "warning", "near miss with file split marker"))
    reporter: Reporter
    if config.verify_diagnostics is not None:
        reporter = Verifier(source, config.verify_diagnostics)
    else:
        notes = not config.mlir_disable_diagnostic_notes
        reporter = Printer(source, notes=notes, op_notes=config.mlir_print_op_on_diagnostic)
    job = _Job(config, around, source, reporter)
    succeeded = True
    for number, chunk in enumerate(chunks):
        if number:
            around.output.write(config.output_split_marker.encode("utf-8", "surrogateescape") + b"\n")
        succeeded = job.run(chunk) and succeeded
    succeeded = reporter.finish(succeeded)
    job.report()
    around.progress("writing the output")
    around.output.flush()
    return succeeded


# The bindings cannot register a parser for the resource that a reproducer keeps its pipeline in.
_OWN_RESOURCE = "ignoring unknown external resources for 'mlir_reproducer'"


class _Job:
    """What is the same for all pieces of the input."""

    def __init__(self, config: Config, around: Surroundings, source: Source, reporter: Reporter):
        self.config = config
        self.around = around
        self.source = source
        self.reporter = reporter
        self.timing = Timing() if config.mlir_timing else None
        self.statistics = Statistics() if config.mlir_pass_statistics else None

    def run(self, chunk: Chunk) -> bool:
        """Parse, transform and print one piece; return whether that succeeded."""
        context = new_context()
        context.allow_unregistered_dialects = self.config.allow_unregistered_dialect
        emitted: list[Message] = []

        def emit(message: Message) -> None:
            if self.config.run_reproducer and message.text == _OWN_RESOURCE:
                return
            emitted.append(message)
            self.reporter.receive(message)

        try:
            with self.phase("Parser"), receive(context, emit):
                self.around.progress("parsing")
                op = parse(chunk, context, implicit_module=not self.config.no_implicit_module)
        except IRError as error:
            if not any(message.severity == "error" for message in emitted):
                write_error(f"{error}\n")
            return False
        if self.config.verify_roundtrip:
            self.around.progress("verifying the round trip")
            fault = round_trip_fault(op)
            if fault is not None:
                emit(Message("error", op.location, fault))
                return False
        try:
            plan, verify_each = self.plan(op, context)
        except PipelineError as error:
            emit(Message("error", ir.Location.unknown(context), str(error)))
            return False
        if self.config.dump_pass_pipeline:
            write_error(_dump(plan))
        if not self.transform(plan, op, verify_each, emit):
            return False
        with self.phase("Output"):
            self.around.progress("printing")
            before = len(emitted)
            try:
                with receive(context, emit):
                    self.around.output.write(self.printed(op))
            except IRError as error:
                if len(emitted) == before:
                    emit(Message("error", op.location, str(error)))
                return False
        return True

    def plan(self, op: ir.Operation, context: ir.Context) -> tuple[Plan, bool]:
        """Return what to run, and whether to verify the IR after each pass; raises `PipelineError`."""
        pipeline = Pipeline(None, self.config.passes)
        verify_each = self.config.verify_each
        if self.config.pass_pipeline is not None:
            if self.config.passes:
                raise PipelineError("'-pass-pipeline' option can't be used with individual pass options")
            pipeline = _anchored(self.config.pass_pipeline)
        recipe = read_recipe(self.source) if self.config.run_reproducer else None
        if recipe is not None:
            recorded = _anchored(recipe.pipeline)
            pipeline = Pipeline(recorded.anchor, (*recorded.items, *pipeline.items))
            verify_each = verify_each and recipe.verify_each
        anchor = op.name
        with _captured_stderr() as complaints:
            try:
                return resolve(pipeline, self.around.registry, context, anchor=anchor), verify_each
            except PipelineError as error:
                # LLVM's option parser writes straight to standard error.
                told = complaints().removeprefix(": ").strip()
                raise PipelineError(f"{told}; {error}" if told else str(error)) from error

    def transform(self, plan: Plan, op: ir.Operation, verify_each: bool, emit: Callable[[Message], None]) -> bool:
        """Run the passes; return whether they succeeded."""
        config = self.config
        parts: list[Instrumentation] = [self._Progress(self.around.progress)]
        parts += [part for part in (self.timing, print_ir_instrumentation(config, plan), self.statistics) if part]
        if config.mlir_generate_reproducer is not None:
            text = reproducer(op, str(plan.pipeline()), verify_each=verify_each)
            write_file(config.mlir_generate_reproducer, text)
        recorder = None
        if config.mlir_pass_pipeline_crash_reproducer is not None:
            local = config.mlir_pass_pipeline_local_reproducer
            recorder = Recorder(self.around.reproducer, plan, op, verify_each=verify_each, local=local)
            parts.append(recorder)
        try:
            verify: Verify = "all" if verify_each else "none"
            run_plan(plan, op, instrumentation=Instrumentations(*parts), emit=emit, verify=verify)
        except IRError:
            if recorder is not None and recorder.failed is not None:
                self.save_reproducer(recorder.failed, op, emit)
            return False
        return True

    def save_reproducer(self, failed: Execution, op: ir.Operation, emit: Callable[[Message], None]) -> None:
        """Write the crash reproducer and say so."""
        path = self.config.mlir_pass_pipeline_crash_reproducer
        assert path is not None
        size = os.fstat(self.around.reproducer.fileno()).st_size
        write_file(path, os.pread(self.around.reproducer.fileno(), size, 0))
        where = f"Pipeline failed while executing [`{failed.name}` on {describe_op(failed.op)}]"
        note = Message("note", op.location, f"{where}: reproducer generated at `{path}`")
        text = "Failures have been detected while processing an MLIR pass pipeline"
        emit(Message("error", op.location, text, (note,)))

    def printed(self, op: ir.Operation) -> bytes:
        """Return the result as the flags ask for; raises `IRError`."""
        if self.config.emit_bytecode:
            return bytecode(op, self.config.emit_bytecode_version)
        return asm(op, self.config) + b"\n"

    def report(self) -> None:
        """Write the reports that were asked for."""
        if self.timing is not None:
            write_error(self.timing.report(self.config.mlir_timing_display))
        if self.statistics is not None:
            write_error(self.statistics.report(self.config.mlir_pass_statistics_display))

    def phase(self, name: str) -> AbstractContextManager[None]:
        """Time the block, if times are asked for."""
        return self.timing.phase(name) if self.timing is not None else nullcontext()

    class _Progress(Instrumentation):
        def __init__(self, tell: Callable[[str], None]):
            self.tell = tell

        def before_pass(self, execution: Execution) -> None:
            self.tell(f"running pass '{execution.name}' on {describe_op(execution.op)}")


def _anchored(text: str) -> Pipeline:
    pipeline = parse_pipeline(text)
    if pipeline.anchor is None:
        raise PipelineError(
            "expected pass pipeline to be wrapped with the anchor operation type, e.g. 'builtin.module(...)'"
        )
    return pipeline


def _dump(plan: Plan) -> str:
    """Return the pipeline, a pass a line."""

    def lines(plan: Plan, indent: str) -> list[str]:
        inner = []
        for step in plan.steps:
            if isinstance(step, Plan):
                inner.append("\n".join(lines(step, indent + "  ")))
            else:
                text = step.full_text() if isinstance(step, UpstreamStep) else str(step.call)
                inner.append(f"{indent}  {text}")
        return [f"{indent}{plan.anchor}(", *([",\n".join(inner)] if inner else []), f"{indent})"]

    return f"Pass Manager with {len(plan.steps)} passes:\n" + "\n".join(lines(plan, "")) + "\n\n"


class _captured_stderr:
    """Collects what this process writes to file descriptor 2."""

    def __enter__(self) -> Callable[[], str]:
        self._file = tempfile.TemporaryFile()
        self._saved = os.dup(2)
        os.dup2(self._file.fileno(), 2)
        return self._text

    def __exit__(self, *exc: object) -> None:
        os.dup2(self._saved, 2)
        os.close(self._saved)
        self._file.close()

    def _text(self) -> str:
        self._file.seek(0)
        return " ".join(self._file.read().decode("utf-8", "replace").split())
