"""Matrix products through `slipstick.compile`: every edge of a tile and a block, strides, decisions, L-Mul.

Exact products are held to the bound of a sum of n terms in any order (Higham, "Accuracy and Stability of Numerical
Algorithms", section 3.1), against a wider type. L-Mul products come from the oracle, so that the same bound, on the sum
alone, is all that is allowed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import lmul_oracle
import numpy as np
import pytest
import slipstick
import torch
from lmul_oracle import LAYOUTS, Configuration
from slipstick import LMul

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


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compile a product; the same one once for the whole module."""
    cache = tmp_path_factory.mktemp("cache")
    made = {}

    def compile_(product, **options):
        text = product if isinstance(product, str) else product.text()
        key = (text, *sorted(options.items()))
        if key not in made:
            made[key] = slipstick.compile(text, cache_dir=cache, **options)
        return made[key]

    return compile_


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


# ---- sizes and layouts


@pytest.mark.parametrize("right", [False, True], ids=["B", "Bt"])
@pytest.mark.parametrize("left", [False, True], ids=["A", "At"])
@pytest.mark.parametrize("element", FLOATS)
def test_every_edge_of_tile_and_block(compiled, element, left, right):
    product = Product(element, left=left, right=right, tiling=TILINGS[element])
    native = compiled(product)
    for m, n, k in product.tiling.sizes():
        a, b, c = operands(m, n, k, element)
        assert_exact(native(*product.stored(a, b), c), a, b, c, element)


@pytest.mark.parametrize("left", [False, True], ids=["A", "At"])
@pytest.mark.parametrize("element", FLOATS)
def test_every_edge_with_a_in_place(compiled, element, left):
    """Rows of A at a distance that only the call knows; where A is stored transposed, a copy of it."""
    product = Product(element, left=left, tiling=replace(TILINGS[element], pack_left=False))
    native = compiled(product)
    for m, n, k in product.tiling.sizes():
        a, b, c = operands(m, n, k, element)
        assert_exact(native(*product.stored(a, b), c), a, b, c, element)


def test_a_in_place_whose_rows_are_a_known_distance_apart(compiled):
    """A half of a wider matrix, and a matrix of its own: two kernels of one decision."""
    a, w, c, wide = (f"tensor<{size}xf32>" for size in ("13x35", "35x19", "13x19", "13x70"))
    matmul = f"linalg.matmul {{{replace(SMALL, pack_left=False)}}}"
    native = compiled(f"""
    func.func @main(%wide: {wide}, %a: {a}, %w: {w}, %c: {c}) -> ({c}, {c}) {{
      %half = tensor.extract_slice %wide[0, 35] [13, 35] [1, 1] : {wide} to {a}
      %0 = {matmul} ins(%half, %w : {a}, {w}) outs(%c : {c}) -> {c}
      %1 = {matmul} ins(%a, %w : {a}, {w}) outs(%c : {c}) -> {c}
      return %0, %1 : {c}, {c}
    }}""")
    a, w, c = operands(13, 19, 35)
    wide = operands(13, 19, 70)[0]
    first, second = native(wide, a, w, c)
    assert_exact(first, np.ascontiguousarray(wide[:, 35:]), w, c)
    assert_exact(second, a, w, c)


@pytest.mark.parametrize(("left", "right"), [(False, False), (False, True), (True, False)], ids=["AB", "ABt", "AtB"])
def test_batches(compiled, left, right):
    product = Product(batch=True, left=left, right=right, tiling=SMALL)
    native = compiled(product)
    for batch, (m, n, k) in itertools.product((0, 1, 3), [(7, 17, 33), (13, 33, 9), (0, 4, 4), (4, 4, 0), (1, 1, 1)]):
        a, b, c = operands(m, n, k, batch=(batch,))
        assert_exact(native(*product.stored(a, b), c), a, b, c)


@pytest.mark.parametrize("element", FLOATS)
def test_the_hosts_own_decision(compiled, element):
    native = compiled(Product(element))
    scheduled = native.stage("scheduled")
    assert "slipstick.decision" in scheduled and "slipstick_contraction_0" in native.stage("loops")
    for m, n, k in [(300, 50, 600), (1, 300, 300), (517, 3, 41), (64, 64, 64), (2, 1, 3000)]:
        a, b, c = operands(m, n, k, element)
        assert_exact(native(a, b, c), a, b, c, element)


