"""Runs a pipeline on a module: slipstick's passes between MLIR's own, at any nesting.

A pipeline is checked as a whole before its first pass runs. Every pass is run by itself, MLIR's through a `PassManager`
anchored on the very operation it is given: an anchor that does not match would abort the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, TypeAlias

from ..bindings import ir, passmanager
from ..errors import IRError, PipelineError, SlipstickError
from .base import Message, NamedPipeline, Pass, PassContext, PassFailure
from .diagnostics import Emit, format_message, keep_errors_in_exceptions, message_of, receive
from .instrumentation import Execution, Instrumentation
from .options import build
from .pipeline import Item, PassCall, Pipeline, parse_pipeline
from .registry import DEFAULT, Registry

ANY = "any"
Verify: TypeAlias = Literal["all", "own", "none"]
"""After which passes the IR is verified: all, those of slipstick alone, none."""
_MAX_EXPANSION = 64


def run_pipeline(
    module: ir.Module | ir.Operation,
    pipeline: str | Pipeline,
    *,
    registry: Registry = DEFAULT,
    instrumentation: Instrumentation | None = None,
    emit: Emit = lambda message: None,
    verify: Verify = "all",
) -> None:
    """Run `pipeline` on `module` in place.

    Every diagnostic, errors included, is given to `emit` as it comes. `verify` says after which passes the IR is
    verified. A pipeline without an outer anchor runs on the module itself, whatever it is called.

    Raises `PipelineError` when the pipeline is malformed or cannot be run on such an operation (the module is then
    untouched), and `IRError` with the text of every error when a pass or a verification fails.
    """
    op = module.operation
    plan = resolve(pipeline, registry, op.context, anchor=op.name)
    run_plan(plan, op, instrumentation=instrumentation, emit=emit, verify=verify)


def run_plan(
    plan: Plan,
    op: ir.Operation,
    *,
    instrumentation: Instrumentation | None = None,
    emit: Emit = lambda message: None,
    verify: Verify = "all",
) -> None:
    """Run what `resolve` returned, as `run_pipeline` does; raises `IRError`."""
    runner = _Runner(op.context, instrumentation or Instrumentation(), emit, verify)
    runner.check_anchor(plan, op)
    runner.run(plan, op)


def resolve(
    pipeline: str | Pipeline, registry: Registry, context: ir.Context, *, anchor: str = "builtin.module"
) -> Plan:
    """Return `pipeline` ready to run: passes instantiated, named pipelines expanded; raises `PipelineError`.

    `anchor` stands in for an outer anchor that the pipeline does not have; passes that can only run on another kind of
    operation are then nested under it, as mlir-opt does with passes given by flags.
    """
    if isinstance(pipeline, str):
        pipeline = parse_pipeline(pipeline)
    resolver = _Resolver(registry, context)
    implicit = pipeline.anchor is None
    return resolver.plan(Pipeline(pipeline.anchor or anchor, pipeline.items), (), implicit=implicit)


@dataclass(frozen=True)
class PythonStep:
    """A pass of slipstick."""

    call: PassCall
    pass_: Pass
    number: int


@dataclass(frozen=True)
class UpstreamStep:
    """A pass or pipeline of MLIR, in a pass manager anchored on the operation that surrounds it."""

    call: PassCall
    manager: passmanager.PassManager
    number: int

    def full_text(self) -> str:
        """Return the pass with all its options, defaults included; a pipeline of MLIR is spelled out."""
        return str(self.manager).partition("(")[2][:-1]


@dataclass(frozen=True)
class Plan:
    """Steps that run one after the other on every operation called `anchor`."""

    anchor: str
    path: tuple[str, ...]
    steps: tuple[PythonStep | UpstreamStep | Plan, ...]

    def pipeline(self) -> Pipeline:
        """Return what is going to run as a pipeline, named pipelines expanded."""
        return Pipeline(
            self.anchor, tuple(step.pipeline() if isinstance(step, Plan) else step.call for step in self.steps)
        )


@dataclass
class _Resolver:
    registry: Registry
    context: ir.Context
    steps: int = 0

    def plan(self, pipeline: Pipeline, outer: tuple[str, ...], *, implicit: bool) -> Plan:
        assert pipeline.anchor is not None
        path = (*outer, pipeline.anchor)
        steps: list[PythonStep | UpstreamStep | Plan] = []
        for item in self.expand(pipeline.items, pipeline.anchor, 0):
            if isinstance(item, Pipeline):
                steps.append(self.plan(item, path, implicit=False))
            else:
                steps.append(self.step(item, path, implicit))
        return Plan(pipeline.anchor, path, tuple(steps))

    def expand(self, items: tuple[Item, ...], anchor: str, depth: int) -> Iterator[Item]:
        """Yield the items with named pipelines replaced by what they stand for."""
        for item in items:
            cls = self.registry.lookup(item.name) if isinstance(item, PassCall) else None
            if cls is None or not issubclass(cls, NamedPipeline):
                yield item
                continue
            assert isinstance(item, PassCall)
            if depth > _MAX_EXPANSION:
                raise PipelineError(f"pipeline '{item.name}' contains itself")
            inner = parse_pipeline(build(cls, item.options).text())
            if inner.anchor in (None, anchor):
                yield from self.expand(inner.items, anchor, depth + 1)
            else:
                yield from self.expand((inner,), anchor, depth + 1)

    def step(self, call: PassCall, path: tuple[str, ...], implicit: bool) -> PythonStep | UpstreamStep | Plan:
        anchor = path[-1]
        cls = self.registry.lookup(call.name)
        if cls is not None:
            assert issubclass(cls, Pass)
            pass_ = build(cls, call.options)
            if cls.anchor in (None, anchor) or anchor == ANY:
                return PythonStep(call, pass_, self.number())
            if implicit and anchor == "builtin.module":
                return Plan(cls.anchor, (*path, cls.anchor), (PythonStep(call, pass_, self.number()),))
            raise PipelineError(
                f"can't add pass '{call.name}' restricted to '{cls.anchor}' on a pipeline intended to run on "
                f"'{anchor}', did you intend to nest?"
            )
        try:
            manager = self.manager(anchor, call)
        except PipelineError as error:
            restricted = _restricted_to(str(error))
            if implicit and anchor == "builtin.module" and restricted not in (None, "builtin.module"):
                inner = (*path, restricted)
                return Plan(restricted, inner, (UpstreamStep(call, self.manager(restricted, call), self.number()),))
            raise
        return UpstreamStep(call, manager, self.number())

    def number(self) -> int:
        self.steps += 1
        return self.steps - 1

    def manager(self, anchor: str, call: PassCall) -> passmanager.PassManager:
        try:
            return passmanager.PassManager.parse(f"{anchor}({call})", self.context)
        except ValueError as error:
            raise PipelineError(_tidy(str(error), call, (*self.registry.passes, *self.registry.pipelines))) from error


def _restricted_to(text: str) -> str | None:
    _, found, after = text.partition(" restricted to '")
    return after.partition("'")[0] if found else None


def _tidy(text: str, call: PassCall, known: Sequence[str]) -> str:
    """Return MLIR's complaint about a pass as one line; of an unknown one, with the nearest of the names `known`."""
    if "does not refer to a registered pass" in text:
        near = "".join(f"; did you mean '{name}'?" for name in get_close_matches(call.name, known, n=1, cutoff=0.75))
        return f"'{call.name}' does not refer to a registered pass or pass pipeline{near}"
    lines = [line.strip().removeprefix("<Pass-Options-Parser>: ") for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("failed to add")]
    if not lines:
        return f"failed to add '{call.name}' with options '{call.option_text()}'"
    where = "" if f"'{call.name}'" in lines[0] else f"{call.name}: "
    return where + "; ".join(lines)


