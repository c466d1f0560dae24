"""Measured labels: the kernels of a corpus that suit this host, each run alone, in two rounds.

They lie in files of their own, in the folder `measured` of the corpus: what is measured on one machine is never mixed
with what follows from the text. The difference of the two rounds is the noise: no model can be better than that.
"""

from __future__ import annotations

import hashlib
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import ArgumentError
from ...files import write_bytes_atomically
from ...target import Target
from .lowering import prepared
from .session import Session
from .store import read_rows
from .work import work

if TYPE_CHECKING:
    import torch

    from ...compiler.compiled import CompiledModule

FOLDER = "measured"
_TEXT = ("program", "family", "kind", "lmul", "weights", "fusion", "target", "text", "canonical", "shape_erased")
_SAMPLES = 7
_SAMPLE_S = 400e-6
"""Seconds of one sample: as many calls as fit, at least one."""
_LARGEST = 256 << 20
"""Bytes of arguments and results of a kernel that is measured."""


@dataclass(frozen=True)
class Measured:
    """Times of one kernel; each round's is the median of some samples, in nanoseconds a call, on one thread."""

    round1_ns: float
    round2_ns: float
    time_ns: float
    """The smaller one: what disturbs only adds."""
    flops: int
    bytes: int
    flop_share: float
    """Of the most multiply-adds that this core can do, in the same unit as `flops`."""
    bandwidth_share: float
    """Of the most bytes that this core can read, at that size."""


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXT),
        ("variant", pa.int32()),
        *((field.name, pa.int64() if field.type == "int" else pa.float64()) for field in fields(Measured)),
    ]
)


@dataclass(frozen=True)
class Roof:
    """The limits of one core."""

    gflops: float
    bandwidth: Callable[[float], float]
    """10^9 bytes a second that can be read of so many bytes."""


def candidates(folder: Path, count: int) -> list[dict[str, Any]]:
    """Return up to `count` kernels on tensors that suit this host, families in turn, always in the same order.

    They are those whose schedules are for its CPU or for one with the same vector registers; the host's own code is
    made of them, and `target` is the host's CPU. Raises ArgumentError for a folder that is no corpus.
    """
    host = Target.host()
    seen: set[str] = set()
    families: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(folder):
        if row["level"] != "graph" or row["canonical"] in seen or not _suits(Target.named(row["target"]), host):
            continue
        seen.add(row["canonical"])
        kept = {name: row[name] for name in (*_TEXT, "variant")}
        families.setdefault(row["family"], []).append({**kept, "target": host.cpu})
    for members in families.values():
        random.Random(0).shuffle(members)
    found: list[dict[str, Any]] = []
    while len(found) < count and any(families.values()):
        found += [members.pop() for _, members in sorted(families.items()) if members]
    return found[:count]


def _suits(target: Target, host: Target) -> bool:
    vectors = (target.architecture, target.vector_bits, target.vector_registers)
    return vectors == (host.architecture, host.vector_bits, host.vector_registers)


def prepare(row: dict[str, Any]) -> Runner:
    """Compile a kernel, or take it from the cache, and make its arguments.

    Raises what compiling raises, and ArgumentError for a kernel that takes too much memory.
    """
    import torch

    from ...compiler.api import compile

    module = prepared(Session(), row["text"])
    flops, size = work(module)
    if size > _LARGEST:
        raise ArgumentError(f"arguments and results of {size >> 20} MiB are more than {_LARGEST >> 20} MiB")
    compiled = compile(str(module), threads=1)
    generator = torch.Generator().manual_seed(0)
    arguments = [_argument(argument.spec, generator) for argument in compiled.signature.arguments]
    return Runner(compiled, arguments, flops, size)


