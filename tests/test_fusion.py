"""Random graphs of `linalg.generic` give the same bits with and without the pass `fuse-elementwise`.

All values are multiples of 1/2 and small, so that sums are exact in any order and equality can be asked for.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, field

import numpy as np
import pytest
import slipstick
from slipstick.bindings import ir, new_context
from slipstick.compiler.stages import StageRewritten
from slipstick.passes.manager import run_pipeline

GRAPHS_IN_A_MODULE = 32
MODULES = 5
SHORT = 2
"""Modules that run each time."""
INPUTS = [
    ("f32", (3, 5)),
    ("f32", (5,)),
    ("f64", (1, 3)),
    ("i64", (3,)),
    ("f32", (2, 1, 5)),
    ("i32", (5, 3)),
    ("f32", ()),
]


@dataclass(frozen=True)
class Value:
    name: str
    element: str
    shape: tuple[int, ...]

    @property
    def type(self) -> str:
        return f"tensor<{''.join(f'{size}x' for size in self.shape)}{self.element}>"

    @property
    def is_float(self) -> bool:
        return self.element.startswith("f")


@dataclass
class Graph:
    """Writes one random graph over the module's inputs."""

    random: random.Random
    prefix: str
    values: list[Value]
    lines: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    made: list[Value] = field(default_factory=list)
    numbers: itertools.count = field(default_factory=itertools.count)

    def write(self) -> list[Value]:
        """Add the operations and return the results: what nothing else reads, and now and then what something does."""
        for _ in range(self.random.randint(3, 6)):
            if self.random.random() < 0.1:
                self.flatten()
            else:
                self.generic()
        return [value for value in self.made if value.name not in self.read or self.random.random() < 0.1]

    def fresh(self, what="v") -> str:
        return f"%{self.prefix}{what}{next(self.numbers)}"

    def pick(self) -> Value:
        """Take a value, most often one that nothing reads yet, so that chains arise."""
        unread = [value for value in self.made if value.name not in self.read]
        value = self.random.choice(unread if unread and self.random.random() < 0.75 else self.values)
        self.read.add(value.name)
        return value

    def define(self, value: Value) -> None:
        self.values.append(value)
        self.made.append(value)

    def flatten(self) -> None:
        value = self.pick()
        if len(value.shape) < 2:
            return
        flat = Value(self.fresh(), value.element, (math.prod(value.shape[:2]), *value.shape[2:]))
        groups = [[0, 1], *([d] for d in range(2, len(value.shape)))]
        self.lines.append(f"{flat.name} = tensor.collapse_shape {value.name} {groups} : {value.type} into {flat.type}")
        self.define(flat)

    def generic(self) -> None:
        """Add a `linalg.generic`: broadcasting, permuting, gathering, reducing, or without inputs."""
        choose = self.random
        inputs, reads, sizes = [], [], []
        if choose.random() < 0.1:
            sizes = choose.choices([1, 2, 3], k=choose.randint(1, 2))
        else:
            first = self.pick()
            inputs.append(first)
            sizes = list(first.shape) + choose.choices([2, 3], k=choose.random() < 0.25 and len(first.shape) < 3)
            choose.shuffle(sizes)
            reads.append(self.access(first, sizes, distinct=True))
            for _ in range(choose.randint(0, 2)):
                other = self.pick()
                read = self.access(other, sizes)
                if read is not None:
                    inputs.append(other)
                    reads.append(read)
        loops = list(range(len(sizes)))
        reduced = choose.sample(loops, choose.randint(1, len(loops))) if loops and choose.random() < 0.25 else []
        sized = {expression for read in reads for expression in read}
        # The size of a loop that is reduced must stand in an input.
        reduced = [loop for loop in reduced if f"d{loop}" in sized]
        kept = [loop for loop in loops if loop not in reduced]
        choose.shuffle(kept)
        self.emit(inputs, reads, sizes, kept, reduced)

    def access(self, value: Value, sizes: list[int], distinct: bool = False) -> list[str] | None:
        """Return an indexing map's results that read `value` in loops of these sizes; None where it does not fit."""
        read, used = [], set()
        for size in value.shape:
            fitting = [d for d, s in enumerate(sizes) if s == size and d not in used]
            if not distinct and self.random.random() < 0.1:
                fitting = [d for d, s in enumerate(sizes) if s == size]  # a diagonal
            if size == 1 and not distinct and (not fitting or self.random.random() < 0.5):
                read.append("0")
            elif fitting:
                used.add(loop := self.random.choice(fitting))
                read.append(f"d{loop}")
            else:
                return None
        return read

    def emit(self, inputs: list[Value], reads: list[list[str]], sizes: list[int], kept: list[int], reduced: list[int]):
        choose = self.random
        element = choose.choice(["f32", "f32", "f32", "f64", "i64", "i32"])
        outputs = [Value(self.fresh(), element, tuple(sizes[d] for d in kept))]
        if not reduced and choose.random() < 0.1:
            outputs.append(Value(self.fresh(), "f32", outputs[0].shape))
        body, arguments = [], [self.fresh("x") for _ in inputs]
        current = [self.convert(body, x, v.element) for x, v in zip(arguments, inputs, strict=True)]
        current += [self.index(body, choose.randrange(len(sizes)))] if sizes and choose.random() < 0.3 else []
        current += [self.gather(body, sizes)] if sizes and choose.random() < 0.2 else []
        if not current:
            current = [self.constant(body)]
        result = self.compute(body, current)
        yielded = []
        accumulators = [self.fresh("o") for _ in outputs]
        for output, accumulator in zip(outputs, accumulators, strict=True):
            value = self.cast(body, result, output.element)
            if reduced:
                value = self.accumulate(body, value, accumulator, output)
            yielded.append(value)
        inits = [self.initial(output, bool(reduced)) for output in outputs]
        dims = ", ".join(f"d{d}" for d in range(len(sizes)))
        written = ", ".join(f"d{d}" for d in kept)
        maps = [f"affine_map<({dims}) -> ({', '.join(read)})>" for read in reads]
        maps += [f"affine_map<({dims}) -> ({written})>"] * len(outputs)
        kinds = ", ".join('"reduction"' if d in reduced else '"parallel"' for d in range(len(sizes)))
        types = ", ".join(output.type for output in outputs)
        block = [f"{x}: {v.element}" for x, v in zip([*arguments, *accumulators], [*inputs, *outputs], strict=True)]
        ins = f"ins({', '.join(v.name for v in inputs)} : {', '.join(v.type for v in inputs)}) " if inputs else ""
        name = outputs[0].name if len(outputs) == 1 else f"{outputs[0].name}_both"
        many = f":{len(outputs)}" if len(outputs) > 1 else ""
        self.lines += [
            f"{name}{many} = linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{kinds}]}}",
            f"  {ins}outs({', '.join(inits)} : {types}) {{",
            f"^bb0({', '.join(block)}):",
            *(f"  {line}" for line in body),
            f"  linalg.yield {', '.join(yielded)} : {', '.join(output.element for output in outputs)}",
            f"}} -> ({types})" if many else f"}} -> {types}",
        ]
        for number, output in enumerate(outputs):
            self.define(Value(f"{name}#{number}", output.element, output.shape) if many else output)

    def initial(self, output: Value, filled: bool) -> str:
        empty = self.fresh("e")
        self.lines.append(f"{empty} = tensor.empty() : {output.type}")
        if not filled:
            return empty
        zero, full = self.fresh("c"), self.fresh("f")
        self.lines.append(f"{zero} = arith.constant {'0.0' if output.is_float else '0'} : {output.element}")
        self.lines.append(
            f"{full} = linalg.fill ins({zero} : {output.element}) outs({empty} : {output.type}) -> {output.type}"
        )
        return full

    # ---- bodies: numbers are f32 in between, multiples of 1/2, at most 64

    def op(self, body: list[str], text: str) -> str:
        name = self.fresh("t")
        body.append(f"{name} = {text}")
        return name

    def constant(self, body: list[str]) -> str:
        """Return a constant, inside the body or captured from outside."""
        where = body if self.random.random() < 0.5 else self.lines
        return self.op(where, f"arith.constant {self.random.randint(-4, 4) / 2} : f32")

    def convert(self, body: list[str], value: str, element: str) -> str:
        if element == "f64":
            return self.op(body, f"arith.truncf {value} : f64 to f32")
        return value if element == "f32" else self.op(body, f"arith.sitofp {value} : {element} to f32")

    def cast(self, body: list[str], value: str, element: str) -> str:
        if element == "f64":
            return self.op(body, f"arith.extf {value} : f32 to f64")
        return value if element == "f32" else self.op(body, f"arith.fptosi {value} : f32 to {element}")

    def index(self, body: list[str], loop: int) -> str:
        number = self.op(body, f"linalg.index {loop} : index")
        return self.convert(body, self.op(body, f"arith.index_cast {number} : index to i32"), "i32")

    def gather(self, body: list[str], sizes: list[int]) -> str:
        """Read any element of any value, at a place computed from the loops."""
        source, at = self.pick(), []
        for size in source.shape:
            loop = self.op(body, f"linalg.index {self.random.randrange(len(sizes))} : index")
            shift = self.op(body, f"arith.constant {self.random.randint(0, 2)} : index")
            limit = self.op(body, f"arith.constant {size} : index")
            moved = self.op(body, f"arith.addi {loop}, {shift} : index")
            at.append(self.op(body, f"arith.remui {moved}, {limit} : index"))
        element = self.op(body, f"tensor.extract {source.name}[{', '.join(at)}] : {source.type}")
        return self.convert(body, element, source.element)

    def compute(self, body: list[str], values: list[str]) -> str:
        """Combine the values; a copy or a cast alone now and then, which fuses into several readers."""
        choose = self.random
        if len(values) == 1 and choose.random() < 0.25:
            return values[0]
        values = [*values, self.constant(body)] if len(values) == 1 or choose.random() < 0.3 else list(values)
        result = values.pop(0)
        for other in values:
            kind = choose.choice(["addf", "subf", "mulf", "maximumf", "select", "if"])
            if kind == "select":
                test = self.op(body, f"arith.cmpf olt, {result}, {other} : f32")
                result = self.op(body, f"arith.select {test}, {other}, {result} : f32")
            elif kind == "if" and choose.random() < 0.3:
                test = self.op(body, f"arith.cmpf olt, {result}, {other} : f32")
                result = self.op(
                    body,
                    f"scf.if {test} -> (f32) {{ scf.yield {other} : f32 }} else {{ scf.yield {result} : f32 }}",
                )
            elif kind != "if":
                result = self.op(body, f"arith.{kind} {result}, {other} : f32")
        return self.bounded(body, result)

    def bounded(self, body: list[str], value: str) -> str:
        """Keep a number small and a multiple of 1/2; by costly operations half of the time."""
        if self.random.random() < 0.4:
            value = self.op(body, f"math.roundeven {value} : f32")
        else:  # 1.5 times 2^22 has no bits below 1/2
            shift = self.op(body, "arith.constant 6291456.0 : f32")
            value = self.op(body, f"arith.subf {self.op(body, f'arith.addf {value}, {shift} : f32')}, {shift} : f32")
        low, high = (self.op(body, f"arith.constant {limit} : f32") for limit in (-64.0, 64.0))
        value = self.op(body, f"arith.maximumf {value}, {low} : f32")
        return self.op(body, f"arith.minimumf {value}, {high} : f32")

    def accumulate(self, body: list[str], value: str, accumulator: str, output: Value) -> str:
        kind = self.random.choice(["addf", "maximumf"]) if output.is_float else self.random.choice(["addi", "maxsi"])
        return self.op(body, f"arith.{kind} {value}, {accumulator} : {output.element}")


