"""Matrix products of every form as MLIR text, sizes around the edges of tiles, and the bound on exact sums.

That is the bound of a sum of n terms in any order (Higham, "Accuracy and Stability of Numerical Algorithms", section
3.1), against a wider type.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
import slipstick

FLOATS = {"f32": np.float32, "f64": np.float64}
WIDER = {"f32": np.float64, "f64": np.longdouble}
UNIT = {"f32": 2.0**-24, "f64": 2.0**-53}


@dataclass(frozen=True)
class Tiling:
    rows: int
    columns: int
    k_block: int
    m_block: int
    vector: int
    pack_left: bool = True

    def __str__(self) -> str:
        return (
            f'slipstick.decision = {{kind = "packed", register_tile = [{self.rows}, {self.columns}], '
            f"k_block = {self.k_block}, m_block = {self.m_block}, vector = {self.vector}, "
            f"pack_left = {str(self.pack_left).lower()}}}"
        )

    def sizes(self):
        """M, N, K around the edges of tile and blocks: each one against the middle of the other two, then mixtures."""
        around = [
            [0, 1, self.rows - 1, self.rows, self.rows + 1, self.m_block - 1, self.m_block + 1, 2 * self.m_block + 1],
            [0, 1, self.columns - 1, self.columns, self.columns + 1, 3 * self.columns, 3 * self.columns + 2],
            [0, 1, self.vector - 1, self.vector + 1, self.k_block, self.k_block + 1, 2 * self.k_block + 3],
        ]
        middle = (self.rows + 1, self.columns + 1, self.k_block + 1)
        for position, values in enumerate(around):
            for value in values:
                yield (*middle[:position], value, *middle[position + 1 :])
        yield from itertools.product((0, 1), repeat=3)
        yield 2 * self.rows, 2 * self.columns, self.k_block  # full tiles alone
        yield 2 * self.m_block, 2 * self.columns, 2 * self.k_block


# Small tiles keep the code small, which LLVM takes most of the tests' time for.
SMALL = Tiling(3, 8, 32, 12, 4)
SMALL_F64 = Tiling(3, 4, 32, 12, 2)
TILINGS = {"f32": SMALL, "f64": SMALL_F64}


@dataclass(frozen=True)
class Product:
    """C += A B on dynamic sizes, as MLIR text; `left` and `right` say which operands are stored transposed."""

    element: str = "f32"
    batch: bool = False
    left: bool = False
    right: bool = False
    tiling: Tiling | None = None

    def text(self) -> str:
        batch = ["b"] if self.batch else []
        dims = [
            [*batch, *("km" if self.left else "mk")],
            [*batch, *("nk" if self.right else "kn")],
            [*batch, "m", "n"],
        ]
        loops = ", ".join([*batch, "m", "n", "k"])
        maps = ", ".join(f"affine_map<({loops}) -> ({', '.join(d)})>" for d in dims)
        attribute = f"{{{self.tiling}}}" if self.tiling else ""
        name = "linalg.batch_matmul" if self.batch else "linalg.matmul"
        t = f"tensor<{'?x' * (3 if self.batch else 2)}{self.element}>"
        return f"""
        func.func @main(%a: {t}, %b: {t}, %c: {t}) -> {t} {{
          %0 = {name} indexing_maps = [{maps}] {attribute} ins(%a, %b : {t}, {t}) outs(%c : {t}) -> {t}
          return %0 : {t}
        }}"""

    def stored(self, a, b):
        """A and B as the function takes them, made contiguous."""
        a = np.swapaxes(a, -1, -2) if self.left else a
        b = np.swapaxes(b, -1, -2) if self.right else b
        return np.ascontiguousarray(a), np.ascontiguousarray(b)


def compiled(product, **options):
    """Compile a product, or a text; the same one once for all tests of a process."""
    text = product if isinstance(product, str) else product.text()
    return _compiled(text, tuple(sorted(options.items())))


@functools.cache
def _compiled(text, options):
    return slipstick.compile(text, **dict(options))


def operands(m, n, k, element="f32", batch=(), seed=0):
    rng = np.random.default_rng([m, n, k, seed])
    return tuple(rng.standard_normal((*batch, *s)).astype(FLOATS[element]) for s in ((m, k), (k, n), (m, n)))


def assert_exact(found, a, b, c, element="f32"):
    """Hold C + A B to the bound of its K + 1 additions and K products, each rounded once, in any order."""
    wide = [x.astype(WIDER[element]) for x in (a, b, c)]
    terms = a.shape[-1] + 2
    bound = terms * UNIT[element] / (1 - terms * UNIT[element]) * (np.abs(wide[0]) @ np.abs(wide[1]) + np.abs(wide[2]))
    found = found.numpy()
    assert found.shape == c.shape and found.dtype == c.dtype
    error = np.abs(found.astype(WIDER[element]) - (wide[0] @ wide[1] + wide[2]))
    assert np.all(error <= bound), f"{a.shape} x {b.shape}: {np.argwhere(~(error <= bound))[:5]}"
