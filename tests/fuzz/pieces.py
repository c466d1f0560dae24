"""Operations imported one by one, and graphs of them put together in MLIR.

What a small graph costs is its import by far: torch traces it four times. A step's linalg does not depend on the graph
around it, so it is imported once, as a function of its operands, and a graph is a function that calls such functions,
inlined. What this leaves out is what torch.export and torch-mlir make of operations beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import slipstick
import torch
from slipstick.bindings import func, ir
from slipstick.compiler.build import parse
from slipstick.compiler.frontend import Imported, import_torch
from slipstick.errors import GraphError
from slipstick.passes.manager import run_pipeline

from .bundle import Bundle, guilty
from .recipe import Leaf, Recipe, Step

Type = tuple[tuple[int, ...], str]
"""Shape and dtype."""
TOGETHER = 100
"""Pieces imported as one module."""


def type_of(tensor: torch.Tensor) -> Type:
    """Return the type of a tensor."""
    return tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")


@dataclass(frozen=True)
class Piece:
    """A step for operands of given types."""

    template: str
    sizes: tuple[int, ...]
    operands: tuple[Type, ...]

    def recipe(self) -> Recipe:
        """Return the graph of the step alone."""
        leaves = tuple(_leaf(shape, dtype) for shape, dtype in self.operands)
        step = Step(self.template, tuple(range(len(leaves))), self.sizes)
        return Recipe(leaves, (step,), (len(leaves),))


def _leaf(shape: tuple[int, ...], dtype: str) -> Leaf:
    kind = "bool" if dtype == "bool" else "normal" if "float" in dtype else "counts"
    return Leaf(shape, dtype, kind, 1)


@dataclass(frozen=True)
class Function:
    """A piece as a private function in MLIR: its text, the operands that it takes, their types and its result's."""

    name: str
    text: str
    taken: tuple[int, ...]
    operands: tuple[str, ...]
    result: str


class Pieces:
    """Pieces by what they are; those that could not be imported have the message instead of a function."""

    def __init__(self, found: Mapping[Piece, Function | str]):
        self._found = found

    @property
    def refused(self) -> dict[Piece, str]:
        """Those that could not be imported, and why."""
        return {piece: text for piece, text in self._found.items() if isinstance(text, str)}

    def refusal(self, recipe: Recipe) -> str:
        """Return why a recipe cannot be put together; "": it can."""
        texts = (self._found[piece] for piece in pieces_of(recipe))
        return next((text for text in texts if isinstance(text, str)), "")

    def text(self, recipe: Recipe) -> str:
        """Return a recipe of known pieces as MLIR at the stage "linalg"; parameters are arguments marked as such."""
        used: dict[str, str] = {}
        types = dict(enumerate(_mlir_type(leaf.shape, leaf.dtype) for leaf in recipe.leaves))
        lines = []
        for number, (step, piece) in enumerate(zip(recipe.steps, pieces_of(recipe), strict=True), len(types)):
            function = self._found[piece]
            assert isinstance(function, Function)
            used[function.name] = function.text
            operands = ", ".join(f"%v{step.operands[place]}" for place in function.taken)
            signature = f"({', '.join(function.operands)}) -> {function.result}"
            lines.append(f"  %v{number} = func.call @{function.name}({operands}) : {signature}")
            types[number] = function.result
        arguments = ", ".join(
            f"%v{n}: {types[n]}{' {slipstick.parameter}' if leaf.parameter else ''}"
            for n, leaf in enumerate(recipe.leaves)
        )
        results = ", ".join(types[output] for output in recipe.outputs)
        values = ", ".join(f"%v{output}" for output in recipe.outputs)
        main = [f"func.func @main({arguments}) -> ({results}) {{", *lines, f"  return {values} : {results}", "}"]
        return "\n".join([*used.values(), *main])

    def module(self, recipe: Recipe) -> ir.Module:
        """Return a recipe of known pieces as a module with one function, as torch-mlir leaves it."""
        module = parse(self.text(recipe))
        _inline(module)
        run_pipeline(module, "builtin.module(canonicalize,cse)")
        return module


