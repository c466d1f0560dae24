"""What a CPU makes of the operations of loop-level MLIR: registers that values need, pieces that operations become."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from ..target import Target
from .lines import Form, Value

_UNROLLED = {"znver3": 108, "znver4": 108, "znver5": 108}
"""Operations up to which LLVM 22 unrolls loops in part, where that is not what most CPUs of the architecture have."""
_HALVES = frozenset({"f16", "bf16"})
_MOST = 1 << 16
"""Answers that are kept."""
_ARITHMETIC = frozenset({"fma", "fp", "sign", "div", "sqrt", "minmax", "ieeeminmax", "round", "cmp", "convert"})
_BY_LANE = frozenset({"maskedload", "maskedstore", "gather", "math", "mask", "reduce", "shuffle"})
_NAMES = {"vector": "v.", "mask": "v.", "float": "s.", "integer": "x.", "memref": "x.", "tensor": "x."}


@dataclass(frozen=True, eq=False)
class Machine:
    """A CPU's vector registers, and what decides how LLVM uses them."""

    bits: int
    registers: int
    has_masks: bool
    """Whether masks have registers of their own."""
    has_predicates: bool
    """Whether an instruction makes a mask from a count (SVE)."""
    saved: int
    """Vector registers that a function must save for its caller: eight of AArch64's, none of x86-64's on Linux."""
    isa: str
    has_half: bool
    near: int
    """The largest stride at which LLVM reads whole vectors and sorts their elements."""
    has_gathers: bool
    """Whether LLVM reads elements that lie apart by one instruction."""
    unrolled: int
    """Operations up to which LLVM unrolls a loop in part: what its scheduling model says the loop buffer holds."""
    _registers: dict[Value, int] = field(default_factory=dict, repr=False)
    """What `registers_of` has answered."""

    def registers_of(self, value: Value) -> int:
        """Return how many vector registers hold a value."""
        found = self._registers.get(value)
        if found is None:
            if len(self._registers) >= _MOST:
                self._registers.clear()
            found = self._registers[value] = self._count(value)
        return found

    def _count(self, value: Value) -> int:
        if value.kind == "vector":
            return -(-value.lanes * max(8, value.bits) // self.bits)
        if value.kind == "mask":
            return 0 if self.has_masks else -(-value.lanes * 32 // self.bits)
        return 1 if value.kind == "float" else 0


@cache
def machine(target: Target) -> Machine:
    """Return what is known of a target."""
    masks = target.has("avx512f")
    isa = "avx512" if masks else target.architecture if target.architecture == "aarch64" else "avx2"
    half = target.has("avx512fp16") or target.has("fullfp16")
    unrolled = _UNROLLED.get(target.cpu, 16 if target.architecture == "aarch64" else 50)
    saved = 8 if target.architecture == "aarch64" else 0
    has_masks = masks or target.has("sve")
    near = 4 if target.architecture == "aarch64" else 8
    return Machine(
        target.vector_bits,
        target.vector_registers,
        has_masks,
        target.has("sve"),
        saved,
        isa,
        half,
        near,
        masks,
        unrolled,
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What an operation is to a machine."""

    key: str
    """Its class behind what it works on: `v.` vectors, `s.` a scalar of floating point, `x.` integers."""
    pieces: int
    """Operations on registers that it is split into."""
    lanes: int
    """Elements, where a machine may go through them one by one; else 0."""
    halves: int
    """Pieces of arithmetic on types of 16 bits that the machine extends first."""
    counted: str
    """The names of features that it counts in: once each in the text, ..."""
    weighted: str
    """... as often as it is expected in the code, ..."""
    used: str
    """... the same where nothing else becomes of it, ..."""
    by_lane: str
    """... and by elements."""


_WORKS: dict[tuple[Form, Machine], Work] = {}


def work(form: Form, on: Machine) -> Work:
    """Return what an operation of that form is to a machine."""
    found = _WORKS.get((form, on))
    if found is None:
        if len(_WORKS) >= _MOST:
            _WORKS.clear()
        found = _WORKS[form, on] = _work(form, on)
    return found


def _work(form: Form, on: Machine) -> Work:
    operand = form.operand
    kind = operand.kind if operand is not None else "integer"
    name, class_ = _NAMES[kind], form.class_
    if class_ in ("loop", "branch", "function", "call", "view", "prefetch", "alloca", "copy", "free"):
        return _named(class_, 1, 0, 0)
    pieces = 1
    lanes = halves = 0
    if operand is not None and kind in ("vector", "mask"):
        bits = max(8, operand.bits) if kind == "vector" else 32
        if operand.element in _HALVES and class_ in _ARITHMETIC:
            bits = 32
        # What is the same in all lanes is one register for all pieces.
        pieces = 1 if class_ in ("broadcast", "constant") else -(-operand.lanes * bits // on.bits)
        if class_ == "width":
            widest = max(value.bits * value.lanes for value in form.values)
            pieces = -(-widest // on.bits)
        if class_ in _BY_LANE or (class_ == "mul" and operand.bits == 64) or class_ in ("idiv",):
            lanes = operand.lanes
    if operand is not None and operand.element in _HALVES and class_ in _ARITHMETIC:
        halves = pieces
    return _named(name + class_, pieces, lanes, halves)


def _named(key: str, pieces: int, lanes: int, halves: int) -> Work:
    return Work(key, pieces, lanes, halves, f"n.{key}", f"t.{key}", f"u.{key}", f"l.{key}")
