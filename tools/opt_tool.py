"""`slipstick-opt`: mlir-opt with slipstick's passes and stages beside MLIR's own.

The work is done in a child process, so that an assertion or a stack overflow inside MLIR ends in a message and exit
status 1 like every other error. The output file is replaced only when everything has succeeded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, cast

from ..bindings import new_context, passmanager, torch_mlir_version
from ..compiler.stages import PIPELINES
from ..errors import ArgumentError, SlipstickError
from ..passes.registry import PASSES, Registry
from .opt_config import PROGRAM, Config, parse_arguments
from .opt_help import dialects_text, help_text, passes_text
from .opt_isolation import Outcome, Progress, run_isolated
from .opt_messages import write_error
from .opt_reproducer import save
from .opt_run import Surroundings, process
from .opt_upstream import PASSES as UPSTREAM_PASSES

REGISTRY = Registry(PASSES, PIPELINES)
"""slipstick's passes and the compiler's stages."""


def run(argv: Sequence[str]) -> int:
    """Run the tool with `argv`; return the exit status, 0 or 1."""
    _reserve_standard_descriptors()
    try:
        names = (*REGISTRY.passes, *REGISTRY.pipelines, *UPSTREAM_PASSES)
        config = parse_arguments(argv, _is_pass, names)
        information = _information(config)
        if information is not None:
            _write_all(1, information.encode())
            return 0
        return _run(config)
    except SlipstickError as error:
        write_error(f"{error}\n")
    except BrokenPipeError:
        pass  # Who read the output wants no more of it.
    except OSError as error:
        write_error(f"{PROGRAM}: error: cannot write the output: {error.strerror}\n")
    return 1


def _reserve_standard_descriptors() -> None:
    """Open what the caller closed of 0, 1 and 2, so that no file of ours gets such a number; writing still fails."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)


def _is_pass(name: str) -> bool:
    if REGISTRY.lookup(name) is not None:
        return True
    if not name or not all(c.isalnum() or c in "-_." for c in name):
        return False
    try:
        passmanager.PassManager.parse(f"any({name})", new_context())
    except ValueError as error:
        return "does not refer to a registered pass" not in str(error)
    return True


def _information(config: Config) -> str | None:
    """Return what is to be shown instead of processing anything."""
    if config.help:
        return help_text(REGISTRY)
    if config.list_passes:
        return passes_text(REGISTRY)
    if config.show_dialects:
        return dialects_text()
    if config.version:
        return f"{PROGRAM} {version('slipstick')}\n  torch-mlir {torch_mlir_version()} (MLIR of LLVM 24.0.0git)\n"
    return None


def _run(config: Config) -> int:
    for name in (*config.mlir_print_ir_before, *config.mlir_print_ir_after):
        if not _is_pass(name):
            when = "before" if name in config.mlir_print_ir_before else "after"
            raise ArgumentError(f"{PROGRAM}: for the --mlir-print-ir-{when} option: Cannot find option named '{name}'!")
    _check_output(config.o)
    progress = Progress()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as reproducer:
        around = Surroundings(REGISTRY, cast(BinaryIO, output), cast(BinaryIO, reproducer), progress.set)

        def work() -> int:
            try:
                succeeded = process(config, around)
            except SlipstickError as error:
                write_error(f"{error}\n")
                return 1
            except MemoryError:
                write_error(f"{PROGRAM}: error: out of memory while {progress.get()}\n")
                return 1
            except Exception as error:
                about = " ".join(f"{type(error).__name__}: {error}".split())
                write_error(f"{PROGRAM}: internal error while {progress.get()}: {about}\n")
                return 1
            finally:
                output.flush()
            return 0 if succeeded else 1

        outcome = run_isolated(work, config.timeout)
        if outcome.status is None:
            _report_crash(config, outcome, progress.get(), cast(BinaryIO, reproducer))
            return 1
        if config.o == "-":
            output.seek(0)
            _write_all(1, output.read())
        elif outcome.status == 0:
            _commit(cast(BinaryIO, output), config.o)
        return 1 if outcome.status else 0


def _report_crash(config: Config, outcome: Outcome, doing: str, reproducer: BinaryIO) -> None:
    text = f"{PROGRAM}: error: {outcome.text()} while {doing}"
    path = config.mlir_pass_pipeline_crash_reproducer
    if path is not None and os.fstat(reproducer.fileno()).st_size:
        save(reproducer, path)
        text += f"; reproducer generated at `{path}`"
    write_error(text + "\n")


def _check_output(path: str) -> None:
    """Raise `ArgumentError` when `path` certainly cannot be written."""
    if path == "-":
        return
    target = Path(path)
    reason = ""
    if not path:
        reason = "No such file or directory"
    elif target.is_dir():
        reason = "Is a directory"
    elif target.exists():
        reason = "" if os.access(target, os.W_OK) else "Permission denied"
    elif not target.parent.is_dir():
        reason = "No such file or directory"
    elif not os.access(target.parent, os.W_OK):
        reason = "Permission denied"
    if reason:
        raise ArgumentError(f"cannot open output file '{path}': {reason}")


def _commit(data: BinaryIO, path: str) -> None:
    """Replace the file at `path`, in one step where it is a regular file; raises `ArgumentError`."""
    target = Path(os.path.realpath(path))
    data.seek(0)
    try:
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and (not stat.S_ISREG(mode) or not os.access(target.parent, os.W_OK)):
            with target.open("wb") as out:
                shutil.copyfileobj(data, out)
            return
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with open(descriptor, "wb") as out:  # noqa: PTH123
                shutil.copyfileobj(data, out)
            Path(temporary).chmod(stat.S_IMODE(mode) if mode is not None else 0o666 & ~_umask())
            Path(temporary).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise ArgumentError(f"cannot open output file '{path}': {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
