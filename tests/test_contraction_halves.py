"""Products of half and bfloat: plain loops, one product and one sum after the other, each rounded."""

from __future__ import annotations

import lmul_oracle
import numpy as np
import pytest
import torch
from contraction_harness import assert_exact, compiled
from lmul_oracle import LAYOUTS, Configuration
from slipstick import LMul

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
def test_half_precision(element, lmul):
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
def test_half_operands_with_a_full_accumulator(element):
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
