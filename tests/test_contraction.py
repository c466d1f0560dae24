"""Matrix products through `slipstick.compile`: every edge of a tile and a block, strides, decisions."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import slipstick
import torch
from contraction_harness import FLOATS, SMALL, TILINGS, Product, Tiling, assert_exact, compiled, operands

# ---- sizes and layouts


@pytest.mark.parametrize("right", [False, True], ids=["B", "Bt"])
@pytest.mark.parametrize("left", [False, True], ids=["A", "At"])
@pytest.mark.parametrize("element", FLOATS)
def test_every_edge_of_tile_and_block(element, left, right):
    product = Product(element, left=left, right=right, tiling=TILINGS[element])
    native = compiled(product)
    for m, n, k in product.tiling.sizes():
        a, b, c = operands(m, n, k, element)
        assert_exact(native(*product.stored(a, b), c), a, b, c, element)


@pytest.mark.parametrize("left", [False, True], ids=["A", "At"])
@pytest.mark.parametrize("element", FLOATS)
def test_every_edge_with_a_in_place(element, left):
    """Rows of A at a distance that only the call knows; where A is stored transposed, a copy of it."""
    product = Product(element, left=left, tiling=replace(TILINGS[element], pack_left=False))
    native = compiled(product)
    for m, n, k in product.tiling.sizes():
        a, b, c = operands(m, n, k, element)
        assert_exact(native(*product.stored(a, b), c), a, b, c, element)


def test_a_in_place_whose_rows_are_a_known_distance_apart():
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
def test_batches(left, right):
    product = Product(batch=True, left=left, right=right, tiling=SMALL)
    native = compiled(product)
    for batch, (m, n, k) in itertools.product((0, 1, 3), [(7, 17, 33), (13, 33, 9), (0, 4, 4), (4, 4, 0), (1, 1, 1)]):
        a, b, c = operands(m, n, k, batch=(batch,))
        assert_exact(native(*product.stored(a, b), c), a, b, c)


@pytest.mark.parametrize("element", FLOATS)
def test_the_hosts_own_decision(element):
    native = compiled(Product(element))
    scheduled = native.stage("scheduled")
    assert "slipstick.decision" in scheduled and "slipstick_contraction_0" in native.stage("loops")
    for m, n, k in [(300, 50, 600), (1, 300, 300), (517, 3, 41), (64, 64, 64), (2, 1, 3000)]:
        a, b, c = operands(m, n, k, element)
        assert_exact(native(a, b, c), a, b, c, element)


def test_static_sizes_have_kernels_of_their_own():
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


def test_strided_operands_and_results():
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
def test_a_result_inside_a_computed_tensor(layout):
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


def test_a_written_transpose_is_read_in_place():
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


def test_an_operand_that_is_broadcast_takes_the_loops():
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


def test_a_batch_that_shares_its_weight_becomes_one_product():
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


def test_special_values_of_an_exact_product():
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
def test_a_wrong_stage(attribute, error, message):
    with pytest.raises(error, match=message):
        compiled(f"module attributes {{slipstick.stage = {attribute}}} {{ {Product().text()} }}")


def test_an_illegal_decision_names_its_line():
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
def test_tilings_of_other_machines(element, tiling):
    product = Product(element, right=tiling.rows % 8 == 0, tiling=tiling)
    native = compiled(product)
    for m, n, k in tiling.sizes():
        a, b, c = operands(m, n, k, element)
        assert_exact(native(*product.stored(a, b), c), a, b, c, element)


@pytest.mark.parametrize("element", FLOATS)
def test_two_threads_give_the_same_bits(element):
    product = Product(element, batch=True, tiling=TILINGS[element])
    one, two = (compiled(product, threads=threads) for threads in (1, 2))
    assert "scf.parallel" in two.stage("loops") and "scf.parallel" not in one.stage("loops")
    for m, n, k in [*itertools.islice(product.tiling.sizes(), 0, None, 4), (100, 100, 100)]:
        a, b, c = operands(m, n, k, element, batch=(2,))
        found = two(a, b, c)
        assert_exact(found, a, b, c, element)
        assert torch.equal(found, one(a, b, c))


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
