"""LLVM 24 text to LLVM 22 text: the MLIR bindings print the one, the code generator reads the other.

Only floating-point literals differ. LLVM 24 writes `f0x3DCCCCCD` (the bits, at the type's own width), `+inf`, `-inf`,
`+qnan`, `-nan(0x1)` (a quiet NaN with a payload), `+snan(0x1)`, and a decimal where that, rounded to the type, is the
value. LLVM 22 reads one form for each type, the bits in hexadecimal: `0x` and the value *as a double* for float and
double, `0xH` for half, `0xR` for bfloat, `0xK` for x86_fp80, `0xL` for fp128 (low 64 bits first). So a literal can be
rewritten only once its type is known; see `_Scanner`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ..errors import CodegenError


def to_llvm22(text: str) -> str:
    """Return LLVM 24 text rewritten so that LLVM 22 reads the same module.

    Text that LLVM 22 reads already comes back as it was. Takes time linear in the length of the text. Raises
    `CodegenError` for a floating-point literal with no type before it on its line, or of a type it cannot have.
    """
    if not _CANDIDATE.search(text):
        return text
    scanner = _Scanner()
    return "\n".join(scanner.rewrite(line) if _CANDIDATE.search(line) else line for line in text.split("\n"))


_DOUBLE, _UINT64 = struct.Struct("<d"), struct.Struct("<Q")

_SPECIAL = r"(?:inf|qnan|s?nan\(0x[0-9A-Fa-f]+\))"
_CANDIDATE = re.compile(rf"f0x[0-9A-Fa-f]|[+-]{_SPECIAL}|[0-9]\.[0-9]*")
"""Finds every line that may hold a literal to rewrite (and some that do not)."""

_NAME = r"[-a-zA-Z$._0-9]"
_TOKEN = re.compile(
    r"(?P<skip>"
    r'"[^"]*"'  # a string; LLVM escapes a quote as \22
    r"|;.*"  # a comment
    rf"|[%@!$^#]{_NAME}*"  # a named or numbered value, global, metadata, comdat, summary, attribute group
    rf"|{_NAME}+:"  # a label or a field of specialised metadata
    r")"
    rf"|(?P<special>[+-]{_SPECIAL}(?![-a-zA-Z$._0-9]))"
    r"|(?P<bits>f0x[0-9A-Fa-f]+(?![-a-zA-Z$._0-9]))"
    r"|(?P<decimal>[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?(?![-a-zA-Z$._0-9]))"
    rf"|(?P<word>{_NAME}+)"
    r"|(?P<open>[\[({<])"
    r"|(?P<close>[\])}>])"
)


class _Scanner:
    """Rewrites the literals of one line at a time.

    A literal has the scalar type that stands before it, at its own or at an outer level of brackets: `float 1.0`,
    `fadd float 1.0, 2.0`, `phi float [ 1.0, %a ], [ 2.0, %b ]`, `splat (float 1.0)`. A type inside brackets says
    nothing of what follows them: `fadd double bitcast (float 1.0 to i32), ...`.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def rewrite(self, line: str) -> str:
        """Return the line with its literals in LLVM 22's form."""
        out: list[str] = []
        done = 0
        type_: str | None = None
        outer: list[str | None] = []
        for match in _TOKEN.finditer(line):
            kind = match.lastgroup
            if kind == "word":
                if match[0] in _FORMATS:
                    type_ = match[0]
            elif kind == "open":
                outer.append(type_)
            elif kind == "close":
                if outer:
                    type_ = outer.pop()
            elif kind != "skip":
                if type_ is None:
                    raise CodegenError(f"no type before the literal {match[0]!r} in LLVM text: {line.strip()[:200]}")
                literal = self._known.get((type_, match[0]))
                if literal is None:
                    literal = _literal(_FORMATS[type_], match[0])
                    self._known[type_, match[0]] = literal
                out += [line[done : match.start()], literal]
                done = match.end()
        out.append(line[done:])
        return "".join(out)


@dataclass(frozen=True)
class _Format:
    """A binary floating-point format: widths in bits, and how LLVM 22 writes it, from the bits."""

    name: str
    exponent: int
    mantissa: int
    spell: Callable[[int], str]
    explicit_one: bool = False
    """Whether the leading 1 of the significand is stored, as x86_fp80 does."""

    @property
    def stored(self) -> int:
        """The width of the stored significand: the mantissa and a leading 1 that is not implied."""
        return self.mantissa + self.explicit_one

    @property
    def width(self) -> int:
        return 1 + self.exponent + self.stored

    def pack(self, negative: bool, exponent: int, mantissa: int) -> int:
        """Return the bits of a biased exponent and a mantissa without its leading 1."""
        one = (1 << self.mantissa) if self.explicit_one and exponent else 0
        return ((negative << self.exponent | exponent) << self.stored) | one | mantissa


