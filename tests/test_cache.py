"""The cache never returns what was not put, never raises for what the disk does, and stays within its bound."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path

import pytest
from slipstick import errors
from slipstick.compiler import cache as cache_module
from slipstick.compiler.cache import Cache

KEY = Cache.key("a")
OTHER = Cache.key("b")


@pytest.fixture(autouse=True)
def _forget_warnings() -> None:
    cache_module._warned.clear()


def entries(directory: Path) -> list[Path]:
    return [path for path in directory.glob("v*/*/*") if path.is_file() and path.suffix != ".tmp"]


def total_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in entries(directory))


def run_python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE)


def fork(function: Callable[..., None], *arguments: object) -> tuple[ForkProcess, Connection]:
    """Start a process that calls a function with its arguments and a pipe, which is quicker than to start Python."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=function, args=(*arguments, theirs))
    child.start()
    theirs.close()
    return child, ours


READER = """
import sys
from slipstick.compiler.cache import Cache
sys.stdout.buffer.write(Cache(sys.argv[1]).get(sys.argv[2]))
"""


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 1000], ids=["empty", "one byte", "256 kB"])
def test_what_was_put_comes_back_in_this_and_in_another_process(tmp_path: Path, data: bytes) -> None:
    assert Cache(tmp_path).get(KEY) is None
    assert Cache(tmp_path).put(KEY, data)
    assert Cache(tmp_path).get(KEY) == data
    assert run_python(READER, tmp_path, KEY).communicate(timeout=60)[0] == data


def test_a_key_depends_on_every_part_its_type_and_where_parts_end() -> None:
    keys = [
        Cache.key(*parts)
        for parts in [(), ("",), ("ab", "c"), ("a", "bc"), ("abc",), (b"abc",), ("abc", ""), ("\udc80",)]
    ]
    assert len(set(keys)) == len(keys)
    assert Cache.key("ab", "c") == Cache.key("ab", "c")
    with pytest.raises(errors.ArgumentError, match="found int"):
        Cache.key(5)  # type: ignore[arg-type]


def test_a_key_depends_on_the_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Cache.key("a")
    for number in range(len(cache_module._versions())):
        changed = list(cache_module._versions())
        changed[number] += "!"
        with monkeypatch.context() as patch:
            patch.setattr(cache_module, "_versions", lambda changed=changed: tuple(changed))
            assert Cache.key("a") != before


def test_only_keys_name_entries(tmp_path: Path) -> None:
    for key in ("", "../../etc/passwd", "A" * 64, "0" * 63):
        with pytest.raises(errors.ArgumentError, match="64 hexadecimal digits"):
            Cache(tmp_path).get(key)


def test_corruption_of_any_byte_is_found_and_the_entry_is_removed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, b"some object code")
    (path,) = entries(tmp_path)
    entry = path.read_bytes()
    for position in range(len(entry)):
        for flip in (0x01, 0x80, 0xFF):
            path.write_bytes(entry[:position] + bytes([entry[position] ^ flip]) + entry[position + 1 :])
            assert cache.get(KEY) is None, position
            assert not path.exists()
    path.write_bytes(entry)
    assert cache.get(KEY) == b"some object code"


def test_truncation_and_extension_at_any_length_are_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, b"some object code")
    (path,) = entries(tmp_path)
    entry = path.read_bytes()
    for length in range(len(entry)):
        path.write_bytes(entry[:length])
        assert cache.get(KEY) is None, length
    for extra in (b"\0", b"x" * 100, entry):
        path.write_bytes(entry + extra)
        assert cache.get(KEY) is None
    assert cache.put(KEY, b"again")
    assert cache.get(KEY) == b"again"


def test_a_valid_entry_under_another_name_is_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, b"a's code")
    (path,) = entries(tmp_path)
    wrong = tmp_path / "v1" / OTHER[:2] / OTHER
    wrong.parent.mkdir(exist_ok=True)
    wrong.write_bytes(path.read_bytes())
    assert cache.get(OTHER) is None
    assert cache.get(KEY) == b"a's code"


def test_the_entries_used_longest_ago_go_first(tmp_path: Path) -> None:
    keys = [Cache.key(str(number)) for number in range(6)]
    size = len(cache_module._pack(keys[0], b"x" * 1000))
    cache = Cache(tmp_path, max_bytes=4 * size)
    for age, key in enumerate(keys[:4]):
        cache.put(key, b"x" * 1000)
        os.utime(tmp_path / "v1" / key[:2] / key, (time.time() - 1000 + age,) * 2)
    assert cache.get(keys[0]) is not None  # the oldest, but read just now
    cache.put(keys[4], b"x" * 1000)
    cache.put(keys[5], b"x" * 1000)
    assert [cache.get(key) is not None for key in keys] == [True, False, False, True, True, True]
    assert total_bytes(tmp_path) <= cache.max_bytes


