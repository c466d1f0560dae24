"""Cases of matrix products, attention, linear algebra and control flow."""

from __future__ import annotations

import torch
from operator_case import FLOATS, WIDE, Table
from torch.nn import functional

TABLE = Table()

TABLE("mm", torch.mm, "T[n,5]", "T[5,4]", of=FLOATS)
TABLE("mm", torch.mm, "T[3,5]", "T[5,4]", of="i64 i32 i16 i8 u8")
TABLE("mm", lambda x, y: x.t() @ y.t(), "T[5,3]", "T[4,5]", of=WIDE)
TABLE("mm", torch.mm, "f32[33,70]", "f32[70,50]")
TABLE("mm", torch.mm, "f32[3,0]", "f32[0,4]")
TABLE("mv", torch.mv, "T[3,5]", "T[5]", of="f32 f64 f16 i64")
TABLE("dot", torch.dot, "T[5]", "T[5]", of="f32 f64 f16 i64")
TABLE("outer", torch.outer, "T[3]", "T[5]", of="f32 i64")
TABLE("bmm", torch.bmm, "T[n,4,5]", "T[n,5,2]", of=FLOATS)
TABLE("bmm", torch.bmm, "T[3,4,5]", "T[3,5,2]", of="i64 i32 i8")
TABLE("matmul", torch.matmul, "T[2,3,4,5]", "T[5,2]", of=WIDE)
TABLE("matmul", torch.matmul, "T[2,1,4,5]", "T[3,5,2]", of=WIDE)
TABLE("matmul", torch.matmul, "T[5]", "T[3,5,2]", of=WIDE)
TABLE("matmul", torch.matmul, "T[3,4,5]", "T[5]", of=WIDE)
TABLE("matmul", torch.matmul, "f32[n,4,5]", "f32[5,2]")
TABLE("addmm", torch.addmm, "T[4]", "T[n,5]", "T[5,4]", of=FLOATS)
TABLE("addmm", lambda c, x, y: torch.addmm(c, x, y, beta=0.5, alpha=2), "T[3,4]", "T[3,5]", "T[5,4]", of=WIDE)
TABLE("baddbmm", torch.baddbmm, "T[3,4,2]", "T[3,4,5]", "T[3,5,2]", of=WIDE)
TABLE("baddbmm", lambda c, x, y: torch.baddbmm(c, x, y, beta=2, alpha=0.5), "f32[3,4,2]", "f32[3,4,5]", "f32[3,5,2]")
TABLE("addmv", torch.addmv, "f32[3]", "f32[3,5]", "f32[5]")
TABLE("addr", torch.addr, "f32[3,4]", "f32[3]", "f32[4]")
TABLE("linear", functional.linear, "T[n,5]", "T[4,5]", "T[4]", of=FLOATS)
TABLE("linear", functional.linear, "T[2,3,5]", "T[4,5]", of=FLOATS)
TABLE("linear", functional.linear, "T[5]", "T[4,5]", "T[4]", of=WIDE)
TABLE("bilinear", functional.bilinear, "f32[3,4]", "f32[3,5]", "f32[2,4,5]")
TABLE("einsum", lambda x, y: torch.einsum("bij,bjk->bik", x, y), "T[3,4,5]", "T[3,5,2]", of=WIDE)
TABLE("einsum", lambda x, y: torch.einsum("bhid,bhjd->bhij", x, y), "T[2,3,4,5]", "T[2,3,6,5]", of=WIDE)
TABLE("einsum", lambda x, y: torch.einsum("ij,kj->ikj", x, y), "T[3,5]", "T[4,5]", of=WIDE)
TABLE("einsum", lambda x: torch.einsum("iij->ij", x), "f32[3,3,5]")
TABLE("tensordot", lambda x, y: torch.tensordot(x, y, dims=2), "f32[3,4,5]", "f32[4,5,2]")
TABLE("kron", torch.kron, "f32[2,3]", "f32[4,2]")
TABLE("cross", lambda x, y: torch.linalg.cross(x, y), "f32[4,3]", "f32[4,3]")
TABLE("chain_matmul", lambda x, y: torch.linalg.multi_dot([x, y, x]), "f32[3,4]", "f32[4,3]")
SHAPES = ("T[2,3,6,8]",) * 3
TABLE("attention", functional.scaled_dot_product_attention, *SHAPES, of=FLOATS)
TABLE("attention", lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True), *SHAPES, of=WIDE)
TABLE("attention", functional.scaled_dot_product_attention, *SHAPES, "bool[6,6]+", of=WIDE)
TABLE("attention", functional.scaled_dot_product_attention, *SHAPES, "T[2,1,6,6]", of=WIDE)
TABLE("attention", lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, scale=0.5), *SHAPES, of=WIDE)
TABLE(
    "attention",
    lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, enable_gqa=True),
    *("f32[2,4,6,8]", "f32[2,2,6,8]", "f32[2,2,6,8]"),
)
for name in ("inv", "det", "cholesky", "qr", "svd", "eigh"):
    function = getattr(torch.linalg, name)
    TABLE(name, lambda x, f=function: f(x @ x.t() + torch.eye(4)), "f32[4,4]")
TABLE("solve", lambda x, y: torch.linalg.solve(x @ x.t() + torch.eye(4), y), "f32[4,4]", "f32[4,2]")
TABLE(
    "solve_triangular",
    lambda x, y: torch.linalg.solve_triangular(x.tril() + 4 * torch.eye(4), y, upper=False),
    *("f32[4,4]", "f32[4,2]"),
)
TABLE("matrix_power", lambda x: torch.linalg.matrix_power(x, 3), "f32[4,4]")
TABLE("view_as_complex", lambda x: (torch.view_as_complex(x) * torch.view_as_complex(x)).real, "T[3,5,2]", of=WIDE)
TABLE("complex", lambda x, y: torch.view_as_real(torch.complex(x, y) + 1), "T[3,5]", "T[3,5]", of=WIDE)
TABLE("complex.abs", lambda x, y: torch.complex(x, y).abs(), "T[3,5]", "T[3,5]", of=WIDE)
TABLE("polar", lambda x, y: torch.view_as_real(torch.polar(x, y)), "f32[3,5]+", "f32[3,5]")
TABLE("fft", lambda x: torch.view_as_real(torch.fft.rfft(x)), "f32[3,8]")


def conditional(x):
    """One of two functions, as the sum says."""
    return torch.cond(x.sum() > 0, lambda y: y.sin(), lambda y: y.cos(), (x,))


def repeated(x):
    """Doubled while it is small."""
    return torch.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * 2), (torch.tensor(0), x))[1]


def unrolled(x):
    """A loop that tracing unrolls."""
    for number in range(3):
        x = x * 0.5 + number
    return x


def recurrence(x, weight):
    """A recurrent network of three steps."""
    state = torch.zeros(x.shape[1], weight.shape[0], dtype=x.dtype)
    for step in x.unbind(0):
        state = torch.tanh(step + state @ weight)
    return state


TABLE("cond", conditional, "T[3,5]", of=WIDE)
TABLE("while_loop", repeated, "T[3,5]", of=WIDE)
TABLE("loop", unrolled, "T[n,5]", of=WIDE)
TABLE("recurrence", recurrence, "T[3,2,4]", "T[4,4]", of=WIDE)
