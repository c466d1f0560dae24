"""What passes that decide for vector registers require of their options."""

from __future__ import annotations

from ..errors import ArgumentError


def check_vector_registers(bits: int, registers: int) -> None:
    """Raise `ArgumentError` unless registers of so many bits can be, and there is at least one."""
    if not 64 <= bits <= 4096 or bits & (bits - 1):
        raise ArgumentError(f"vector-bits: expected a power of two from 64 to 4096, found {bits}")
    if registers < 1:
        raise ArgumentError(f"vector-registers: expected at least 1, found {registers}")
