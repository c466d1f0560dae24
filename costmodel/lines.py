"""One line of loop-level MLIR: what its operation is, the types that it names, what its results are.

The values of a line are taken out first; what is left, its form, comes again and again within a kernel and among the
schedules of one, so what it means is remembered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from .ranges import Fold, fold

_BITS = {"f64": 64, "i64": 64, "index": 64, "f32": 32, "i32": 32, "f16": 16, "bf16": 16, "i16": 16, "i8": 8, "i1": 1}
_FLOATS = frozenset({"f64", "f32", "f16", "bf16"})
_TYPE = re.compile(
    r"(vector|memref|tensor)<((?:\[?[\d?]+\]?x)*)([a-zA-Z]\w*)|(?<![\w.])(f64|f32|f16|bf16|f8\w+|i\d+|index)(?![\w.])"
)
_NAME = re.compile(r'(?:%(?:, %)* = )?"?([A-Za-z_][\w.$]*)"?')
_SIZE = re.compile(r"\d+")
_SHUFFLE = re.compile(r"\[([^\]]*)\]")
_INTEGER = re.compile(r"arith\.constant (-?\d+) : ")
_ZERO = re.compile(r"arith\.constant (?:dense<)?0(?:\.0+(?:e\+00)?)?>? :")
_PREDICATE = re.compile(r"arith\.cmpi (\w+),")
_STRIDED = re.compile(r"strided<\[([^\]]*)\]")
_MAP = re.compile(r"affine_map<\(([^)]*)\)(?:\[([^\]]*)\])? -> \((.*)\)>")
_TERM = re.compile(r"(\w+)(?: \* (-?\d+))?")
_NOALIAS = re.compile(r"slipstick\.noalias = array<i64: ([^>]*)>")
LOOPS = frozenset({"scf.for", "scf.parallel", "scf.forall", "scf.while", "affine.for", "affine.parallel"})

_CLASSES = {
    "load": "vector.load vector.transfer_read",
    "maskedload": "vector.maskedload",
    "store": "vector.store vector.transfer_write",
    "maskedstore": "vector.maskedstore vector.compressstore",
    "gather": "vector.gather vector.scatter vector.expandload",
    "broadcast": "vector.broadcast vector.splat",
    "fma": "vector.fma math.fma",
    "fp": "arith.addf arith.subf arith.mulf",
    "sign": "arith.negf math.absf math.copysign",
    "div": "arith.divf",
    "sqrt": "math.sqrt",
    "minmax": "arith.maxnumf arith.minnumf",
    "ieeeminmax": "arith.maximumf arith.minimumf",
    "round": "math.floor math.ceil math.trunc math.round math.roundeven",
    "cmp": "arith.cmpf arith.cmpi",
    "select": "arith.select",
    "int": "arith.addi arith.subi",
    "mul": "arith.muli",
    "idiv": "arith.divsi arith.divui arith.remsi arith.remui arith.ceildivsi arith.floordivsi arith.ceildivui",
    "address": "affine.apply",
    "logic": "arith.andi arith.ori arith.xori",
    "shift": "arith.shli arith.shrsi arith.shrui",
    "iminmax": "arith.maxsi arith.minsi arith.maxui arith.minui",
    "convert": "arith.sitofp arith.uitofp arith.fptosi arith.fptoui",
    "width": "arith.extf arith.truncf arith.extsi arith.extui arith.trunci arith.index_cast arith.index_castui",
    "free": (
        "arith.bitcast vector.bitcast vector.shape_cast ub.poison scf.yield return func.return affine.yield"
        " memref.cast scf.reduce"
    ),
    "shuffle": (
        "vector.shuffle vector.extract_strided_slice vector.insert_strided_slice vector.transpose vector.interleave"
        " vector.deinterleave vector.from_elements vector.to_elements"
    ),
    "extract": "vector.extract vector.extractelement",
    "insert": "vector.insert vector.insertelement",
    "reduce": "vector.reduction vector.multi_reduction vector.contract vector.outerproduct",
    "mask": "vector.create_mask vector.constant_mask",
    "scalarload": "memref.load affine.load",
    "scalarstore": "memref.store affine.store",
    "prefetch": "memref.prefetch affine.prefetch",
    "view": (
        "memref.subview memref.view memref.reinterpret_cast memref.extract_strided_metadata memref.dim"
        " memref.collapse_shape memref.expand_shape memref.assume_alignment memref.extract_aligned_pointer_as_index"
        " memref.memory_space_cast"
    ),
    "alloca": "memref.alloca memref.alloc memref.dealloc memref.get_global memref.alloca_scope",
    "copy": "memref.copy",
    "call": "func.call call",
    "constant": "arith.constant",
    "branch": "scf.if affine.if scf.index_switch",
    "function": "func.func",
}
_CLASS = {name: class_ for class_, names in _CLASSES.items() for name in names.split()}
CLASSES: tuple[str, ...] = (*_CLASSES, "loop", "math", "other")
"""What an operation can be to the machine: `math` are calls of the C library."""
_BY_ELEMENT = frozenset({"scalarload"})
_CROSSING = 256
"""Bits from which lanes are taken across the halves of a register."""
_ACCESSES = frozenset({"scalarload", "scalarstore", "load", "store"})


@dataclass(frozen=True, eq=False)
class Value:
    """What holds a result; values of one form are one object, by which answers are remembered."""

    kind: str
    """`vector`, `mask` (vector of i1), `float`, `integer` (index, too), `memref` or `tensor`."""
    lanes: int
    bits: int
    """Of an element."""
    element: str
    shape: tuple[int, ...] = ()
    """0 where not known."""


@dataclass(frozen=True, eq=False)
class Form:
    """A line without its values."""

    text: str
    name: str
    """The operation's; empty where there is none, as in `} else {`."""
    class_: str
    names: int
    """How many values it names."""
    defines: int
    """How many of these, the first, are results."""
    is_plain: bool
    """Whether it is an operation that opens and closes nothing."""
    is_apart: bool
    """Whether it is no operation that is read like others: a loop, a function, or between regions."""
    values: tuple[Value, ...]
    """The types that it names, in order."""
    result: Value | None
    """The type of its (first) result."""
    operand: Value | None
    """The type that its work is measured by: the result's, or what is stored, compared or reduced."""
    results: tuple[Value, ...]
    """The types of the results of a loop or branch."""
    is_loop: bool
    opens: bool
    closes: int
    constant: int | None
    """An integer constant's value."""
    splat: str
    """What a constant has in all lanes, with the type of an element; empty where it is no such constant."""
    pattern: str
    """How a shuffle takes the lanes of its operands, where that is no part of the instruction on vectors as long."""
    is_zero: bool
    """Whether it is the constant 0, alone or in all lanes."""
    is_reassociating: bool
    is_strided: bool
    """Whether it reads or writes a memref whose last stride is not 1."""
    is_dynamic: bool
    """Whether a memref's shape or strides are known at run time only."""
    noalias: tuple[int, ...]
    """Of a function: the arguments whose memory no other argument reaches."""
    words: int
    """Of a call: what it hands over, a memref as a pointer and what of it is not known."""
    predicate: str
    """Of a comparison of integers."""
    fold: Fold | None
    """How the range of an integer result follows from those of its operands."""
    strides: tuple[int, ...]
    """Of an element read or written: by how many elements each subscript moves, 0 where that is not known.
    Of an `affine.apply`: by how much each operand moves the result; empty where it divides."""


