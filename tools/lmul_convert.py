"""`slipstick-lmul convert`: the weights of a safetensors checkpoint in 8 or 16 bits, and back."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from ..errors import ArgumentError
from .progress import Steps

NAME = "convert"
HELP = "Encode the matrices of a safetensors checkpoint as lm8 or bf16, or decode them to f32."

_SHOWN = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add = parser.add_argument
    add("source", type=Path, metavar="IN.safetensors", help="the checkpoint to read")
    add("target", type=Path, metavar="OUT.safetensors", help="the checkpoint to write, whole or not at all")
    add("--weights", choices=("lm8", "bf16"), help="the format to encode matrices in")
    add("--decode", action="store_true", help="decode an encoded checkpoint to f32 instead")
    add(
        "--include",
        action="append",
        metavar="GLOB",
        help="encode only the matrices whose names match; may be given several times (default: all)",
    )
    add(
        "--exclude",
        action="append",
        metavar="GLOB",
        help="leave those whose names match, such as embedding tables; may be given several times",
    )
    add(
        "--channel-axis",
        type=int,
        choices=(0, 1),
        default=0,
        help="the dimension that counts output channels (default: %(default)s, as in torch's linear layers)",
    )


def run(arguments: argparse.Namespace, command: str, stderr: Console) -> None:
    """Convert, and print what was done."""
    if arguments.decode == (arguments.weights is not None):
        raise ArgumentError("convert: expected either --weights or --decode")
    if arguments.decode and (arguments.include or arguments.exclude):
        raise ArgumentError("convert: --include, --exclude: expected with --weights only, found --decode")
    from ..compiler.checkpoint import convert_checkpoint, decode_checkpoint

    with contextlib.ExitStack() as stack:
        progress = _progress(Steps(stderr), stack, "decode" if arguments.decode else "encode")
        if arguments.decode:
            done = decode_checkpoint(arguments.source, arguments.target, progress=progress)
        else:
            done = convert_checkpoint(
                arguments.source,
                arguments.target,
                arguments.weights,
                include=arguments.include or ("*",),
                exclude=arguments.exclude or (),
                axis=arguments.channel_axis,
                progress=progress,
            )
    how = "decoded to f32" if arguments.decode else f"encoded as {arguments.weights}"
    matrices = "1 matrix" if len(done.tensors) == 1 else f"{len(done.tensors)} matrices"
    lines = [f"{matrices} {how}: {done.bytes_before / 1e6:.1f} MB -> {done.bytes_after / 1e6:.1f} MB"]
    lines += [f"  {name}" for name in done.tensors[:_SHOWN]]
    if len(done.tensors) > _SHOWN:
        lines.append(f"  and {len(done.tensors) - _SHOWN} more")
    sys.stdout.write("\n".join(lines) + "\n")


def _progress(steps: Steps, stack: contextlib.ExitStack, what: str) -> Callable[[str, int], None]:
    """Return what shows progress; the step begins with the first tensor, when the arguments are known to be right."""
    advance: list[Callable[[], None]] = []

    def show(name: str, count: int) -> None:
        if not advance:
            advance.append(stack.enter_context(steps.step(f"{what} {count} tensors", count)))
        advance[0]()

    return show
