"""Just enough of ELF to know an object's machine and symbols before it is linked."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import CodegenError

_SYMBOL_TABLE = 2
_GLOBAL, _WEAK = 1, 2
_FUNCTION = 2
_THREAD_LOCAL = 6
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_MACHINES = {62: "x86_64", 183: "aarch64"}


@dataclass(frozen=True)
class ObjectCode:
    """What a relocatable object says of itself."""

    architecture: str
    """The first part of the target triple: `x86_64` or `aarch64`."""
    defined: tuple[str, ...]
    """Its global functions and variables."""
    undefined: tuple[str, ...]
    """The symbols it takes from elsewhere and cannot do without."""
    thread_local: tuple[str, ...]
    """Its variables of which each thread has its own."""
    function_bytes: Mapping[str, int] = field(default_factory=dict)
    """The size of the code of each function, by name, local ones included."""


def inspect(obj: bytes) -> ObjectCode:
    """Read a 64-bit little-endian relocatable ELF object; `CodegenError` if `obj` is none, or is damaged."""
    if obj[:6] != b"\x7fELF\x02\x01" or obj[16:18] != b"\x01\x00":
        raise CodegenError("not a 64-bit relocatable ELF object")
    try:
        return _inspect(obj)
    except (struct.error, IndexError, ValueError, UnicodeDecodeError) as error:
        raise CodegenError(f"damaged object code: {error}") from error


def _inspect(obj: bytes) -> ObjectCode:
    (machine,) = struct.unpack_from("<H", obj, 18)
    if machine not in _MACHINES:
        raise CodegenError(f"object code for an unknown machine (ELF machine {machine})")
    (table,) = struct.unpack_from("<Q", obj, 0x28)
    entry, number = struct.unpack_from("<HH", obj, 0x3A)
    if number == 0:  # too many for 16 bits: the first header holds the number
        number = _SECTION_HEADER.unpack_from(obj, table)[5]
    headers = [_SECTION_HEADER.unpack_from(obj, table + index * entry) for index in range(number)]
    defined: list[str] = []
    undefined: list[str] = []
    thread_local: list[str] = []
    function_bytes: dict[str, int] = {}
    for header in headers:
        if header[1] != _SYMBOL_TABLE:
            continue
        offset, size, strings = header[4], header[5], headers[header[6]][4]
        for position in range(offset, offset + size, _SYMBOL.size):
            name_offset, info, other, section, _, code_bytes = _SYMBOL.unpack_from(obj, position)
            start = strings + name_offset
            name = obj[start : obj.index(b"\0", start)].decode()
            binding, hidden = info >> 4, other & 3 != 0
            if info & 0xF == _FUNCTION and section != 0:
                function_bytes[name] = code_bytes
            if info & 0xF == _THREAD_LOCAL:
                thread_local.append(name)
            if section != 0 and binding in (_GLOBAL, _WEAK) and not hidden:
                defined.append(name)
            elif section == 0 and name and binding == _GLOBAL:
                undefined.append(name)
    return ObjectCode(_MACHINES[machine], tuple(defined), tuple(undefined), tuple(thread_local), function_bytes)