def test_static_sizes_have_kernels_of_their_own(compiled):
    shapes = [
        (1, 1, 1),
        (6, 16, 32),
        (7, 17, 33),
        (5, 15, 31),
        (13, 40, 70),
        (0, 3, 2),
        (3, 0, 2),
        (3, 2, 0),
        (1, 64, 9),
    ]
    arguments, lines, types = [], [], []
    for i, (m, n, k) in enumerate(shapes):
        ta, tb, tc = (f"tensor<{r}x{s}xf32>" for r, s in ((m, k), (k, n), (m, n)))
        arguments += [f"%a{i}: {ta}", f"%b{i}: {tb}", f"%c{i}: {tc}"]
        lines.append(f"%r{i} = linalg.matmul {{{SMALL}}} ins(%a{i}, %b{i} : {ta}, {tb}) outs(%c{i} : {tc}) -> {tc}")
        types.append(tc)
    returned = ", ".join(f"%r{i}" for i in range(len(shapes))) + " : " + ", ".join(types)
    native = compiled(
        f"func.func @main({', '.join(arguments)}) -> ({', '.join(types)}) {{\n"
        + "\n".join(lines)
        + f"\nreturn {returned}\n}}"
    )
    # One for each shape that is not empty: what LLVM unrolls for a shape depends on no other caller.
    assert native.statistics["lower-contractions: kernels emitted"] == 6
    inputs = [operands(*shape) for shape in shapes]
    for found, (a, b, c) in zip(native(*itertools.chain(*inputs)), inputs, strict=True):
        assert_exact(found, a, b, c)


def test_strided_operands_and_results(compiled):
    """Operands and result are slices with steps in both dimensions, the result inside a larger tensor."""
    text = f"""
    func.func @main(%x: tensor<20x50xf32>, %y: tensor<50x50xf32>, %z: tensor<30x40xf32>) -> tensor<30x40xf32> {{
      %a = tensor.extract_slice %x[1, 2] [9, 15] [2, 3] : tensor<20x50xf32> to tensor<9x15xf32>
      %b = tensor.extract_slice %y[3, 0] [15, 18] [3, 2] : tensor<50x50xf32> to tensor<15x18xf32>
      %c = tensor.extract_slice %z[2, 1] [9, 18] [3, 2] : tensor<30x40xf32> to tensor<9x18xf32>
      %0 = linalg.matmul {{{SMALL}}} ins(%a, %b : tensor<9x15xf32>, tensor<15x18xf32>)
        outs(%c : tensor<9x18xf32>) -> tensor<9x18xf32>
      %1 = tensor.insert_slice %0 into %z[2, 1] [9, 18] [3, 2] : tensor<9x18xf32> into tensor<30x40xf32>
      return %1 : tensor<30x40xf32>
    }}"""
    rng = np.random.default_rng(5)
    x, y, z = (rng.standard_normal(shape).astype(np.float32) for shape in ((20, 50), (50, 50), (30, 40)))
    a, b, at = x[1:19:2, 2:47:3], y[3:48:3, 0:36:2], (slice(2, 29, 3), slice(1, 37, 2))
    found = compiled(text)(x, y, z)
    assert_exact(found[at], a, b, z[at])
    rest = z.copy()
    rest[at] = found.numpy()[at]
    np.testing.assert_array_equal(found, rest)


@pytest.mark.parametrize("layout", ["2", "1"], ids=["steps", "contiguous"])
def test_a_result_inside_a_computed_tensor(compiled, layout):
    """The result is written in place, into a slice whose columns are `layout` apart."""
    text = f"""
    func.func @main(%a: tensor<9x15xf32>, %b: tensor<15x18xf32>) -> tensor<9x40xf32> {{
      %one = arith.constant 1.0 : f32
      %e = tensor.empty() : tensor<9x40xf32>
      %z = linalg.fill ins(%one : f32) outs(%e : tensor<9x40xf32>) -> tensor<9x40xf32>
      %c = tensor.extract_slice %z[0, 1] [9, 18] [1, {layout}] : tensor<9x40xf32> to tensor<9x18xf32>
      %0 = linalg.matmul {{{SMALL}}} ins(%a, %b : tensor<9x15xf32>, tensor<15x18xf32>)
        outs(%c : tensor<9x18xf32>) -> tensor<9x18xf32>
      %1 = tensor.insert_slice %0 into %z[0, 1] [9, 18] [1, {layout}] : tensor<9x18xf32> into tensor<9x40xf32>
      return %1 : tensor<9x40xf32>
    }}"""
    a, b, _ = operands(9, 18, 15)
    found = compiled(text)(a, b)
    columns = slice(1, 1 + 18 * int(layout), int(layout))
    assert_exact(found[:, columns], a, b, np.ones((9, 18), np.float32))
    found[:, columns] = 1
    assert torch.equal(found, torch.ones(9, 40))