def _literal(format: _Format, text: str) -> str:
    """Return the literal as LLVM 22 writes it."""
    known = _quick(format, text)
    if known is not None:
        return known
    try:
        bits = _bits_of(format, text)
    except ValueError as error:
        raise CodegenError(f"{text!r} is no literal of type {format.name} in LLVM text") from error
    return format.spell(bits)


def _quick(format: _Format, text: str) -> str | None:
    """Return a decimal float or double as LLVM 22 writes it; `None` where it takes more care.

    Python rounds a decimal to the nearest double. Rounding that once more, to float, is right unless it lies half-way.
    """
    if format.name not in ("float", "double") or text[-1] == ")" or not text.lstrip("+-")[0].isdigit():
        return None
    (bits,) = _UINT64.unpack(_DOUBLE.pack(float(text)))
    if format.name == "double":
        return f"0x{bits:016X}" if bits >> 52 & 0x7FF != 0x7FF else None
    if not 1023 - 126 <= bits >> 52 & 0x7FF < 1023 + 127 or bits & 0x1FFFFFFF == 0x10000000:
        return None
    return f"0x{(bits + 0x0FFFFFFF + (bits >> 29 & 1)) & ~0x1FFFFFFF:016X}"


def _bits_of(format: _Format, text: str) -> int:
    """Return the bits of a literal of LLVM 24; `ValueError` if the type has no such value."""
    if text.startswith("f0x"):
        bits = int(text[3:], 16)
        if bits >> format.width:
            raise ValueError
        return bits
    negative = text[0] == "-"
    body = text.lstrip("+-")
    infinite = (1 << format.exponent) - 1
    quiet = 1 << (format.mantissa - 1)
    if body == "inf":
        return format.pack(negative, infinite, 0)
    if body == "qnan":
        return format.pack(negative, infinite, quiet)
    if body.startswith(("nan(", "snan(")):
        payload = int(body[body.index("0x") + 2 : -1], 16)
        if payload >= quiet or (payload == 0 and body[0] == "s"):
            raise ValueError
        return format.pack(negative, infinite, payload if body[0] == "s" else quiet | payload)
    return _round(format, negative, Fraction(body))


def _round(format: _Format, negative: bool, value: Fraction) -> int:
    """Return the bits of a value of zero or more, rounded to the nearest, ties to even."""
    if not value:
        return format.pack(negative, 0, 0)
    bias = (1 << (format.exponent - 1)) - 1
    scale = value.numerator.bit_length() - value.denominator.bit_length()
    if value < (Fraction(1 << scale) if scale >= 0 else Fraction(1, 1 << -scale)):
        scale -= 1  # now 2**scale <= value < 2**(scale + 1)
    unit = max(scale, 1 - bias) - format.mantissa  # the exponent of a unit in the last place; subnormals share theirs
    numerator = value.numerator << max(-unit, 0)
    denominator = value.denominator << max(unit, 0)
    whole, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole & 1):
        whole += 1
    # A carry out of the mantissa runs into the exponent, which is what it should do; so do subnormals into normals.
    magnitude = whole + ((unit + format.mantissa + bias - 1) << format.mantissa)
    exponent, mantissa = divmod(magnitude, 1 << format.mantissa)
    if exponent >= (1 << format.exponent) - 1:
        raise ValueError
    return format.pack(negative, exponent, mantissa)


def _spell_float(bits: int) -> str:
    """Return a float's bits as LLVM 22 writes it: as the double of the same value; a NaN keeps its sign and payload."""
    sign, exponent, mantissa = bits >> 31, bits >> 23 & 0xFF, bits & 0x7FFFFF
    if exponent == 0xFF:
        exponent = 0x7FF
    elif exponent:
        exponent += 1023 - 127
    elif mantissa:  # a subnormal float is a normal double
        shift = 24 - mantissa.bit_length()
        mantissa = mantissa << shift & 0x7FFFFF
        exponent = 1023 - 126 - shift
    return f"0x{sign << 63 | exponent << 52 | mantissa << 29:016X}"


_FORMATS: dict[str, _Format] = {
    format.name: format
    for format in (
        _Format("half", 5, 10, lambda bits: f"0xH{bits:04X}"),
        _Format("bfloat", 8, 7, lambda bits: f"0xR{bits:04X}"),
        _Format("float", 8, 23, _spell_float),
        _Format("double", 11, 52, lambda bits: f"0x{bits:016X}"),
        _Format("x86_fp80", 15, 63, lambda bits: f"0xK{bits:020X}", explicit_one=True),
        _Format("fp128", 15, 112, lambda bits: f"0xL{bits & (1 << 64) - 1:016X}{bits >> 64:016X}"),
    )
}