@dataclass
class Runner:
    """A kernel that can be called."""

    compiled: CompiledModule
    arguments: Sequence[torch.Tensor]
    flops: int
    size: int
    calls: int = 0

    def time(self) -> float:
        """Return nanoseconds a call: the median of some samples, the calls that warm up not counted."""
        if not self.calls:
            self.compiled(*self.arguments)
            start = time.perf_counter()
            self.compiled(*self.arguments)
            self.calls = max(1, min(1000, int(_SAMPLE_S / max(time.perf_counter() - start, 1e-9))))
        call, arguments, calls = self.compiled, self.arguments, range(self.calls)
        call(*arguments)
        samples = []
        for _ in range(_SAMPLES):
            start = time.perf_counter_ns()
            for _ in calls:
                call(*arguments)
            samples.append((time.perf_counter_ns() - start) / self.calls)
        return statistics.median(samples)


def measure(rows: Sequence[dict[str, Any]], runners: Sequence[Runner], roof: Roof) -> list[dict[str, Any]]:
    """Measure kernels in two rounds, each in an order of its own; return rows of the schema."""
    times: list[list[float]] = [[] for _ in runners]
    for turn in range(2):
        order = list(range(len(runners)))
        random.Random(turn).shuffle(order)
        for number in order:
            times[number].append(runners[number].time())
    found = []
    for row, runner, (first, second) in zip(rows, runners, times, strict=True):
        best = min(first, second)
        shares = runner.flops / best / roof.gflops, runner.size / best / roof.bandwidth(runner.size)
        found.append({**row, **asdict(Measured(first, second, best, runner.flops, runner.size, *shares))})
    return found


def write(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write measured rows as a new file beside the corpus; return its path. Raises OSError."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), sink, compression="zstd")
    data = sink.getvalue().to_pybytes()
    path = folder / FOLDER / f"{hashlib.sha256(data).hexdigest()[:16]}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, data)
    return path


def read_measured(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the measured rows of a corpus; none where there are none."""
    for path in sorted((folder / FOLDER).glob("*.parquet")):
        yield from pq.read_table(path).to_pylist()


def with_times(rows: Iterable[dict[str, Any]], folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yield rows of corpora, those whose kernel was measured with its `time_ns`.

    A time is of one machine: rows for CPUs with other vector registers than that machine's have none.
    """
    times: dict[str, dict[str, float]] = {}
    for folder in folders:
        for row in read_measured(folder):
            times.setdefault(row["target"], {})[row["canonical"]] = row["time_ns"]
    hosts = {name: Target.named(name) for name in times}
    targets: dict[str, Target] = {}
    for row in rows:
        target = targets.setdefault(row["target"], Target.named(row["target"]))
        found = (own.get(row["canonical"]) for name, own in times.items() if _suits(target, hosts[name]))
        yield {**row, "time_ns": next((time for time in found if time is not None), None)}


def noise(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the noise ceiling: how far the two rounds agree.

    `median` and `p90` of |round 1 / round 2 - 1|, and `spearman` of the two rounds. Raises ValueError for no rows.
    """
    from scipy.stats import spearmanr

    first, second = ([row[name] for row in rows] for name in ("round1_ns", "round2_ns"))
    apart = sorted(abs(a / b - 1) for a, b in zip(first, second, strict=True))
    if not apart:
        raise ValueError("expected measured rows, found none")
    rank = float(spearmanr(first, second).statistic) if len(apart) > 2 else 1.0
    return {"median": statistics.median(apart), "p90": apart[int(0.9 * (len(apart) - 1))], "spearman": rank}


def _argument(spec: Any, generator: torch.Generator) -> torch.Tensor:
    """Return what a kernel can be called with: small positive numbers, indices that every table has."""
    import torch

    dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point:
        return torch.rand(spec.shape, generator=generator, dtype=torch.float64).to(dtype) + 0.5
    if dtype == torch.int16:
        # The codes of bfloat weights: numbers from 0.5 to 2.
        return torch.randint(0x3F00, 0x3FFF, spec.shape, generator=generator, dtype=dtype)
    high = 2 if dtype == torch.bool else 8
    return torch.randint(0, high, spec.shape, generator=generator).to(dtype)


__all__ = ["Measured", "Roof", "Runner", "candidates", "measure", "noise", "prepare", "read_measured", "write"]