def test_a_written_transpose_is_read_in_place(compiled):
    text = f"""
    func.func @main(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %c: tensor<?x?xf32>, %e: tensor<?x?xf32>)
        -> tensor<?x?xf32> {{
      %t = linalg.transpose ins(%w : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) permutation = [1, 0]
      %0 = linalg.matmul {{{SMALL}}} ins(%x, %t : tensor<?x?xf32>, tensor<?x?xf32>)
        outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
      return %0 : tensor<?x?xf32>
    }}"""
    native = compiled(text)
    assert "linalg.transpose" not in native.stage("rewritten")
    for m, n, k in [(7, 17, 33), (12, 32, 64), (1, 5, 3)]:
        a, b, c = operands(m, n, k)
        assert_exact(native(a, np.ascontiguousarray(b.T), c, np.empty_like(b)), a, b, c)


def test_an_operand_that_is_broadcast_takes_the_loops(compiled):
    text = """
    #a = affine_map<(m, n, k) -> (k)>
    #b = affine_map<(m, n, k) -> (k, n)>
    #c = affine_map<(m, n, k) -> (m, n)>
    func.func @main(%a: tensor<5xf32>, %b: tensor<5x18xf32>, %c: tensor<7x18xf32>) -> tensor<7x18xf32> {
      %0 = linalg.matmul indexing_maps = [#a, #b, #c] ins(%a, %b : tensor<5xf32>, tensor<5x18xf32>)
        outs(%c : tensor<7x18xf32>) -> tensor<7x18xf32>
      return %0 : tensor<7x18xf32>
    }"""
    a, b, c = operands(7, 18, 5)
    assert_exact(compiled(text)(a[0], b, c), np.repeat(a[:1], 7, axis=0), b, c)


def test_a_batch_that_shares_its_weight_becomes_one_product(compiled):
    text = """
    func.func @main(%x: tensor<?x?x24xf32>, %w: tensor<24x20xf32>, %c: tensor<?x?x20xf32>, %e: tensor<?x24x20xf32>)
        -> tensor<?x?x20xf32> {
      %b = linalg.broadcast ins(%w : tensor<24x20xf32>) outs(%e : tensor<?x24x20xf32>) dimensions = [0]
      %0 = linalg.batch_matmul ins(%x, %b : tensor<?x?x24xf32>, tensor<?x24x20xf32>)
        outs(%c : tensor<?x?x20xf32>) -> tensor<?x?x20xf32>
      return %0 : tensor<?x?x20xf32>
    }"""
    native = compiled(text)
    assert "linalg.batch_matmul" not in native.stage("rewritten")
    for batch, rows in [(3, 5), (1, 1), (2, 0), (0, 2)]:
        a, b, c = operands(rows, 20, 24, batch=(batch,))
        assert_exact(native(a, b[0] if batch else np.ones((24, 20), np.float32), c, b), a, b[:1], c)


def test_special_values_of_an_exact_product(compiled):
    """Infinities and NaNs beside a ragged tile stay in their rows and columns: nothing leaks from padding."""
    native = compiled(Product(tiling=SMALL))
    a, b, c = operands(8, 18, 5)
    a[0, 0], b[0, 16], a[7, 1] = np.inf, np.nan, -np.inf
    found = native(a, b, c).numpy()
    with np.errstate(invalid="ignore"):
        expected = a.astype(np.float64) @ b + c
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# ---- what is no input


