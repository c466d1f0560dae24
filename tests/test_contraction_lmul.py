"""L-Mul products of every form: the terms are the oracle's, and their sum is held to the bound of any order."""

from __future__ import annotations

import itertools
from dataclasses import replace

import lmul_oracle
import numpy as np
import pytest
from contraction_harness import SMALL, SMALL_F64, UNIT, WIDER, Product, Tiling, compiled, operands
from lmul_oracle import LAYOUTS, Configuration
from slipstick import LMul

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
def test_lmul(lmul, right):
    product = Product(right=right, tiling=SMALL)
    native = compiled(product, lmul=lmul)
    for m, n, k in SIZES:
        a, b, c = operands(m, n, k)
        assert_sum(native(*product.stored(a, b), c), lmul_terms("f32", lmul, a, b), c)


@pytest.mark.parametrize("specials", ["finite", "ieee"])
def test_lmul_of_f64(specials):
    lmul = LMul(specials=specials)
    native = compiled(Product("f64", tiling=SMALL_F64), lmul=lmul)
    for m, n, k in SIZES:
        a, b, c = operands(m, n, k, "f64")
        assert_sum(native(a, b, c), lmul_terms("f64", lmul, a, b), c, "f64")


@pytest.mark.parametrize("specials", ["finite", "ieee"])
def test_lmul_of_batches_and_transposed_left_operands(specials):
    lmul = LMul(specials=specials)
    product = Product(batch=True, left=True, tiling=SMALL)
    a, b, c = operands(13, 37, 40, batch=(2,))
    found = compiled(product, lmul=lmul)(*product.stored(a, b), c)
    for i in range(2):
        assert_sum(found[i], lmul_terms("f32", lmul, a[i], b[i]), c[i])


@pytest.mark.parametrize("specials", ["finite", "ieee"])
def test_lmul_with_zeros(specials):
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
def test_lmul_ieee_with_special_values(k):
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


def test_lmul_ieee_infinities_and_overflow_in_sums():
    lmul = LMul()
    native = compiled(Product(tiling=SMALL), lmul=lmul)
    a, b, c = operands(9, 21, 40)
    a[0, 0], a[1, 1], b[2, 3], b[3, 20] = np.inf, np.nan, -np.inf, 3e38
    a[8, 3], a[5, 3] = 100.0, -100.0
    a[6], b[:, 7] = 1e-30, 1e-30  # products below the smallest normal number
    terms = lmul_terms("f32", lmul, a, b)
    assert np.isinf(terms[8, 3, 20]) and np.all(terms[6, :, 7] == 0)
    assert_sum(native(a, b, c), terms, c)


def test_lmul_finite_at_the_ends_of_its_range():
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
def test_lmul_with_tilings_of_other_machines_and_threads(specials, tiling):
    lmul = LMul(specials=specials)
    product = replace(Product(), tiling=tiling)
    native = compiled(product, lmul=lmul, threads=2)
    a, b, c = operands(19, 50, 35)
    assert_sum(native(a, b, c), lmul_terms("f32", lmul, a, b), c)
