"""The memory of one call as a file: descriptors and tensors at the addresses where the driver maps them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

BASE = 0x20_0000_0000
"""Where the image is mapped: clear of where programs, their heap and their stack lie."""
PAGE = 4096
_MAGIC = int.from_bytes(b"slipstik", "little")
_HEADER_WORDS = 7


class MemoryImage:
    """Bytes at addresses from `BASE` on, built up in order.

    Each block of elements ends where a page that must not be touched begins, and another such page lies before it:
    code that reads or writes past a tensor ends with a fault, also where the allocator would have let it pass.
    """

    def __init__(self) -> None:
        self._bytes = bytearray(8 * _HEADER_WORDS)
        self._guards: list[int] = []

    def words(self, values: Sequence[int]) -> int:
        """Append 8-byte words and return their address."""
        self._bytes += bytes(-len(self._bytes) % 8)
        address = BASE + len(self._bytes)
        self._bytes += struct.pack(f"<{len(values)}Q", *(value % 2**64 for value in values))
        return address

    def elements(self, data: bytes) -> int:
        """Append the elements of a tensor between guard pages and return their address."""
        self._guard()
        self._bytes += bytes(-len(data) % PAGE)
        address = BASE + len(self._bytes)
        self._bytes += data
        self._guard()
        return address

    def finish(self, arguments: int, results: Sequence[tuple[int, int, int]]) -> bytearray:
        """Return the file's bytes.

        `arguments` is the address of the words that the call takes; `results` are (address of the descriptor, rank,
        bytes of an element).
        """
        guards = self.words(self._guards)
        table = self.words([word for result in results for word in result])
        head = (_MAGIC, BASE, arguments, guards, len(self._guards), table, len(results))
        struct.pack_into(f"<{_HEADER_WORDS}Q", self._bytes, 0, *head)
        return self._bytes

    def _guard(self) -> None:
        self._bytes += bytes(-len(self._bytes) % PAGE)
        self._guards.append(BASE + len(self._bytes))
        self._bytes += bytes(PAGE)


def read_words(image: bytes | bytearray, address: int, count: int) -> list[int]:
    """Return `count` words at an address of an image, as signed numbers."""
    return list(struct.unpack_from(f"<{count}q", image, address - BASE))