@pytest.mark.parametrize(
    ("attribute", "error", "message"),
    [
        ("3 : i64", slipstick.ArgumentError, "slipstick.stage: expected one of linalg, .*, found 3 : i64"),
        ('"packed"', slipstick.ArgumentError, 'slipstick.stage: expected one of linalg, .*, found "packed"'),
        ('"llvm"', slipstick.IRError, "'linalg.matmul' was not lowered to the LLVM dialect"),
        ('"loops"', slipstick.IRError, "expected the attribute slipstick.entry"),
    ],
)
def test_a_wrong_stage(compiled, attribute, error, message):
    with pytest.raises(error, match=message):
        compiled(f"module attributes {{slipstick.stage = {attribute}}} {{ {Product().text()} }}")


def test_an_illegal_decision_names_its_line(compiled):
    with pytest.raises(slipstick.IRError, match=r"-:3:\d+: error: slipstick.decision: expected tile columns"):
        compiled(Product(tiling=SMALL).text().replace("register_tile = [3, 8]", "register_tile = [3, 6]"))


# ---- decisions of other machines, threads


@pytest.mark.parametrize(
    ("element", "tiling"),
    [
        ("f32", Tiling(4, 8, 16, 8, 4)),
        ("f32", Tiling(1, 8, 7, 3, 8)),
        ("f32", Tiling(8, 24, 24, 16, 8)),
        ("f32", Tiling(3, 5, 1, 3, 1)),
        ("f64", Tiling(4, 4, 9, 8, 2)),
        ("f64", Tiling(4, 16, 16, 8, 8)),
    ],
    ids=str,
)
def test_tilings_of_other_machines(compiled, element, tiling):
    product = Product(element, right=tiling.rows % 8 == 0, tiling=tiling)
    native = compiled(product)
    for m, n, k in tiling.sizes():
        a, b, c = operands(m, n, k, element)
        assert_exact(native(*product.stored(a, b), c), a, b, c, element)


@pytest.mark.parametrize("element", FLOATS)
def test_two_threads_give_the_same_bits(compiled, element):
    product = Product(element, batch=True, tiling=TILINGS[element])
    one, two = (compiled(product, threads=threads) for threads in (1, 2))
    assert "scf.parallel" in two.stage("loops") and "scf.parallel" not in one.stage("loops")
    for m, n, k in [*itertools.islice(product.tiling.sizes(), 0, None, 4), (100, 100, 100)]:
        a, b, c = operands(m, n, k, element, batch=(2,))
        found = two(a, b, c)
        assert_exact(found, a, b, c, element)
        assert torch.equal(found, one(a, b, c))


# ---- L-Mul

SIZES = [(7, 17, 33), (12, 32, 64), (13, 37, 70), (1, 1, 1), (5, 3, 0), (0, 5, 5), (1, 20, 40)]


def lmul_terms(element, lmul, a, b):
    """The products a[m, k] b[k, n] as the oracle has them, [m, k, n], in the element's own type."""
    layout = LAYOUTS[element]
    shape = (a.shape[0], a.shape[1], b.shape[1])
    x = np.broadcast_to(a[:, :, None], shape).ravel().view(layout.unsigned)
    y = np.broadcast_to(b[None], shape).ravel().view(layout.unsigned)
    configuration = Configuration(lmul.mantissa_bits, lmul.rounding, lmul.specials)
    return lmul_oracle.multiply_arrays(layout, configuration, x, y).view(a.dtype).reshape(shape)


def assert_sum(found, terms, c, element="f32"):
    """Hold a result to C plus the terms, added in any order."""
    found = found.numpy()
    assert found.shape == c.shape and found.dtype == c.dtype
    wide = np.concatenate([terms.astype(WIDER[element]), c[:, None, :].astype(WIDER[element])], axis=1)
    with np.errstate(invalid="ignore"):
        expected = wide.sum(axis=1)
        count = wide.shape[1]
        bound = count * UNIT[element] / (1 - count * UNIT[element]) * np.abs(wide).sum(axis=1)
        error = np.abs(found.astype(WIDER[element]) - expected)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite].astype(c.dtype))
    assert np.all(error[finite] <= bound[finite])


LMULS = [LMul(k, r, s) for k, r, s in itertools.product((4, 23), ("truncate", "rne"), ("finite", "ieee"))]


