"""`slipstick-bench generate`: text generation over a compiled decode step, at each depth and along schedules.

The nominal speed-up of a depth is that of the bytes that a step reads (weights of its layers, their caches, the
language head, which runs at every depth); the measured one is of medians of interleaved rounds in this process.

  slipstick-bench generate opt-125m --weights lm8 --share 0.5 --share 0.2
  slipstick-bench generate FOLDER --batch 8 --schedule 12:4:2 --plot schedule.svg
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ..datasets import transformer_sizes
from ..errors import ArgumentError
from .files import check_writable
from .flags import integer_flag
from .output import quiet

if TYPE_CHECKING:
    import torch

SIZES = {
    "opt-tiny": transformer_sizes.TransformerSizes("opt", 12, 64, 4, 256, 512, 2048),
    "opt-125m": transformer_sizes.OPT_125M,
    "opt-1.3b": transformer_sizes.OPT_1_3B,
    "gpt2": transformer_sizes.GPT2,
    "llama-110m": transformer_sizes.LLAMA_110M,
    "llama-135m": transformer_sizes.LLAMA_135M,
}


def bench_generate(program: str, argv: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit status, 0 or 1 (2: wrong flag)."""
    return _run(_parser(program).parse_args(argv))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help=f"{', '.join(SIZES)} (random weights), or the folder of a checkpoint")
    add("--batch", type=integer_flag(1, 4096), default=1, metavar="N", help="rows (default: %(default)s)")
    add("--prompt", type=integer_flag(1, 10**6), default=32, metavar="N", help="tokens of a prompt (default: 32)")
    add("--new", type=integer_flag(2, 10**6), default=32, metavar="N", help="new tokens of a row (default: 32)")
    add("--weights", choices=("f32", "bf16", "lm8"), default="f32", help="of linear layers (default: %(default)s)")
    add("--lmul", action="store_true", help="multiply by L-Mul everywhere, k = 4, finite")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="default: 1")
    add("--warmup", type=integer_flag(0, 10**4), default=1, metavar="N", help="layers that always run (default: 1)")
    add("--share", type=_share, action="append", metavar="X", help="mean depth of a schedule, as a share of the layers")
    add("--schedule", type=_schedule, action="append", metavar="MAX:MIN", help="depths at both ends of a schedule")
    add("--rounds", type=integer_flag(1, 10**6), default=9, metavar="N", help="timed rounds (default: %(default)s)")
    add("--torch", action="store_true", help="time torch eager with a cache in the same rounds, too")
    add("--plot", type=Path, metavar="FILE", help="write pictures of the schedules and speeds as SVG")
    add("--json", metavar="FILE", help="write the figures as JSON; -: to standard output, instead of tables")
    return parser


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0 and at most 1, found {text!r}")
    return value


def _schedule(text: str) -> tuple[int, int]:
    most, _, least = text.partition(":")
    if not most.isdecimal() or not least.isdecimal() or not 1 <= int(least) <= int(most):
        raise argparse.ArgumentTypeError(f"expected two depths that fall, such as 12:4, found {text!r}")
    return int(most), int(least)


def load_model(name: str) -> torch.nn.Module:
    """Return the model of that name with random weights, or that of a folder; raise ArgumentError for neither."""
    if name in SIZES:
        return SIZES[name].model(logits=True)
    if not Path(name).is_dir():
        raise ArgumentError(f"MODEL: expected {', '.join(SIZES)} or the folder of a checkpoint, found {name!r}")
    import transformers

    try:
        # A local folder: nothing is fetched.
        model = transformers.AutoModelForCausalLM.from_pretrained(name, local_files_only=True, dtype="float32")
    except (OSError, ValueError, KeyError) as problem:
        text = str(problem).strip().splitlines()[0]
        raise ArgumentError(f"MODEL: {name}: expected a checkpoint of a causal language model: {text}") from problem
    found: torch.nn.Module = model.eval()
    return found


def _run(arguments: argparse.Namespace) -> int:
    for path, flag in ((arguments.plot, "--plot"), (arguments.json, "--json")):
        if path is not None and path != "-":
            check_writable(Path(path), flag)
    from .bench_generate_measure import Request, measure
    from .bench_generate_report import plot, print_report

    console = Console(stderr=arguments.json == "-", highlight=False)
    progress = Console(stderr=True)
    with quiet():
        model = load_model(arguments.model)
        request = Request(
            arguments.model,
            arguments.batch,
            arguments.prompt,
            arguments.new,
            arguments.weights,
            arguments.lmul,
            arguments.threads,
            arguments.warmup,
            tuple(arguments.share or (() if arguments.schedule else (0.5, 0.2))),
            tuple(arguments.schedule or ()),
            arguments.rounds,
            arguments.torch,
        )
        found = measure(model, request, progress)
    if arguments.json == "-":
        json.dump(found.to_json(), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        print_report(found, console)
        if arguments.json:
            Path(arguments.json).write_text(json.dumps(found.to_json(), indent=2) + "\n", "utf-8")
    if arguments.plot is not None:
        arguments.plot.write_text(plot(found), "utf-8")
    return 0
