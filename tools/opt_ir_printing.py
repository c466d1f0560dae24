"""`--mlir-print-ir-*`: the IR before and after passes.

On standard error MLIR prints around its own passes itself, which gives its names and format; slipstick's passes are
printed here in the same format. Into a tree of files everything is printed here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from ..bindings import ir
from ..errors import ArgumentError
from ..passes.instrumentation import Execution, Instrumentation
from ..passes.manager import Plan, UpstreamStep
from .opt_config import Config
from .opt_messages import write_error
from .opt_printing import asm


def print_ir_instrumentation(config: Config, plan: Plan) -> Instrumentation | None:
    """Return what prints the IR while `plan` runs, and have its upstream passes print; `None` if nothing is asked."""
    after = config.mlir_print_ir_after_all or config.mlir_print_ir_after or config.mlir_print_ir_after_failure
    if not (
        after or config.mlir_print_ir_before_all or config.mlir_print_ir_before or config.mlir_print_ir_after_change
    ):
        return None
    if config.mlir_print_ir_tree_dir is not None:
        return _IRPrinter(config, frozenset(), Path(config.mlir_print_ir_tree_dir))
    upstream: set[int] = set()
    _enable_upstream(config, plan, upstream)
    return _IRPrinter(config, frozenset(upstream), None)


def _before(config: Config, name: str) -> bool:
    return config.mlir_print_ir_before_all or name in config.mlir_print_ir_before


def _after(config: Config, name: str) -> bool:
    every = config.mlir_print_ir_after_all or config.mlir_print_ir_after_change or config.mlir_print_ir_after_failure
    return (
        (every and not config.mlir_print_ir_after)
        or config.mlir_print_ir_after_all
        or name in config.mlir_print_ir_after
    )


def _enable_upstream(config: Config, plan: Plan, done: set[int]) -> None:
    for step in plan.steps:
        if isinstance(step, Plan):
            _enable_upstream(config, step, done)
        elif isinstance(step, UpstreamStep):
            done.add(step.number)
            before, after = _before(config, step.call.name), _after(config, step.call.name)
            if before or after:
                step.manager.enable_ir_printing(
                    print_before_all=before,
                    print_after_all=after,
                    print_module_scope=config.mlir_print_ir_module_scope,
                    print_after_change=config.mlir_print_ir_after_change,
                    print_after_failure=config.mlir_print_ir_after_failure,
                    large_elements_limit=config.mlir_elide_elementsattrs_if_larger,
                    large_resource_limit=config.mlir_elide_resource_strings_if_larger,
                    enable_debug_info=config.mlir_print_debuginfo,
                    print_generic_op_form=config.mlir_print_op_generic,
                )


class _IRPrinter(Instrumentation):
    def __init__(self, config: Config, printed_upstream: frozenset[int], directory: Path | None):
        self.config = config
        self.printed_upstream = printed_upstream
        self.directory = directory
        self.before = b""
        self.counters: defaultdict[ir.Operation, int] = defaultdict(int)

    def before_pass(self, execution: Execution) -> None:
        """Print, and remember the IR where only changes are to be printed."""
        if execution.step in self.printed_upstream:
            return
        if _before(self.config, execution.name):
            self.write(execution, "Before", "")
        if self.config.mlir_print_ir_after_change:
            self.before = _fingerprint(execution.op)

    def after_pass(self, execution: Execution) -> None:
        """Print."""
        if execution.step in self.printed_upstream or self.config.mlir_print_ir_after_failure:
            return
        if not _after(self.config, execution.name):
            return
        if not self.config.mlir_print_ir_after_change or _fingerprint(execution.op) != self.before:
            self.write(execution, "After", "")

    def failed_pass(self, execution: Execution) -> None:
        """Print."""
        if execution.step not in self.printed_upstream and _after(self.config, execution.name):
            self.write(execution, "After", " Failed")

    def write(self, execution: Execution, when: str, how: str) -> None:
        scope, about = execution.op, ""
        if self.config.mlir_print_ir_module_scope:
            while scope.parent is not None:
                scope = scope.parent.operation
            if scope != execution.op:
                about = f" ('{execution.op.name}' operation{_symbol_text(execution.op)})"
        title = f"// -----// IR Dump {when} {execution.title}{how}: {execution.text}{about} //----- //\n"
        text = title + asm(scope, self.config).decode("utf-8", "surrogateescape") + "\n\n"
        if self.directory is None:
            write_error(text)
            return
        path = self.directory / self.path(execution)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", "surrogateescape")
        except OSError as error:
            raise ArgumentError(f"cannot write '{path}': {error.strerror}") from error

    def path(self, execution: Execution) -> Path:
        """Return e.g. `builtin_module_no-symbol-name/func_func_f/0_2_cse.mlir`: what ran so far, outermost first."""
        op: ir.Operation = execution.op
        self.counters[op] = self.counters[op] + 1 if op in self.counters else 0
        numbers, names = [], []
        at: ir.Operation | None = op
        while at is not None:
            numbers.append(str(self.counters[at]))
            names.append(re.sub(r"[^\w-]", "_", f"{at.name}_{_symbol(at) or 'no-symbol-name'}"))
            at = at.parent.operation if at.parent is not None else None
        return Path(*reversed(names)) / ("_".join([*reversed(numbers), execution.name]) + ".mlir")


def _fingerprint(op: ir.Operation) -> bytes:
    text = op.get_asm(binary=True, enable_debug_info=True, print_generic_op_form=True, use_local_scope=True)
    assert isinstance(text, bytes)
    return text


def _symbol(op: ir.Operation) -> str | None:
    if "sym_name" not in op.attributes:
        return None
    name = op.attributes["sym_name"]
    return str(name.value) if isinstance(name, ir.StringAttr) else None


def _symbol_text(op: ir.Operation) -> str:
    symbol = _symbol(op)
    return f": @{symbol}" if symbol is not None else ""


def describe_op(op: ir.Operation) -> str:
    """Return e.g. `'func.func' operation: @f`."""
    return f"'{op.name}' operation{_symbol_text(op)}"
