"""Weights packed once: the layout of panels, products that read them, and that a changed weight is packed again."""

from __future__ import annotations

import numpy as np
import pytest
import slipstick
import torch
from slipstick import LMul
from slipstick.kernels.large_pages import LARGE_PAGE, empty_on_large_pages
from slipstick.kernels.panels_torch import pack_panels
from torch import nn

FINITE = LMul(4, specials="finite")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def compile_(obj, *args, **options):
        return slipstick.compile(obj, args, threads=1, cache_dir=cache, **options)

    return compile_


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("columns, depth, width", [(1, 1, 4), (4, 3, 4), (9, 5, 4), (48, 7, 16), (50, 1, 48)])
def test_panels_are_the_columns_in_order_and_zeros(axis, columns, depth, width):
    rows = torch.randn(columns, depth)
    panels = pack_panels(rows if axis == 0 else rows.t().contiguous(), axis, width)
    assert panels.shape == (-(-columns // width), depth, width) and panels.is_contiguous()
    for column in range(len(panels) * width):
        found = panels[column // width, :, column % width]
        assert torch.equal(found, rows[column] if column < columns else torch.zeros(depth))


def test_a_large_matrix_is_packed_in_parts(monkeypatch):
    monkeypatch.setattr("slipstick.kernels.panels_torch._ELEMENTS_AT_ONCE", 64)
    rows = torch.randn(50, 5)
    assert torch.equal(pack_panels(rows, 0, 8).transpose(1, 2).reshape(-1, 5)[:50], rows)


@pytest.mark.parametrize("elements", [LARGE_PAGE // 4, LARGE_PAGE // 4 + 3 * 5])
def test_what_fills_a_large_page_begins_at_one(elements):
    found = empty_on_large_pages((3, elements // 3), torch.float32)
    found.copy_(torch.arange(found.numel()).view(found.shape))
    begins = found.data_ptr() % LARGE_PAGE == 0
    assert begins == (found.nbytes >= LARGE_PAGE) and found.is_contiguous()
    assert found.sum(dtype=torch.float64) == found.numel() * (found.numel() - 1) / 2


def bound(x, w):
    """The bound of a sum of K products in any order, each rounded once."""
    depth = x.shape[-1]
    unit = (depth + 1) * 2.0**-24
    return unit / (1 - unit) * (x.double().abs() @ w.double().abs().t())


@pytest.mark.parametrize("rows, columns, depth", [(17, 1, 1), (40, 47, 5), (33, 49, 257), (100, 130, 300)])
def test_products_with_panels_at_every_edge(compiled, rows, columns, depth):
    torch.manual_seed(rows)
    layer, x = nn.Linear(depth, columns, bias=False).eval(), torch.randn(rows, depth)
    module = compiled(layer, x)
    assert list(module.packed) == ["weight"]
    error = (module(x).double() - x.double() @ layer.weight.detach().double().t()).abs()
    assert (error <= bound(x, layer.weight.detach())).all()


def test_more_rows_than_a_block_and_any_number_of_them(compiled):
    torch.manual_seed(0)
    layer = nn.Linear(70, 50, bias=False).eval()
    size = torch.export.Dim("rows", min=2, max=4096)
    module = compiled(layer, torch.randn(20, 70), dynamic_shapes=({0: size},))
    assert module.packed
    for rows in (17, 23, 64, 131):
        x = torch.randn(rows, 70)
        assert ((module(x) - layer(x)).abs() <= 2 * bound(x, layer.weight.detach())).all(), rows


@pytest.mark.parametrize(
    "lmul", [FINITE, LMul(3, rounding="rne", specials="finite"), LMul(3), LMul(4, offset="min-rms")]
)
def test_lmul_is_the_same_to_the_bit_with_panels_and_without(compiled, lmul):
    torch.manual_seed(1)
    w, x = torch.randn(50, 300), torch.randn(20, 300)
    w[3] = 0.0
    text = """
    func.func @main(%x: tensor<20x300xf32>, %w: tensor<50x300xf32> ATTRIBUTES) -> tensor<20x50xf32> {
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<20x50xf32>
      %c = linalg.fill ins(%zero : f32) outs(%e : tensor<20x50xf32>) -> tensor<20x50xf32>
      %r = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
          affine_map<(m, n, k) -> (m, n)>] ins(%x, %w : tensor<20x300xf32>, tensor<50x300xf32>)
          outs(%c : tensor<20x50xf32>) -> tensor<20x50xf32>
      return %r : tensor<20x50xf32>
    }"""
    packed = compiled(text.replace("ATTRIBUTES", "{slipstick.parameter}"), lmul=lmul)
    plain = compiled(text.replace("ATTRIBUTES", ""), lmul=lmul)
    assert packed.packed and not plain.packed
    assert np.array_equal(packed(x, w).numpy(), plain(x, w).numpy())


class Tied(nn.Module):
    """An embedding whose table is the weight of the last layer too."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(60, 40)

    def forward(self, ids):
        return self.table(ids) @ self.table.weight.t()


def test_a_table_that_is_read_as_rows_too_stays_beside_its_panels(compiled):
    torch.manual_seed(2)
    tied, ids = Tied().eval(), torch.randint(0, 60, (20,))
    module = compiled(tied, ids)
    assert list(module.packed) == ["table.weight"]
    torch.testing.assert_close(module(ids), tied(ids))
    with torch.no_grad():
        tied.table.weight.mul_(3.0)
    torch.testing.assert_close(module(ids), tied(ids))


def test_weights_stored_the_other_way_round(compiled):
    torch.manual_seed(3)

    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(70, 50))

        def forward(self, x):
            return x @ self.weight

    turned, x = Turned().eval(), torch.randn(33, 70)
    module = compiled(turned, x)
    assert module.packed
    torch.testing.assert_close(module(x), turned(x))


def test_changed_weights_are_packed_again(compiled):
    torch.manual_seed(4)
    layer, x = nn.Linear(30, 60).eval(), torch.randn(20, 30)
    module = compiled(layer, x)

    def check():
        torch.testing.assert_close(module(x), layer(x))

    check()
    with torch.no_grad():
        layer.weight.add_(1.0)
    check()
    layer.load_state_dict({"weight": torch.randn(60, 30), "bias": torch.randn(60)})
    check()
    layer.weight = nn.Parameter(torch.randn(60, 30))
    check()
    layer.weight.data = torch.randn(60, 30)
    check()
    layer.weight.data.mul_(2.0)  # torch counts no write here
    module.encode_again()
    check()


@pytest.mark.parametrize("lmul", [None, LMul(), FINITE], ids=str)
def test_few_rows_read_the_weight_in_place_where_that_costs_nothing(compiled, lmul):
    layer = nn.Linear(30, 60).eval()
    is_packed = [bool(compiled(layer, torch.randn(rows, 30), lmul=lmul).packed) for rows in (1, 3, 4)]
    assert is_packed == ([True] * 3 if lmul is FINITE else [False, False, True])


def test_panels_of_many_bytes_lie_on_pages_of_their_own():
    weights = torch.randn(1 << 11, 1 << 10)
    panels = pack_panels(weights, 0, 32)
    assert panels.shape == (64, 1024, 32) and panels.is_contiguous()
    assert torch.equal(panels.transpose(1, 2).reshape(2048, 1024), weights)
