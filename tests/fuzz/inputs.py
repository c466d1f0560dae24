"""Mutated texts and files for whatever reads them: `make fuzz ARGS="inputs --cases 100000"`.

Each reader has seeds; what reaches a line of the reader's modules that nothing has reached before joins them. Only
errors of slipstick may come out, each within a time limit. What else comes out is made shorter and written to a folder.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from slipstick.errors import SlipstickError

from .readers import READERS, Reader, reader_of
from .record import FOLDER, Record

SECONDS = 20  # of CPU time, which does not pass while the process is stopped
_PIECES = (
    b"{", b"}", b"(", b")", b"[", b"]", b",", b"=", b":", b'"', b"'", b"\\", b"\0", b"\xff\xfe", b"\n", b"\t", b" ",
    b"-1",
    b"0", b"1", b"99999999999999999999", b"1e999", b"NaN", b"null", b"true", b"none", b"\xc3\xa9", b"0x", b"%", b"?",
)  # fmt: skip


class TookTooLong(BaseException):
    """No error that a reader could catch."""


def mutate(data: bytes, others: Sequence[bytes], rng: random.Random, words: Sequence[bytes]) -> bytes:
    """Return data after a few random changes."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randint(0, len(found))
        size = rng.choice((1, 1, 2, 8, 32))
        kind = rng.randrange(7)
        if kind == 0 and found:
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del found[at : at + size]
        elif kind == 2:
            found[at:at] = rng.choice(_PIECES) * rng.choice((1, 1, 1, 3, 300))
        elif kind == 3:
            found[at:at] = found[at : at + size] * rng.choice((1, 2, 20))
        elif kind == 4 and words:
            found[at : at + rng.choice((0, 0, size))] = rng.choice(words)
        elif kind == 5:
            other = rng.choice(others)
            start = rng.randint(0, len(other))
            found[at : at + rng.choice((0, size))] = other[start : start + 4 * size]
        else:
            found = found[: rng.randint(0, len(found))] if rng.random() < 0.2 else found
    return bytes(found[: max(20000, len(data) + 1000)])


class Coverage:
    """The lines of some modules that were reached."""

    def __init__(self, modules: Sequence[str]):
        self._files = {sys.modules[name].__file__ for name in modules}
        self.lines: set[tuple[str, int]] = set()

    def run(self, function: Callable[[], Any]) -> bool:
        """Run a function; tell whether it reached a line that is new."""
        before = len(self.lines)
        sys.settrace(self._call)
        try:
            function()
        finally:
            sys.settrace(None)
            self.grown = len(self.lines) > before
        return self.grown

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


def problem(reader: Reader, data: bytes, coverage: Coverage | None = None) -> str:
    """Return what came out of a reader that must not; "" where nothing did."""

    def late(*_: Any) -> None:
        raise TookTooLong

    usual = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        if coverage is None:
            reader.read(data)
        else:
            coverage.run(lambda: reader.read(data))
    except SlipstickError as error:
        return "" if str(error) else f"{type(error).__name__} without a text"
    except TookTooLong:
        return f"no end within {SECONDS} s"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, usual)
    return ""


def shortened(reader: Reader, data: bytes, what: str, tries: int = 400) -> bytes:
    """Return a part of data with which the same kind of problem comes out."""
    kind = what.partition(":")[0]
    size = max(1, len(data) // 2)
    while size and tries:
        at = 0
        while at < len(data) and tries:
            tries -= 1
            shorter = data[:at] + data[at + size :]
            if problem(reader, shorter).partition(":")[0] == kind:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def fuzz(reader: Reader, cases: int, seed: int) -> tuple[dict[str, bytes], int, int]:
    """Return problems with an input each, the lines reached, and the inputs kept, after so many mutated ones."""
    rng = random.Random(f"{reader.name} {seed}")
    kept = list(reader.seeds)
    coverage = Coverage(reader.modules)
    found: dict[str, bytes] = {}
    for number in range(cases):
        data = kept[number] if number < len(reader.seeds) else mutate(rng.choice(kept), kept, rng, reader.words)
        what = problem(reader, data, coverage)
        if what and what[:60] not in found:
            found[what[:60]] = data
        elif coverage.grown and number >= len(reader.seeds):
            kept.append(data)
    return found, len(coverage.lines), len(kept)


def main(arguments: list[str] | None = None) -> int:
    """Fuzz all readers, or one; return 1 where something came out that must not."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100000, help="inputs, of all readers together")
    parser.add_argument("--seed", type=int, help="the first round's seed; by default that behind the last run's")
    parser.add_argument("--round", type=int, default=5000, help="inputs of a round, which has a seed of its own")
    parser.add_argument("--reader", choices=list(READERS), help="one reader alone")
    parser.add_argument("--failures", type=Path, default=FOLDER, help="folder for what failed, and the record")
    options = parser.parse_args(arguments)
    options.failures.mkdir(parents=True, exist_ok=True)
    record = Record(options.failures)
    first = record.next_seed("inputs") if options.seed is None else options.seed
    names = [options.reader] if options.reader else list(READERS)
    total = sum(READERS[name][1] for name in names)
    failed = 0
    for seed in range(first, first + -(-options.cases // options.round)):
        for name in names:
            cases = max(1, round(options.round * READERS[name][1] / total))
            start = time.monotonic()
            with reader_of(name) as reader:
                found, lines, kept = fuzz(reader, cases, seed)
                seconds = time.monotonic() - start
                print(
                    f"{seed}: {name}: {cases} inputs in {seconds:.0f} s, {lines} lines reached, {kept} kept", flush=True
                )
                failures = {}
                for number, (what, data) in enumerate(found.items()):
                    path = options.failures / f"{name.replace(' ', '-')}-{seed}-{number}"
                    path.write_bytes(shortened(reader, data, what))
                    failures[str(path)] = what
                    print(f"  {what}\n  see {path}", flush=True)
            record.add("inputs", {"inputs": cases, name: cases}, failures, seed + 1)
            failed += len(found)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