class Assembled:
    """A compiled module of pieces, called as that of the torch module: MLIR's integers carry no sign, torch's do."""

    def __init__(self, native: slipstick.CompiledModule, recipe: Recipe):
        self._native = native
        self._recipe = recipe
        self._dtypes = [value.dtype for value in (recipe.values()[output] for output in recipe.outputs)]

    def __call__(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        """Return the results for inputs of the torch module."""
        found = self._native(*map(signless, self.arguments(inputs)))
        results = found if isinstance(found, tuple | list) else (found,)
        return [one.view(dtype) for one, dtype in zip(results, self._dtypes, strict=True)]

    def arguments(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return inputs with the parameters among them."""
        given = iter(inputs)
        return [leaf.tensor() if leaf.parameter else next(given) for leaf in self._recipe.leaves]

    def with_options(self, **options: Any) -> Assembled:
        """Return it compiled in another way."""
        return Assembled(self._native.with_options(**options), self._recipe)

    def stage(self, name: str) -> str:
        """Return its text at a stage."""
        return self._native.stage(name)

    @property
    def signature(self) -> Any:
        """What the native code takes and returns."""
        return self._native.signature

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        """Nothing: parameters are arguments."""
        return {}


def signless(value: torch.Tensor) -> torch.Tensor:
    """Return a tensor as MLIR sees it."""
    return value.view(torch.int8) if value.dtype == torch.uint8 else value


def pieces_of(recipe: Recipe) -> list[Piece]:
    """Return the piece that each step is."""
    types = [type_of(value) for value in recipe.values()]
    return [Piece(s.template, s.sizes, tuple(types[operand] for operand in s.operands)) for s in recipe.steps]


def import_pieces(pieces: Iterable[Piece]) -> Pieces:
    """Import pieces, many at once."""
    wanted = list(dict.fromkeys(pieces))
    found: dict[Piece, Function | str] = {}
    for first in range(0, len(wanted), TOGETHER):
        found.update(_imported(wanted[first : first + TOGETHER], first))
    return Pieces(found)


def _imported(pieces: Sequence[Piece], first: int) -> dict[Piece, Function | str]:
    """Import pieces as one module; `first` is the number of the first. What is refused is taken out."""
    bundle = Bundle(tuple(piece.recipe() for piece in pieces))
    try:
        imported = import_torch(bundle.recipe().module(), bundle.inputs())
    except GraphError as error:
        if len(pieces) == 1:
            return {pieces[0]: str(error)}
        number = guilty(bundle, str(error))
        parts: tuple[Sequence[Piece], Sequence[Piece]]
        if number is None:
            half = len(pieces) // 2
            parts = pieces[:half], pieces[half:]
        else:
            parts = pieces[number : number + 1], [*pieces[:number], *pieces[number + 1 :]]
        return _imported(parts[0], first) | _imported(parts[1], first + len(parts[0]))
    return _Split(imported).functions(pieces, first)


class _Split:
    """An imported module of pieces, taken apart by what each result needs."""

    def __init__(self, imported: Imported):
        self._imported = imported
        self._entry = imported.module.body.operations[0]
        self._block = self._entry.regions[0].blocks[0]
        self._ops = [op.operation for op in self._block.operations]
        self._makers = {result: number for number, op in enumerate(self._ops) for result in op.results}

    def functions(self, pieces: Sequence[Piece], first: int) -> dict[Piece, Function | str]:
        """Return each piece as a function."""
        found: dict[Piece, Function | str] = {}
        signature = self._imported.signature
        arguments = iter(signature.inputs)
        for number, (piece, result) in enumerate(zip(pieces, signature.results, strict=True), first):
            own = [next(arguments) for _ in piece.operands]
            name = f"piece{number}"
            if result.kind == "argument":
                place = own.index(signature.arguments[result.index])
                found[piece] = _handing_through(name, place, *piece.operands[place])
                continue
            natives = {place: argument.native for place, argument in enumerate(own) if argument.native is not None}
            operands = {place: self._block.arguments[native] for place, native in natives.items()}
            found[piece] = self._function(name, operands, self._ops[-1].operands[result.index])
        return found

    def _function(self, name: str, places: Mapping[int, ir.Value], value: ir.Value) -> Function | str:
        operands = list(places.values())
        needed = [self._ops[number] for number in self._needed(value)]
        others = set(self._block.arguments).difference(operands)
        if not others.isdisjoint([value, *(one for op in needed for one in _read(op))]):
            return "it needs a constant that is an argument"
        context = self._imported.module.context
        types = [operand.type for operand in operands]
        with context, ir.Location.unknown(context):
            module = ir.Module.create()
            with ir.InsertionPoint(module.body):
                made = func.FuncOp(name, (types, [value.type]), visibility="private")
            block = made.add_entry_block()
            values: dict[ir.Value, ir.Value] = dict(zip(operands, block.arguments, strict=True))
            with ir.InsertionPoint(block):
                _copy(needed, values)
                func.ReturnOp([values[value]])
        text = made.operation.get_asm(use_local_scope=True)
        return Function(name, text, tuple(places), tuple(map(str, types)), str(value.type))

    def _needed(self, value: ir.Value) -> list[int]:
        """Return the numbers of the operations that make a value, in order."""
        found: set[int] = set()
        left = [value]
        while left:
            number = self._makers.get(left.pop())
            if number is not None and number not in found:
                found.add(number)
                left += _read(self._ops[number])
        return sorted(found)


def _handing_through(name: str, place: int, shape: Sequence[int], dtype: str) -> Function:
    type_ = _mlir_type(shape, dtype)
    text = f"func.func private @{name}(%x: {type_}) -> {type_} {{\n  return %x : {type_}\n}}"
    return Function(name, text, (place,), (type_,), type_)


def _read(op: ir.Operation) -> list[ir.Value]:
    """Return the values that an operation reads, those in its regions too."""
    inner = [one.operation for region in op.regions for block in region.blocks for one in block.operations]
    return [*op.operands, *(value for one in inner for value in _read(one))]


def _inline(module: ir.Module) -> None:
    """Put the bodies of all other functions in the place of their calls in `main`.

    MLIR's own pass leaves functions with operations that do not say that they may be moved, such as scans.
    """
    *others, main = (op.operation for op in module.body.operations)
    blocks = {ir.StringAttr(op.attributes["sym_name"]).value: op.regions[0].blocks[0] for op in others}
    calls = [op.operation for op in main.regions[0].blocks[0].operations if op.operation.name == "func.call"]
    for call in calls:
        block = blocks[ir.FlatSymbolRefAttr(call.attributes["callee"]).value]
        *ops, end = (op.operation for op in block.operations)
        values = dict(zip(block.arguments, call.operands, strict=True))
        with ir.InsertionPoint(call):
            _copy(ops, values)
        call.results[0].replace_all_uses_with(values[end.operands[0]])
        call.erase()
    for op in others:
        op.erase()


def _copy(ops: Iterable[ir.Operation], values: dict[ir.Value, ir.Value]) -> None:
    """Copy operations to where is being inserted; `values` are copies by what they are of, and grow."""
    for op in ops:
        copy = op.clone().operation
        _rewire(copy, values)
        values.update(zip(op.results, copy.results, strict=True))


def _rewire(op: ir.Operation, values: Mapping[ir.Value, ir.Value]) -> None:
    """Have a copy read copies."""
    for number, operand in enumerate(op.operands):
        if operand in values:
            op.operands[number] = values[operand]
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                _rewire(inner.operation, values)


def _mlir_type(shape: Sequence[int], dtype: str) -> str:
    element = {"bool": "i1", "uint8": "i8", "bfloat16": "bf16"}.get(dtype)
    element = element or dtype.replace("float", "f").replace("int", "i")
    return f"tensor<{''.join(f'{size}x' for size in shape)}{element}>"
