"""A cache of compiled code on disk: content-addressed, verified, atomic, bounded. Deleting it loses nothing.

    <directory>/v1/<first two digits of the key>/<key>          an entry
    <directory>/v1/<first two digits of the key>/<key>.<random>.tmp   an entry being written
    <directory>/v1/lock                                         held while old entries are removed

An entry is a header (magic, format version, payload length, SHA-256) and the payload. The digest covers the key too, so
that an entry under another's name is found out. Nothing here raises for what the disk does: a cache that cannot be read
or written is one that holds nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import struct
import time
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import ArgumentError

DEFAULT_MAX_BYTES = 2 << 30
ENVIRONMENT_VARIABLE = "SLIPSTICK_CACHE_DIR"

_HEADER = struct.Struct("<8sQQ32s")
_MAGIC = b"slipstk\n"
_FORMAT = 1
_LOCK_WAIT_S = 2.0
_STALE_AFTER_S = 60.0
_STALE_WITHOUT_LOCKS_S = 24 * 3600.0


class Cache:
    """Bytes by key, in a directory that any number of processes share.

    `directory` defaults to `$SLIPSTICK_CACHE_DIR`, else `$XDG_CACHE_HOME/slipstick`, else `~/.cache/slipstick`; it is
    made when first needed. `max_bytes` bounds the sum of the entries' file sizes: the entries read or written longest
    ago go first. Raises `ArgumentError` unless `max_bytes` is zero or more.

    Since its entries are executed, a directory that another user owns or that everyone may write to is not used.
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None, max_bytes: int = DEFAULT_MAX_BYTES):
        if max_bytes < 0:
            raise ArgumentError(f"max_bytes: expected zero or more, found {max_bytes}")
        self.directory = _default_directory() if directory is None else Path(directory).expanduser().absolute()
        self.max_bytes = max_bytes
        self._root = self.directory / f"v{_FORMAT}"

    @staticmethod
    def key(*parts: str | bytes) -> str:
        """Return the key (64 hexadecimal digits) for all that a result depends on.

        The versions of slipstick (its source included), torch-mlir and llvmlite are part of every key.
        """
        digest = hashlib.sha256()
        for part in (*_versions(), *parts):
            if not isinstance(part, str | bytes):
                raise ArgumentError(f"part of a cache key: expected str or bytes, found {type(part).__name__}")
            data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            digest.update(b"s" if isinstance(part, str) else b"b")
            digest.update(struct.pack("<Q", len(data)))
            digest.update(data)
        return digest.hexdigest()

    def get(self, key: str) -> bytes | None:
        """Return the bytes put under `key`, `None` if there are none. A damaged entry is removed and counts as none."""
        path = self._path(key)
        try:
            if not self._trusted():
                return None
            entry = path.read_bytes()
        except OSError:
            return None
        payload = _unpack(key, entry)
        with contextlib.suppress(OSError):
            if payload is None:
                path.unlink()
            else:
                os.utime(path)  # what was read last is removed last
        return payload

    def put(self, key: str, data: bytes) -> bool:
        """Keep `data` under `key`; tell whether that was possible.

        The entry appears whole or not at all, whatever happens to this process. Where the disk is full or must not be
        written, a warning is given once for each directory.
        """
        entry = _pack(key, data)
        if len(entry) > self.max_bytes:
            return False
        path = self._path(key)
        try:
            if not self._write(path, entry):
                return False
        except OSError as error:
            self._warn(str(error))
            return False
        self._prune()
        return True

    def _write(self, path: Path, entry: bytes) -> bool:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._trusted():
            return False
        try:
            _write_atomically(path, entry)
        except FileNotFoundError:  # someone deleted the cache meanwhile: make it anew, once
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_atomically(path, entry)
        return True

    def _path(self, key: str) -> Path:
        if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
            raise ArgumentError(f"key: expected 64 hexadecimal digits as Cache.key makes them, found {key!r}")
        return self._root / key[:2] / key

    def _trusted(self) -> bool:
        """Tell whether only this user (and root) can have put entries here."""
        status = self.directory.stat()
        if status.st_uid not in (os.geteuid(), 0) or status.st_mode & stat.S_IWOTH:
            self._warn("another user owns it or everyone may write to it")
            return False
        return True

    def _warn(self, why: str) -> None:
        if self.directory not in _warned:
            _warned.add(self.directory)
            text = f"compiled code is not cached in {self.directory}: {why}"
            warnings.warn(text, RuntimeWarning, stacklevel=3)

    def _prune(self) -> None:
        """Remove the entries used longest ago until the rest fits, and what killed writers left behind."""
        with contextlib.suppress(OSError), _locked(self._root / "lock"):
            entries: list[tuple[float, int, str]] = []
            for shard in os.scandir(self._root):
                if not shard.is_dir(follow_symlinks=False):
                    continue
                for file in os.scandir(shard.path):
                    with contextlib.suppress(FileNotFoundError):
                        status = file.stat(follow_symlinks=False)
                        if file.name.endswith(".tmp"):
                            _sweep(file.path, status)
                        else:
                            entries.append((status.st_mtime, status.st_size, file.path))
            excess = sum(size for _, size, _ in entries) - self.max_bytes
            for _, size, name in sorted(entries):
                if excess <= 0:
                    break
                with contextlib.suppress(OSError):
                    Path(name).unlink(missing_ok=True)
                    excess -= size