@lru_cache(maxsize=1 << 16)
def form(text: str) -> Form:
    """Return the form of a line in which each value was replaced by `%`, stripped of white space."""
    closes = len(text) - len(text.lstrip("}"))
    opens = text.endswith("{")
    found = _NAME.match(text, closes)
    name = found[1] if found and closes == 0 else ""
    is_loop = name in LOOPS
    class_ = "loop" if is_loop else _CLASS.get(name, "math" if name.startswith("math.") else "other")
    factors = _factors(text) if class_ == "address" else ()
    if class_ == "address" and not factors:
        class_ = "idiv"
    values = tuple(_value(match) for match in _TYPE.finditer(text))
    result: Value | None = None
    results: tuple[Value, ...] = ()
    if text.startswith("%") and " = " in text:
        result = _result(name, class_, text, values)
        if (class_ in ("loop", "branch")) and "->" in text:
            results = tuple(_value(match) for match in _TYPE.finditer(text, text.rindex("->")))
    integer = _INTEGER.search(text) if name == "arith.constant" else None
    strides = _STRIDED.search(text)
    noalias = _NOALIAS.search(text) if class_ == "function" else None
    predicate = _PREDICATE.findall(text)[0] if name == "arith.cmpi" else ""
    memref = next((value for value in values if value.kind == "memref"), None)
    return Form(
        text=text,
        name=name,
        class_=class_,
        names=text.count("%"),
        defines=text.count("%", 0, text.index(" = ")) if text.startswith("%") and " = " in text else 0,
        is_plain=bool(name) and not is_loop and not opens and not closes and class_ != "function",
        is_apart=not name or is_loop or class_ == "function",
        values=values,
        result=result,
        operand=_operand(name, class_, values, result),
        results=results,
        is_loop=is_loop,
        opens=opens,
        closes=closes,
        constant=int(integer[1]) if integer else None,
        splat=_splat(text) if name == "arith.constant" and "dense<" in text else "",
        pattern=_pattern(text, values) if name == "vector.shuffle" else "",
        is_zero=_ZERO.search(text) is not None,
        is_reassociating="reassoc" in text or "fast>" in text,
        is_strided=memref is not None and strides is not None and not strides[1].replace(" ", "").endswith("1"),
        noalias=tuple(int(n) for n in _SIZE.findall(noalias[1])) if noalias else (),
        words=len(values) + text.count("?") if class_ == "call" else 0,
        predicate=predicate,
        fold=fold(name, predicate) if result is not None and result.kind == "integer" else None,
        strides=_strides(memref, strides[1] if strides else None) if memref and class_ in _ACCESSES else factors,
        is_dynamic=memref is not None and "?" in text.replace("offset: ?", ""),
    )