@pytest.mark.parametrize(
    ("lmul", "right"),
    # How B is packed does not depend on the policy `ieee`, nor its layout on the number of bits.
    [
        *((lmul, False) for lmul in (*LMULS[:4], LMULS[-1])),
        *(pytest.param(lmul, False, marks=pytest.mark.exhaustive) for lmul in LMULS[4:-1]),
        *((lmul, True) for lmul in LMULS[:4:2]),
    ],
    ids=lambda c: f"{c.mantissa_bits}-{c.rounding}-{c.specials}" if isinstance(c, LMul) else "Bt" if c else "B",
)
def test_lmul(compiled, lmul, right):
    product = Product(right=right, tiling=SMALL)
    native = compiled(product, lmul=lmul)
    for m, n, k in SIZES:
        a, b, c = operands(m, n, k)
        assert_sum(native(*product.stored(a, b), c), lmul_terms("f32", lmul, a, b), c)


@pytest.mark.parametrize("specials", ["finite", "ieee"])
def test_lmul_of_f64(compiled, specials):
    lmul = LMul(specials=specials)
    native = compiled(Product("f64", tiling=SMALL_F64), lmul=lmul)
    for m, n, k in SIZES:
        a, b, c = operands(m, n, k, "f64")
        assert_sum(native(a, b, c), lmul_terms("f64", lmul, a, b), c, "f64")


@pytest.mark.parametrize("specials", ["finite", "ieee"])
def test_lmul_of_batches_and_transposed_left_operands(compiled, specials):
    lmul = LMul(specials=specials)
    product = Product(batch=True, left=True, tiling=SMALL)
    a, b, c = operands(13, 37, 40, batch=(2,))
    found = compiled(product, lmul=lmul)(*product.stored(a, b), c)
    for i in range(2):
        assert_sum(found[i], lmul_terms("f32", lmul, a[i], b[i]), c[i])


@pytest.mark.parametrize("specials", ["finite", "ieee"])
def test_lmul_with_zeros(compiled, specials):
    """ReLU zeros, zeros of both signs, a row and a column of nothing else; under `ieee` those give exactly C."""
    lmul = LMul(specials=specials)
    native = compiled(Product(tiling=SMALL), lmul=lmul)
    a, b, c = operands(13, 37, 70)
    a = np.maximum(a, 0)
    a[3], a[4], b[:, 5] = 0.0, -0.0, 0.0
    found = native(a, b, c)
    assert_sum(found, lmul_terms("f32", lmul, a, b), c)
    if specials == "ieee":
        np.testing.assert_array_equal(found[3:5], c[3:5])
        np.testing.assert_array_equal(found[:, 5], c[:, 5])
    else:  # the bound that the policy states, with the offset's share
        assert np.all(np.abs(found.numpy()[3] - c[3]) <= 2.0**-59 * np.abs(b).sum(axis=0) + np.spacing(np.abs(c[3])))


@pytest.mark.parametrize("k", [4, 23])
def test_lmul_ieee_with_special_values(compiled, k):
    """Special values of the oracle, each met by every other, one product an element: bit for bit."""
    lmul = LMul(k)
    product = Product(tiling=SMALL)
    values = lmul_oracle.special_values(LAYOUTS["f32"]).view(np.float32)
    values = values[np.random.default_rng(7).permutation(len(values))[:600]]
    values = np.concatenate([values, np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 3e38, -3e38], np.float32)])
    a, b = values[:, None], values[None, :]
    c = np.zeros((len(values), len(values)), np.float32)
    found = compiled(product, lmul=lmul)(*product.stored(a, b), c).numpy()
    np.testing.assert_array_equal(found, lmul_terms("f32", lmul, a, b)[:, 0, :])


def test_lmul_ieee_infinities_and_overflow_in_sums(compiled):
    lmul = LMul()
    native = compiled(Product(tiling=SMALL), lmul=lmul)
    a, b, c = operands(9, 21, 40)
    a[0, 0], a[1, 1], b[2, 3], b[3, 20] = np.inf, np.nan, -np.inf, 3e38
    a[8, 3], a[5, 3] = 100.0, -100.0
    a[6], b[:, 7] = 1e-30, 1e-30  # products below the smallest normal number
    terms = lmul_terms("f32", lmul, a, b)
    assert np.isinf(terms[8, 3, 20]) and np.all(terms[6, :, 7] == 0)
    assert_sum(native(a, b, c), terms, c)


