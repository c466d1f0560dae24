"""Kernels under valgrind: `make fuzz ARGS="valgrind --only packed"`.

Each is compiled for a CPU with AVX2, which valgrind decodes (it knows no AVX-512), and written as a C library; its C
example, whose inputs have just their sizes, runs under memcheck. Accesses outside arrays, results that depend on memory
which nobody wrote, and leaks are told of. The blocks of results have room to be aligned in, and weights lie in one
block of the file's size: what goes a little beyond one of those is seen by `bounds` only.
"""

from __future__ import annotations

import argparse
import collections
import shutil
import subprocess
from pathlib import Path

import slipstick
import torch
from slipstick import SlipstickError

from .bounds import Case, cases
from .check import NARROW
from .process import new_folder
from .record import FOLDER, Record
from .verdict import Verdict

SECONDS = 600
_ERROR = 99
_MEMORY = """\
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
/* In the place of the library's pool, whose blocks are longer than asked for and stay. */
void *_mlir_memref_to_llvm_alloc(int64_t size) { return malloc(size); }
void _mlir_memref_to_llvm_free(void *memory) { free(memory); }
/* In the place of the C library's: memcheck knows where memory of malloc ends, not where a mapped file does. */
void *mmap(void *at, size_t size, int protection, int flags, int file, long offset) {
  char *memory = malloc(size);
  for (size_t done = 0; memory && done < size;) {
    ssize_t some = pread(file, memory + done, size - done, offset + done);
    if (some <= 0)
      return (void *)-1;
    done += some;
  }
  return memory ? memory : (void *)-1;
}
int munmap(void *memory, size_t size) {
  free(memory);
  return 0;
}
"""


def check_with_valgrind(case: Case, folder: Path) -> Verdict:
    """Build the case's library and example in a folder and run it; "refused": the library has no interface in C."""
    assert case.kernel is not None
    form = case.form
    options = {"lmul": form.lmul, "weights": form.weights, "pack_weights": form.pack_weights}
    try:
        compiled = slipstick.compile(
            case.kernel.module(),
            case.kernel.arguments(),
            target=case.target,
            threads=1,
            cache_dir=folder / "cache",
            **options,  # type: ignore[arg-type]
        )
        compiled.save_library(folder, "kernel")
    except SlipstickError as error:
        return Verdict("refused", f"{type(error).__name__}: {error}")
    (folder / "memory.c").write_text(_MEMORY)
    parts = ["example.c", "memory.c", "kernel.c", "kernel.o", "kernel_support.o"]
    build = ["cc", "-g", *parts, "-lm", "-Wl,--allow-multiple-definition", "-o", "example"]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        return Verdict("error", done.stderr)
    run = ["valgrind", "-q", "--leak-check=full", f"--error-exitcode={_ERROR}", "./example"]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode == _ERROR or "Invalid" in done.stderr:  # valgrind itself may stop after an invalid write
        return Verdict("wrong", done.stderr)
    return Verdict("right") if not done.returncode else Verdict("crash", done.stderr or done.stdout)


def main(arguments: list[str] | None = None) -> int:
    """Run kernels; return 1 where memcheck had something to say."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--only", default="", help="kernels whose case has this text in it")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first of them")
    parser.add_argument("--cases", type=int, default=10**6, help="at most so many")
    parser.add_argument("--failures", type=Path, default=FOLDER, help="folder for the record")
    options = parser.parse_args(arguments)
    if shutil.which("valgrind") is None or shutil.which("cc") is None:
        parser.error("valgrind and cc must be there")
    torch.set_num_threads(1)
    chosen = [case for case in cases((NARROW,)) if options.only in str(case)]
    counts: collections.Counter[str] = collections.Counter()
    for number, case in enumerate(chosen[options.first :][: options.cases], start=options.first):
        folder = Path(new_folder())
        try:
            verdict = check_with_valgrind(case, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        counts[verdict.kind] += 1
        failures = {str(case): verdict.text} if verdict.is_failure else {}
        Record(options.failures).add("valgrind", {"kernels": 1, verdict.kind: 1}, failures, number + 1)
        print(f"{number} of {len(chosen)}, {case}: {verdict.kind} {verdict.text[:1500]}", flush=True)
    print(dict(counts))
    return int(any(counts[kind] for kind in ("wrong", "error", "crash")))


if __name__ == "__main__":
    raise SystemExit(main())