@dataclass
class _Runner:
    context: ir.Context
    instrumentation: Instrumentation
    emit: Emit
    verify: Verify
    errors: list[Message] = field(default_factory=list)

    def check_anchor(self, plan: Plan, op: ir.Operation) -> None:
        if plan.anchor not in (op.name, ANY):
            self.fail(Message("error", op.location, f"can't run '{plan.anchor}' pass manager on '{op.name}' op"))

    def run(self, plan: Plan, op: ir.Operation) -> None:
        """Run the steps; where a nested plan fails on one operation, it still runs on the others, as in MLIR."""
        for step in plan.steps:
            if isinstance(step, Plan):
                failed = False
                for inner in list(_matching(op, step.anchor)):
                    try:
                        self.run(step, inner)
                    except IRError:
                        failed = True
                if failed:
                    raise self.error()
                continue
            title = type(step.pass_).__name__ if isinstance(step, PythonStep) else step.call.name
            execution = Execution(step.call.name, str(step.call), title, op, plan.path, step.number)
            self.instrumentation.before_pass(execution)
            try:
                if isinstance(step, UpstreamStep):
                    self.run_upstream(step, op)
                elif step.pass_.anchor in (None, op.name):
                    self.run_python(step.pass_, op, execution)
            except IRError:
                self.instrumentation.failed_pass(execution)
                raise
            self.instrumentation.after_pass(execution)

    def run_upstream(self, step: UpstreamStep, op: ir.Operation) -> None:
        before = len(self.errors)
        step.manager.enable_verifier(self.verify == "all")
        with receive(self.context, self.collect):
            try:
                step.manager.run(op)
                return
            except ir.MLIRError as error:
                for info in error.error_diagnostics:
                    self.collect(message_of(info))
        self.give_up(f"pass '{step.call.name}' failed", op, before)

    def run_python(self, pass_: Pass, op: ir.Operation, execution: Execution) -> None:
        before = len(self.errors)
        ctx = PassContext(self.collect, execution.statistics)
        with receive(self.context, self.collect):
            failed = False
            try:
                with keep_errors_in_exceptions(self.context), self.context, op.location:
                    pass_.run(op, ctx)
            except PassFailure as failure:
                self.collect(failure.message)
                failed = True
            except ir.MLIRError as error:
                for info in error.error_diagnostics:
                    self.collect(message_of(info))
                failed = True
            except SlipstickError as error:
                self.collect(Message("error", op.location, str(error)))
                failed = True
            except Exception as error:
                text = " ".join(str(error).split())
                about = f"internal error in pass '{pass_.name}': {type(error).__name__}: {text}"
                self.collect(Message("error", op.location, about))
                failed = True
            if not failed and self.verify != "none":
                failed = not self.verified(op)
        if failed:
            self.give_up(f"pass '{pass_.name}' failed", op, before)

    def verified(self, op: ir.Operation) -> bool:
        try:
            return bool(op.verify())
        except ir.MLIRError as error:
            for info in error.error_diagnostics:
                self.collect(message_of(info))
            return False

    def collect(self, message: Message) -> None:
        if message.severity == "error":
            self.errors.append(message)
        self.emit(message)

    def give_up(self, otherwise: str, op: ir.Operation, before: int) -> None:
        """Raise what has been collected; a failure always has a message besides the `before` ones already there."""
        if len(self.errors) == before:
            self.collect(Message("error", op.location, otherwise))
        raise self.error()

    def fail(self, message: Message) -> None:
        self.collect(message)
        raise self.error()

    def error(self) -> IRError:
        return IRError("\n".join(format_message(message) for message in self.errors))


def _matching(op: ir.Operation, anchor: str) -> Iterator[ir.Operation]:
    """Yield the operations in the immediate regions of `op` that a pipeline anchored on `anchor` runs on."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                found = inner.operation
                if found.name == anchor or (anchor == ANY and found.has_trait(ir.IsIsolatedFromAboveTrait)):
                    yield found