def test_lmul_finite_at_the_ends_of_its_range(compiled):
    """Magnitudes outside [2^-60, 2^60] count as the nearest end, so that no exponent wraps."""
    lmul = LMul(specials="finite")
    native = compiled(Product(tiling=SMALL), lmul=lmul)
    values = np.array([0, -0.0, 1e-40, -1e-30, 2.0**-60, 1.0, -1.9, 2.0**60, 1e30, -3e38], np.float32)
    a, b = values[:, None], values[None, :]
    c = np.zeros((len(values), len(values)), np.float32)
    np.testing.assert_array_equal(native(a, b, c).numpy(), lmul_terms("f32", lmul, a, b)[:, 0, :])


@pytest.mark.parametrize(
    ("specials", "tiling"), [("finite", Tiling(8, 48, 16, 8, 16)), ("ieee", Tiling(1, 8, 16, 8, 8))], ids=str
)
def test_lmul_with_tilings_of_other_machines_and_threads(compiled, specials, tiling):
    lmul = LMul(specials=specials)
    product = replace(Product(), tiling=tiling)
    native = compiled(product, lmul=lmul, threads=2)
    a, b, c = operands(19, 50, 35)
    assert_sum(native(a, b, c), lmul_terms("f32", lmul, a, b), c)


# ---- half precision: plain loops, one product and one sum after the other, each rounded

HALVES = {"f16": torch.float16, "bf16": torch.bfloat16}


def half_terms(element, lmul, a, b):
    if lmul is None:
        return a[:, :, None] * b[None]
    layout = LAYOUTS[element]
    bits = [x.view(torch.int16).numpy().view(np.uint16) for x in (a, b)]
    shape = (a.shape[0], a.shape[1], b.shape[1])
    x = np.broadcast_to(bits[0][:, :, None], shape).ravel()
    y = np.broadcast_to(bits[1][None], shape).ravel()
    configuration = Configuration(lmul.mantissa_bits, lmul.rounding, lmul.specials)
    product = lmul_oracle.multiply_arrays(layout, configuration, x, y).reshape(shape)
    return torch.from_numpy(product.view(np.int16)).view(a.dtype)


@pytest.mark.parametrize("lmul", [None, LMul(), LMul(specials="finite")], ids=["exact", "ieee", "finite"])
@pytest.mark.parametrize("element", HALVES)
def test_half_precision(compiled, element, lmul):
    t = f"tensor<?x?x{element}>"
    native = compiled(
        f"""func.func @main(%a: {t}, %b: {t}, %c: {t}) -> {t} {{
          %0 = linalg.matmul ins(%a, %b : {t}, {t}) outs(%c : {t}) -> {t}
          return %0 : {t}
        }}""",
        lmul=lmul,
    )
    generator = torch.Generator().manual_seed(3)
    for m, n, k in [(3, 5, 17), (1, 1, 1), (4, 4, 0), (0, 2, 2), (8, 16, 33)]:
        a, b, c = (torch.randn(*s, generator=generator).to(HALVES[element]) for s in ((m, k), (k, n), (m, n)))
        expected = c.clone()
        for term in half_terms(element, lmul, a, b).unbind(1):
            expected = expected + term
        assert torch.equal(native(a, b, c), expected)


@pytest.mark.parametrize("element", HALVES)
def test_half_operands_with_a_full_accumulator(compiled, element):
    t, c_type = f"tensor<?x?x{element}>", "tensor<?x?xf32>"
    native = compiled(
        f"""func.func @main(%a: {t}, %b: {t}, %c: {c_type}) -> {c_type} {{
          %0 = linalg.matmul ins(%a, %b : {t}, {t}) outs(%c : {c_type}) -> {c_type}
          return %0 : {c_type}
        }}"""
    )
    generator = torch.Generator().manual_seed(4)
    a, b = (torch.randn(*s, generator=generator).to(HALVES[element]) for s in ((7, 40), (40, 19)))
    c = torch.randn(7, 19, generator=generator)
    assert_exact(native(a, b, c), a.float().numpy(), b.float().numpy(), c.numpy())


def test_a_long_depth_is_summed_by_blocks():
    """2^24, then ones: each would be lost in the sum of all before it."""

    class Product(torch.nn.Module):
        def forward(self, a, b):
            return a @ b

    depth = 8001
    a, b = torch.ones(34, depth), torch.ones(depth, 70)
    a[:, 0] = 2.0**24
    found = slipstick.compile(Product(), (a, b))(a, b) - 2.0**24
    # Of the block that has it, some thousand deep, ones are lost.
    assert (found - 7900).abs().max() <= 1000