def test_the_bound_holds_for_every_size(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=10_000)
    for number in range(60):
        cache.put(Cache.key(str(number)), b"x" * (number * 173 % 9000))
        assert total_bytes(tmp_path) <= 10_000
    assert not cache.put(KEY, b"x" * 10_000)
    assert cache.get(KEY) is None
    with pytest.raises(errors.ArgumentError, match="max_bytes"):
        Cache(tmp_path, max_bytes=-1)


def read_and_write(directory: Path, seed: int, pipe: Connection) -> None:
    """Use 12 keys in turns of chance; send how often one was found."""
    cache, choose, hits = Cache(directory, max_bytes=200_000), random.Random(seed), 0
    for _ in range(250):
        name = str(choose.randrange(12))
        key, data = Cache.key(name), hashlib.sha256(name.encode()).digest() * (200 + 100 * int(name))
        found = cache.get(key)
        assert found in (None, data), name
        hits += found is not None
        if found is None or choose.random() < 0.3:
            assert cache.put(key, data)
    pipe.send(hits)


def test_concurrent_processes_read_and_write_the_same_keys_while_pruning(tmp_path: Path) -> None:
    children = [fork(read_and_write, tmp_path, number) for number in range(8)]
    hits = [pipe.recv() for _, pipe in children]
    for process, _ in children:
        process.join(60)
    assert [process.exitcode for process, _ in children] == [0] * 8
    assert sum(hits) > 100
    Cache(tmp_path, max_bytes=200_000).put(KEY, b"")
    assert total_bytes(tmp_path) <= 200_000
    assert not list(tmp_path.glob("v1/*/*.tmp"))


def test_threads_share_a_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=100_000)
    wrong: list[str] = []

    def work() -> None:
        for step in range(60):
            name = str(step % 7)
            if cache.get(Cache.key(name)) not in (None, name.encode() * 5000):
                wrong.append(name)
            cache.put(Cache.key(name), name.encode() * 5000)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def write_for_ever(directory: Path, pipe: Connection) -> None:
    """Put entries of 500 kB, from when it has sent that it is ready."""
    cache = Cache(directory, max_bytes=3_000_000)
    pipe.send("ready")
    for step in itertools.count():
        name = str(step % 5)
        cache.put(Cache.key(name), name.encode() * 500_000)


def test_kill_9_at_any_time_leaves_a_working_cache(tmp_path: Path) -> None:
    stale = 0
    for attempt in range(25):
        process, pipe = fork(write_for_ever, tmp_path)
        assert pipe.recv() == "ready"
        time.sleep(0.003 * attempt)
        process.kill()
        process.join(60)
        stale = max(stale, len(list(tmp_path.glob("v1/*/*.tmp"))))
        cache = Cache(tmp_path, max_bytes=3_000_000)
        for name in "01234":
            assert cache.get(Cache.key(name)) in (None, name.encode() * 500_000)
        assert cache.put(KEY, b"works")
        assert cache.get(KEY) == b"works"
    assert stale, "no writer was killed in the middle of a write: the test shows nothing"
    for path in tmp_path.glob("v1/*/*.tmp"):
        os.utime(path, (time.time() - 3600,) * 2)
    cache.put(KEY, b"works")
    assert not list(tmp_path.glob("v1/*/*.tmp"))


def test_the_temporary_file_of_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, b"")
    temporary = tmp_path / "v1" / KEY[:2] / f"{KEY}.0.tmp"
    with temporary.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(temporary, (time.time() - 3600,) * 2)
        cache.put(OTHER, b"")
        assert temporary.exists()
    cache.put(OTHER, b"")
    assert not temporary.exists()


