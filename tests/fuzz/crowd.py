"""Many processes on one cache at once: none fails, none reads what nobody has put there.

`make fuzz ARGS="crowd --cases 200"`: so many processes, each with rounds of puts, gets and removals.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import sys
import traceback
from pathlib import Path

from slipstick.compiler.cache import Cache

from .process import new_folder

KEYS = 24


def payload(key: str, version: int) -> bytes:
    """Return what a process puts under a key: it tells whose it is, and its length is its own."""
    seed = hashlib.sha256(f"{key} {version}".encode()).digest()
    return version.to_bytes(4, "little") + seed * (1 + seed[0] * (1 + version % 5))


def is_whole(key: str, data: bytes) -> bool:
    """Tell whether data under a key is what some process has put there."""
    return data == payload(key, int.from_bytes(data[:4], "little"))


def work(folder: Path, number: int, rounds: int) -> None:
    """Put and get; raise AssertionError for what is torn."""
    rng = random.Random(number)
    # So little room that old entries are removed all the time, in every process.
    cache = Cache(folder, max_bytes=400_000)
    keys = [Cache.key("crowd", str(n)) for n in range(KEYS)]
    for _ in range(rounds):
        key = rng.choice(keys)
        if rng.random() < 0.4:
            cache.put(key, payload(key, rng.randrange(1000)))
        data = cache.get(key)
        assert data is None or is_whole(key, data), f"process {number}: a torn entry {key}"
        if rng.random() < 0.002:
            shutil.rmtree(folder / "v1", ignore_errors=True)  # deleting a cache loses nothing


def crowd(folder: Path, processes: int, rounds: int) -> list[int]:
    """Run so many processes at once; return the exit statuses that are not 0."""
    children = []
    waiting, start = os.pipe()  # nobody starts before all are there
    for number in range(processes):
        child = os.fork()
        if child == 0:
            status = 1
            os.close(start)
            try:
                os.read(waiting, 1)  # ends when the last writer closes it
                work(folder, number, rounds)
                status = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(status)
        children.append(child)
    os.close(start)
    os.close(waiting)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return [status for status in statuses if status]


def main(arguments: list[str] | None = None) -> int:
    """Run a crowd; return 1 where a process failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="processes")
    parser.add_argument("--rounds", type=int, default=200, help="puts and gets of each")
    options = parser.parse_args(arguments)
    folder = Path(new_folder())
    try:
        failed = crowd(folder, options.cases, options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.cases} processes of {options.rounds} rounds: {len(failed)} failed {failed[:5]}")
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