def module_text(seed: int) -> str:
    """Return a module of random graphs: all read the same inputs, and the function returns all that they return."""
    inputs = [Value(f"%in{number}", element, shape) for number, (element, shape) in enumerate(INPUTS)]
    lines, results = [], []
    for number in range(GRAPHS_IN_A_MODULE):
        graph = Graph(random.Random(f"{seed} {number}"), f"g{number}", list(inputs))
        results += graph.write()
        lines += graph.lines
    types = ", ".join(value.type for value in results)
    return (
        f"func.func @main({', '.join(f'{v.name}: {v.type}' for v in inputs)}) -> ({types}) {{\n"
        + "\n".join(lines)
        + f"\nreturn {', '.join(value.name for value in results)} : {types}\n}}\n"
    )


def rewritten(text: str, *, fused: bool) -> str:
    """Return a module's text at the stage "rewritten", brought there with or without fusion."""
    pipeline = StageRewritten().text()
    assert ",fuse-elementwise," in pipeline
    module = ir.Module.parse(text, new_context())
    run_pipeline(module, pipeline if fused else pipeline.replace(",fuse-elementwise,", ","))
    return str(module)


def inputs(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    dtypes = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "i32": np.int32}
    return [np.array(rng.integers(-6, 7, shape) / (2 if e[0] == "f" else 1), dtypes[e]) for e, shape in INPUTS]


@pytest.mark.parametrize(
    "seed", [seed if seed < SHORT else pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(MODULES)]
)
def test_random_graphs(seed, tmp_path):
    text = module_text(seed)
    plain, fused = (rewritten(text, fused=fused) for fused in (False, True))
    assert fused.count("linalg.generic") < 0.9 * plain.count("linalg.generic")
    results = [slipstick.compile(module, cache_dir=tmp_path)(*inputs(seed)) for module in (plain, fused)]
    assert len(results[0]) > GRAPHS_IN_A_MODULE
    for number, (expected, found) in enumerate(zip(*results, strict=True)):
        np.testing.assert_array_equal(found.numpy(), expected.numpy(), err_msg=f"result {number}")
    assert sum(bool(np.any(result.numpy())) for result in results[0]) > len(results[0]) / 2