def test_a_lock_that_stays_taken_stops_pruning_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_LOCK_WAIT_S", 0.05)
    cache = Cache(tmp_path, max_bytes=1000)
    cache.put(KEY, b"x" * 700)
    with (tmp_path / "v1" / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert cache.put(OTHER, b"y" * 700)
        assert cache.get(KEY) and cache.get(OTHER)
    assert cache.put(OTHER, b"y" * 700)
    assert total_bytes(tmp_path) <= 1000


FULL_DISK = """
import resource, sys, warnings
from slipstick.compiler.cache import Cache
cache = Cache(sys.argv[1])
assert cache.put(Cache.key("small"), b"s" * 1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for name in "abc":
        assert not cache.put(Cache.key(name), b"b" * 100_000)
        assert cache.get(Cache.key(name)) is None
assert len(caught) == 1 and "not cached" in str(caught[0].message), caught
assert cache.get(Cache.key("small")) == b"s" * 1000
"""


def test_a_full_disk_costs_the_entry_and_one_warning(tmp_path: Path) -> None:
    process = run_python(FULL_DISK, tmp_path)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(entries(tmp_path)) == 1
    assert not list(tmp_path.glob("v1/*/*.tmp"))


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nothing", "/dev/null/cache"])
def test_a_directory_that_cannot_be_made_costs_one_warning(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("no directory")
    cache = Cache(tmp_path / place)
    with pytest.warns(RuntimeWarning, match="not cached") as caught:
        for _ in range(3):
            assert not cache.put(KEY, b"x")
            assert cache.get(KEY) is None
    assert len(caught) == 1


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EACCES])
@pytest.mark.parametrize("call", ["open", "fsync", "replace", "mkdir", "unlink", "utime", "scandir"])
def test_whatever_call_the_system_fails_nothing_is_raised_and_nothing_partial_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    cache = Cache(tmp_path / "cache", max_bytes=1000)
    cache.put(KEY, b"x" * 600)

    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(os, call, fail)
        for _ in range(2):
            stored = cache.put(OTHER, b"y" * 600)
            assert cache.get(OTHER) == (b"y" * 600 if stored else None)
            assert cache.get(KEY) in (None, b"x" * 600)
        assert len(caught) == (not stored)
    assert cache.put(OTHER, b"y" * 600)
    assert cache.get(OTHER) == b"y" * 600
    assert total_bytes(tmp_path / "cache") <= 1000


def test_flock_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    cache = Cache(tmp_path, max_bytes=1000)
    assert cache.put(KEY, b"x" * 600)
    assert cache.put(OTHER, b"y" * 600)
    assert cache.get(OTHER) == b"y" * 600
    assert total_bytes(tmp_path) <= 1000
    temporary = tmp_path / "v1" / KEY[:2] / f"{KEY}.0.tmp"
    for age, left in ((3600, True), (3600 * 25, False)):
        temporary.parent.mkdir(exist_ok=True)
        temporary.write_bytes(b"")
        os.utime(temporary, (time.time() - age,) * 2)
        cache.put(KEY, b"")
        assert temporary.exists() == left


READ_ONLY = """
import os, sys, warnings
from pathlib import Path
from slipstick.compiler.cache import Cache
root = Path(sys.argv[1])
key, other = Cache.key("a"), Cache.key("b")
if os.geteuid() == 0:  # root may write everywhere: become nobody
    os.chown(root, 65534, 65534)
    os.setuid(65534)
cache = Cache(root)
assert cache.put(key, b"x")
for path in sorted(root.rglob("*"), reverse=True):
    path.chmod(0o500 if path.is_dir() else 0o400)
root.chmod(0o500)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        assert cache.get(key) == b"x"
        assert not cache.put(other, b"x")
        assert cache.get(other) is None
assert len(caught) == 1 and "Permission denied" in str(caught[0].message), caught
for path in [root, *root.rglob("*")]:
    path.chmod(0o700)
"""


def test_a_read_only_directory_still_answers() -> None:
    with tempfile.TemporaryDirectory() as directory:
        process = run_python(READ_ONLY, directory)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_directory_that_everyone_may_write_to_is_not_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "open")
    cache.put(KEY, b"x")
    cache.directory.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="everyone may write"):
        assert cache.get(KEY) is None
    assert not cache.put(KEY, b"x")


def test_a_deleted_cache_is_made_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.put(KEY, b"x")
    cache_module_root = tmp_path / "cache"
    for path in sorted(cache_module_root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    cache_module_root.rmdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cache.get(KEY) is None
        assert cache.put(KEY, b"y")
    assert cache.get(KEY) == b"y"


def test_the_default_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SLIPSTICK_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Cache().directory == tmp_path / "home" / ".cache" / "slipstick"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert Cache().directory == tmp_path / "home" / ".cache" / "slipstick"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache().directory == tmp_path / "xdg" / "slipstick"
    monkeypatch.setenv("SLIPSTICK_CACHE_DIR", str(tmp_path / "own"))
    assert Cache().directory == tmp_path / "own"
    assert Cache(tmp_path / "argument").directory == tmp_path / "argument"