_warned: set[Path] = set()


def _default_directory() -> Path:
    for variable, suffix in ((ENVIRONMENT_VARIABLE, ""), ("XDG_CACHE_HOME", "slipstick")):
        value = os.environ.get(variable)
        # The XDG specification: a relative path is to be ignored.
        if value and (suffix == "" or Path(value).is_absolute()):
            return (Path(value).expanduser() / suffix).absolute()
    try:
        return Path.home() / ".cache" / "slipstick"
    except RuntimeError:  # no home directory: a path that cannot be made, hence a cache that holds nothing
        return Path(os.devnull) / "slipstick"


@cache
def _versions() -> tuple[str, ...]:
    """Return what made the code: versions, and a digest of slipstick's source, which changes more often."""
    source = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    for pattern in ("*.py", "*/*.py"):
        for file in sorted(root.glob(pattern)):
            if file.parent.name != "tests":
                text = file.read_bytes()
                source.update(struct.pack("<QQ", len(file.name), len(text)) + file.name.encode() + text)
    return (source.hexdigest(), *(_version(package) for package in ("slipstick", "torch-mlir", "llvmlite")))


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} unknown"


def _pack(key: str, payload: bytes) -> bytes:
    length = len(payload)
    digest = hashlib.sha256(bytes.fromhex(key) + struct.pack("<Q", length))
    digest.update(payload)
    return _HEADER.pack(_MAGIC, _FORMAT, length, digest.digest()) + payload


def _unpack(key: str, entry: bytes) -> bytes | None:
    """Return the payload of an entry, `None` unless every byte of it is as `_pack` made it for `key`."""
    payload = entry[_HEADER.size :]
    return payload if entry == _pack(key, payload) else None


def _write_atomically(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, in one step for every reader; on failure nothing is left behind."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # tells `_sweep` that its writer lives
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _sweep(name: str, status: os.stat_result) -> None:
    """Remove a temporary file whose writer is dead: its lock is free. A new one may not have got its lock yet."""
    age = time.time() - status.st_mtime
    if age < _STALE_AFTER_S:
        return
    with contextlib.suppress(OSError), Path(name).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:  # a file system without locks
            if age < _STALE_WITHOUT_LOCKS_S:
                return
        Path(name).unlink()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file, which the kernel frees when its holder dies; `BlockingIOError` if it stays taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
            except OSError:
                break  # a file system without locks: two processes that prune at once remove too much, at worst
        yield
    finally:
        os.close(descriptor)
