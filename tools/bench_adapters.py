"""`slipstick-bench adapter-cost`: what adapters that are not merged add to the base model's time, in one process."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import torch
from rich import box
from rich.console import Console
from rich.table import Table

from ..compiler.api import compile as compile_graph
from ..datasets.decode import DecodeStep, empty_caches, step_inputs
from ..datasets.graphs_peft import BASES, NAMES
from ..datasets.peft.forms import Logits
from ..datasets.peft.library import unsettle
from ..datasets.peft.methods import METHODS, Method
from ..datasets.transformer_sizes import TransformerSizes
from ..errors import ArgumentError, SlipstickError
from .bench_timing import Subject, time_in_turns
from .flags import integer_flag
from .progress import Steps

TOLERANCE: Final = 1e-4
"""How far from torch logits may be, as a share of the greatest."""
_KINDS: Final = ("prefill", "decode")


@dataclass(frozen=True)
class Cost:
    """One method on one kind of call; seconds are medians."""

    kind: str
    method: str
    adapter_parameters: int
    seconds: float
    base: float
    error: float
    """The greatest difference from torch, as a share of the greatest magnitude."""
    swapped_error: float
    """The same with another adapter in the place of the first, of which the same native code was told nothing."""

    @property
    def ratio(self) -> float:
        """How many times as long as the base model it takes."""
        return self.seconds / self.base


def adapter_cost(program: str, argv: Sequence[str]) -> int:
    """Measure and print what the arguments ask for; return the exit status."""
    arguments = _parser(program).parse_args(argv)
    methods = [_method(name) for name in arguments.methods]
    architectures = {method.architecture for method in methods}
    if len(architectures) > 1:
        raise ArgumentError(f"methods: expected ones on one base, found {', '.join(sorted(architectures))}")
    base = methods[0].architecture
    sizes = BASES[base].at({"layers": arguments.layers} if arguments.layers else {})
    steps = Steps(Console(stderr=True))
    costs = []
    for kind in _KINDS:
        costs += measure(kind, methods, sizes, arguments, steps)
    if arguments.json:
        sys.stdout.write(json.dumps([{**asdict(one), "ratio": one.ratio} for one in costs]) + "\n")
    else:
        _print(costs, f"Adapters on {NAMES[base]}, {arguments.threads} thread{'s' * (arguments.threads > 1)}")
    return 0


def measure(
    kind: str, methods: Sequence[Method], sizes: TransformerSizes, arguments: argparse.Namespace, steps: Steps
) -> list[Cost]:
    """Compile the base model and the methods, compare each with torch, time them in turns.

    Raises SlipstickError where one differs from torch.
    """
    torch.set_num_threads(arguments.threads)
    calls: dict[str, Callable[[], Any]] = {}
    errors: dict[str, float] = {}
    swapped: dict[str, float] = {}
    counts: dict[str, int] = {}
    makers: dict[str, Callable[[], torch.nn.Module]] = {"base": partial(sizes.model, logits=True)}
    makers |= {method.name: partial(method.make, sizes) for method in methods}
    for name, make in makers.items():
        with steps.step(f"{kind}: compile {name}"):
            model = make().eval()
            counts[name] = sum(one.numel() for one in model.parameters() if one.requires_grad)
            module, inputs = _form(kind, model, sizes, arguments)
            native = compile_graph(module, inputs, threads=arguments.threads)
            errors[name] = _difference(name, native, module, inputs)
            if name != "base":
                # Trained numbers are arguments: the code that was compiled above runs with any.
                unsettle(model)
                swapped[name] = _difference(f"{name}, swapped", native, module, inputs)
            calls[name] = partial(native, *inputs)
    with steps.step(f"{kind}: time"):
        subjects = {name: Subject(run, contextlib.nullcontext) for name, run in calls.items()}
        turns = time_in_turns(subjects, arguments.repeats, threads=arguments.threads)
    seconds = {name: found.timing.median for name, found in turns.items()}
    return [
        Cost(kind, name, counts[name], seconds[name], seconds["base"], errors[name], swapped[name])
        for name in (method.name for method in methods)
    ]


def _form(
    kind: str, model: torch.nn.Module, sizes: TransformerSizes, arguments: argparse.Namespace
) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return a prompt's logits, or a decode step at the end of the context, and its inputs."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, sizes.vocabulary, (1, arguments.tokens), generator=generator)
    if kind == "prefill":
        return Logits(model).eval(), (ids,)
    context = arguments.context
    inputs = step_inputs(ids[:, :1], first=context - 1, context=context)
    return DecodeStep(model).eval(), (*inputs, *empty_caches(model.config, 1, context))


def _difference(name: str, native: Any, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> float:
    """Return how far native code is from torch. A step writes the same into its caches each time."""
    with torch.inference_mode():
        expected = module(*inputs)
    found = float((native(*inputs) - expected).abs().max() / expected.abs().max())
    if not found <= TOLERANCE:
        raise SlipstickError(f"{name}: differs from torch by {found:.1e} of the greatest; expected {TOLERANCE:.0e}")
    return found


def _method(name: str) -> Method:
    known = {method.name: method for method in METHODS if method.inference and not method.more}
    if name not in known:
        raise ArgumentError(f"methods: expected some of {', '.join(known)}; found {name!r}")
    return known[name]


_WIDTH = 120


def _print(costs: Sequence[Cost], title: str) -> None:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("call", "method", "trained", "base", "with adapter", "ratio", "error", "swapped"):
        table.add_column(heading, justify="left" if heading in ("call", "method") else "right")
    for one in costs:
        table.add_row(
            one.kind,
            one.method,
            f"{one.adapter_parameters:,}",
            f"{one.base * 1e3:.2f} ms",
            f"{one.seconds * 1e3:.2f} ms",
            f"{one.ratio:.3f}x",
            f"{one.error:.1e}",
            f"{one.swapped_error:.1e}",
        )
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe, lines are as long as the table needs.
        console = Console(width=_WIDTH)
    console.print(table)
    console.print(
        "swapped: the error after every trained number was changed; the same code ran, nothing was compiled again.",
        style="dim",
    )


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Time adapters that are not merged beside their base.")
    add = parser.add_argument
    add("methods", nargs="*", default=["lora", "lora-all"], metavar="METHOD", help="default: lora lora-all")
    add("--tokens", type=integer_flag(1, 10**5), default=128, metavar="N", help="of a prompt (default: %(default)s)")
    add("--context", type=integer_flag(1, 10**5), default=512, metavar="N", help="of a step (default: %(default)s)")
    add("--layers", type=integer_flag(1, 1000), metavar="N", help="default: as many as the base has")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="default: %(default)s")
    add("--repeats", type=integer_flag(1, 10**6), default=25, metavar="N", help="timed rounds (default: %(default)s)")
    add("--json", action="store_true", help="print JSON")
    return parser
