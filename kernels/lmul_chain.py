"""L-Mul products under the policy `finite` that are factors themselves, as in (x · c) · y: one clamp for two.

A product is the sum of words x' + c', x' clamped, and a factor of the next one is clamped again. Where c' is the same
for many x (a constant, or one number for a row), the second clamp is one of x', to other bounds:

    clamp(clamp(t, low, high) + c', low, high) = clamp(t, max(low, low - c'), min(high, high - c')) + c'

with t the truncated magnitude of x, as the two intervals always meet: c' moves by 60 binades at most, and they are 120
wide. The bounds do not depend on x, the sign is taken off and put back once, and a product of truncated factors has
nothing to be truncated. So the second clamp costs nothing in a loop, and the results are the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..bindings import arith, ir
from .lmul import LMul
from .lmul_emit import Proved, clamped, combine, constant, expand, float_format, fold_offset, prepare


@dataclass(frozen=True)
class Product:
    """What a product was made of: a factor, and the prepared bits of another one that is the same for many of it."""

    x: ir.Value
    proved: Proved
    """Of x."""
    uniform: ir.Value
    """Integers; they carry no offset."""
    shrinks: bool
    """The uniform factor's magnitude is at most 1/2: the product is less than x."""


@dataclass
class Chains:
    """The products that were emitted, so that later ones can be joined to them.

    `is_uniform` says of a factor whether it is the same for many of the other, so that what is computed from it alone
    leaves the inner loop.
    """

    lmul: LMul
    is_uniform: Callable[[ir.Value], bool]
    products: dict[ir.Value, Product] = field(default_factory=dict)

    def expand(self, x: ir.Value, y: ir.Value, x_proved: Proved, y_proved: Proved) -> ir.Value:
        """Emit what `lmul_emit.expand` does, with the same bits."""
        if not self._joins(x.type):
            return expand(self.lmul, x, y, x_proved, y_proved)
        if x == y:
            x_proved = y_proved = replace(x_proved, nonnegative=True)
        x_bits, y_bits = self._prepare(x, x_proved), self._prepare(y, y_proved)
        result = combine(self.lmul, x_bits, fold_offset(self.lmul, y_bits, x.type), x.type)
        uniform = [self.is_uniform(v) for v in (x, y)]
        if uniform == [False, True] and x not in self.products:
            self.products[result] = Product(x, x_proved, y_bits, y_proved.shrinks)
        elif uniform == [True, False] and y not in self.products:
            self.products[result] = Product(y, y_proved, x_bits, x_proved.shrinks)
        return result

    def _joins(self, type_: ir.Type) -> bool:
        """Tell whether products of the type are joined: of truncated factors, with nothing to truncate themselves."""
        f, lmul = float_format(type_), self.lmul
        if f is None or lmul.specials == "ieee" or lmul.rounding == "rne":
            return False
        dropped = lmul.dropped_bits(f)
        return dropped > 0 and lmul.subtrahend(f) % (1 << dropped) == 0

    def _prepare(self, value: ir.Value, proved: Proved) -> ir.Value:
        product = self.products.get(value)
        if product is None or (product.proved.low and product.proved.high):
            return prepare(self.lmul, value, proved)
        f = float_format(value.type)
        assert f is not None
        x, uniform = product.x, product.uniform
        step = fold_offset(self.lmul, arith.andi(uniform, constant(uniform, f.magnitude_mask)), x.type)
        low, high = constant(uniform, f.clamp_low), constant(uniform, f.clamp_high)
        low = arith.maxsi(low, arith.subi(low, step))
        high = arith.minsi(high, arith.subi(high, step))
        # That x is at most 2^60 says the same of the product where the other factor makes it less.
        bounds = low, None if product.proved.high and product.shrinks else high
        bits = clamped(self.lmul, arith.bitcast(uniform.type, x), f, bounds, product.proved.nonnegative)
        return arith.addi(bits, fold_offset(self.lmul, uniform, x.type))