def _pattern(text: str, values: tuple[Value, ...]) -> str:
    found = _SHUFFLE.search(text)
    bits = max((value.lanes * value.bits for value in values), default=0)
    return found[1] if found and bits >= _CROSSING else ""


def _splat(text: str) -> str:
    value, _, type_ = text.partition("dense<")[2].partition("> : ")
    return f"{value} {type_.rpartition('x')[2].rstrip('>')}"


def _strides(memref: Value, layout: str | None) -> tuple[int, ...]:
    if layout is not None:
        return tuple(int(stride) if stride.strip().isdigit() else 0 for stride in layout.split(",") if stride)
    found = [1]
    for size in reversed(memref.shape[1:]):
        found.append(found[-1] * size)
    return tuple(reversed(found))


def _factors(text: str) -> tuple[int, ...]:
    """Return by how much each operand of a map moves its one result; empty where it is not linear."""
    found = _MAP.search(text)
    if found is None or any(word in found[3] for word in ("div", "mod", ",")):
        return ()
    factors: dict[str, int] = {}
    for term in found[3].split(" + "):
        one = _TERM.match(term)
        if one is not None:
            factors[one[1]] = factors.get(one[1], 0) + int(one[2] or 1)
    names = [name.strip() for part in found.groups()[:2] if part for name in part.split(",")]
    return tuple(factors.get(name, 0) for name in names)


def _value(match: re.Match[str]) -> Value:
    shaped, sizes, element, scalar = match.groups()
    if scalar:
        kind = "float" if scalar[0] in "fb" else "integer"
        return Value(kind, 1, _bits(scalar), scalar)
    shape = tuple(0 if "?" in size else int(size.strip("[]") or 0) for size in sizes.split("x")[:-1])
    if shaped == "vector":
        return Value("mask" if element == "i1" else "vector", prod(shape), _bits(element), element, shape)
    return Value(shaped, 1, _bits(element), element, shape)


def _bits(element: str) -> int:
    known = _BITS.get(element)
    if known is not None:
        return known
    size = _SIZE.search(element)
    return int(size[0]) if size else 32


def _result(name: str, class_: str, text: str, values: tuple[Value, ...]) -> Value | None:
    if not values:
        return None
    last = values[-1]
    if class_ == "cmp":
        return Value("mask" if last.kind == "vector" else "integer", last.lanes, 1, "i1")
    if class_ == "extract" and len(values) > 1:
        return values[-2]
    if name == "vector.shuffle":
        lanes = _SHUFFLE.search(text)
        return Value(last.kind, lanes[1].count(",") + 1 if lanes else last.lanes, last.bits, last.element)
    if class_ in _BY_ELEMENT and last.kind == "memref":
        return Value("float" if last.element in _FLOATS else "integer", 1, last.bits, last.element)
    if name == "memref.dim":
        return Value("integer", 1, 64, "index")
    return last


def _operand(name: str, class_: str, values: tuple[Value, ...], result: Value | None) -> Value | None:
    """Return the widest of what an operation of vectors works on, else its last type."""
    vectors = [value for value in values if value.kind == "vector"]
    if vectors and class_ not in ("loop", "branch", "function", "call"):
        return max(vectors, key=lambda value: value.lanes * value.bits)
    if class_ == "scalarstore" and values and values[-1].kind == "memref":
        element = values[-1].element
        return Value("float" if element in _FLOATS else "integer", 1, values[-1].bits, element)
    return result or (values[-1] if values else None)
