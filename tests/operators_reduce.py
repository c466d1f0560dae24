"""Cases of reductions, scans, sorts, normalisations and losses."""

from __future__ import annotations

import torch
from operator_case import FLOATS, NUMBERS, WIDE, Table
from torch.nn import functional

TABLE = Table()

TABLE("sum", lambda x: x.sum(1), "T[n,5]", of=NUMBERS)
TABLE("sum", lambda x: x.sum(), "T[3,5]", of="f32 f16 i64 i8 bool")
TABLE("sum", lambda x: x.sum((0, 2), keepdim=True), "T[3,5,4]", of="f32 bf16 i32 bool")
TABLE("sum", lambda x: x.sum(0, dtype=torch.float64), "T[3,5]", of="f32 i64")
TABLE("mean", lambda x: x.mean(1), "T[n,5]", of=FLOATS)
TABLE("mean", lambda x: x.mean((0, 1)), "T[3,5,2]", of=WIDE)
TABLE("mean", lambda x: x.mean(), "T[3,5]", of="f32 f16")
TABLE("prod", lambda x: x.prod(1), "T[3,5]", of="f32 f64 i64 i32")
TABLE("prod", lambda x: x.prod(), "T[3,5]", of="f32 f64")
for name in ("amax", "amin"):
    function = getattr(torch, name)
    TABLE(name, lambda x, f=function: f(x, 1), "T[n,5]", of=NUMBERS)
    TABLE(name, lambda x, f=function: f(x, (0, 2), keepdim=True), "T[3,5,4]", of="f32 i64")
for name in ("max", "min"):
    function = getattr(torch, name)
    TABLE(name, lambda x, f=function: f(x, 1), "T[n,7]d", of="f32 f64 i64 i32")
    TABLE(name, lambda x, f=function: f(x, 0, keepdim=True), "T[3,7]d", of="f32 f16 i64")
    TABLE(name, getattr(torch, name), "T[3,7]", of="f32 f64 i64 i32 u8")
for name in ("argmax", "argmin"):
    function = getattr(torch, name)
    TABLE(name, lambda x, f=function: f(x, 1), "T[n,7]d", of="f32 f64 f16 i64 i32")
    TABLE(name, getattr(torch, name), "T[3,7]d", of="f32 i64")
for name in ("any", "all"):
    function = getattr(torch, name)
    TABLE(name, lambda x, f=function: f(x, 1), "T[n,5]0", of="bool f32 i64 u8")
    TABLE(name, getattr(torch, name), "T[3,5]0", of="bool f32 i64")
for name in ("var", "std"):
    function = getattr(torch, name)
    TABLE(name, lambda x, f=function: f(x, 1), "T[n,7]", of=WIDE)
    TABLE(name, lambda x, f=function: f(x, (0, 1), correction=0, keepdim=True), "T[3,7]", of=WIDE)
    TABLE(name, getattr(torch, name), "T[3,7]", of="f32")
TABLE("var_mean", lambda x: torch.var_mean(x, 1), "T[3,7]", of=WIDE)
TABLE("std_mean", lambda x: torch.std_mean(x, 1), "T[3,7]", of="f32")
TABLE("logsumexp", lambda x: torch.logsumexp(x, 1), "T[n,5]", of=WIDE)
TABLE("norm", lambda x: torch.linalg.vector_norm(x, 2, 1), "T[3,5]", of=WIDE)
TABLE("norm", lambda x: torch.linalg.vector_norm(x, 3, 1), "T[3,5]", of=WIDE)
TABLE("norm", lambda x: torch.linalg.vector_norm(x, 1), "T[3,5]", of=WIDE)
TABLE("norm", lambda x: torch.linalg.vector_norm(x, float("inf"), 1), "T[3,5]", of=WIDE)
TABLE("norm", lambda x: torch.linalg.vector_norm(x, 0, 1), "T[3,5]0", of=WIDE)
TABLE("norm", lambda x: x.norm(), "T[3,5]", of=WIDE)
TABLE("count_nonzero", torch.count_nonzero, "T[3,5]0", of="f32 i64")
TABLE("aminmax", lambda x: torch.aminmax(x, dim=1), "f32[3,5]")
TABLE("median", lambda x: x.median(1), "f32[3,5]d")
TABLE("kthvalue", lambda x: x.kthvalue(2, 1), "f32[3,5]d")
TABLE("trace", torch.trace, "T[4,4]", of="f32 i64")
TABLE("diff", torch.diff, "T[3,5]", of="f32 i64")

for name in ("cumsum", "cumprod", "logcumsumexp"):
    function = getattr(torch, name)
    dtypes = "f32 f64 f16 i64 i32" if name == "cumsum" else WIDE + " i64" if name == "cumprod" else WIDE
    TABLE(name, lambda x, f=function: f(x, 1), "T[3,5]", of=dtypes)
    TABLE(name, lambda x, f=function: f(x, 0), "T[n,5]", of="f32 f64")
TABLE("cumsum", lambda x: x.cumsum(-2), "T[2,6,3]", of="f32 i64 bool")
TABLE("cumsum", lambda x: x.cumsum(0), "T[33]", of="f32 f64 i64")
TABLE("cumsum", lambda x: x.cumsum(1, dtype=torch.float64), "T[3,5]", of="f32 i64")
TABLE("cummax", lambda x: x.cummax(1), "T[3,5]d", of="f32")
TABLE("cummin", lambda x: x.cummin(1), "T[3,5]d", of="f32")

TABLE("sort", lambda x: x.sort(1), "T[3,7]d", of="f32 f64 i64 i32")
TABLE("sort", lambda x: x.sort(0, descending=True), "T[7,3]d", of="f32 f64 i64")
TABLE("sort", lambda x: x.sort(), "T[9]d", of="f32 f16 i8")
TABLE("sort", lambda x: x.sort(1), "T[n,6]d", of="f32 i64")
TABLE("argsort", lambda x: x.argsort(1), "T[3,7]d", of="f32 i64")
TABLE("topk", lambda x: x.topk(3), "T[3,7]d", of="f32 f64 i64")
TABLE("topk", lambda x: x.topk(2, largest=False), "T[3,7]d", of="f32 i64")
TABLE("topk", lambda x: x.topk(2, dim=0), "T[7,3]d", of="f32")
TABLE("searchsorted", lambda s, x: torch.searchsorted(s.cumsum(0), x), "f32[6]+", "f32[4]+")
TABLE("bucketize", lambda x, s: torch.bucketize(x, s.cumsum(0)), "T[3,4]+", "T[6]+", of="f32 i64")

for name in ("softmax", "log_softmax"):
    function = getattr(torch, name)
    TABLE(name, lambda x, f=function: f(x, 1), "T[n,5]", of=FLOATS)
    TABLE(name, lambda x, f=function: f(x, 0), "T[3,5]", of=WIDE)
    TABLE(name, lambda x, f=function: f(x, 1), "T[2,5,4]", of=WIDE)
TABLE("softmax", lambda x: x.softmax(1, dtype=torch.float32), "T[3,5]", of="f16 bf16")
TABLE("softmin", lambda x: functional.softmin(x, 1), "f32[3,5]")
TABLE("layer_norm", lambda x: functional.layer_norm(x, (8,)), "T[n,8]", of=FLOATS)
TABLE("layer_norm", lambda x, w, b: functional.layer_norm(x, (4, 8), w, b), "T[3,4,8]", "T[4,8]", "T[4,8]", of=WIDE)
TABLE("rms_norm", lambda x, w: functional.rms_norm(x, (8,), w, 1e-6), "T[n,8]", "T[8]", of=FLOATS)
TABLE("group_norm", lambda x, w, b: functional.group_norm(x, 2, w, b), "T[2,4,6]", "T[4]", "T[4]", of=WIDE)
TABLE("group_norm", lambda x: functional.group_norm(x, 4), "f32[2,4,3,3]")
TABLE("instance_norm", functional.instance_norm, "T[2,4,6]", of=WIDE)
TABLE("batch_norm", functional.batch_norm, "T[3,4,5]", "T[4]", "T[4]+", of=WIDE)
TABLE(
    "batch_norm",
    lambda x, m, v, w, b: functional.batch_norm(x, m, v, w, b),
    *("f32[3,4,5,2]", "f32[4]", "f32[4]+", "f32[4]", "f32[4]"),
)
TABLE("batch_norm", lambda x: functional.batch_norm(x, None, None, training=True), "f32[6,4]")
TABLE("normalize", functional.normalize, "T[3,5]", of=WIDE)
TABLE("cosine_similarity", functional.cosine_similarity, "T[3,5]", "T[3,5]", of=WIDE)
TABLE("cdist", torch.cdist, "f32[3,5]", "f32[4,5]")
TABLE("pairwise_distance", functional.pairwise_distance, "f32[3,5]", "f32[3,5]")
for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
    function = getattr(functional, name)
    TABLE(name, getattr(functional, name), "T[3,5]", "T[3,5]", of=WIDE)
    TABLE(name, lambda x, y, f=function: f(x, y, reduction="none"), "f32[3,5]", "f32[3,5]")
TABLE("cross_entropy", functional.cross_entropy, "T[4,6]", "i64[4]<6", of=WIDE)
TABLE("cross_entropy", lambda x, y: functional.cross_entropy(x, y, ignore_index=2), "f32[4,6]", "i64[4]<6")
TABLE("cross_entropy", lambda x, y: functional.cross_entropy(x, y, reduction="none"), "f32[4,6,3]", "i64[4,3]<6")
TABLE("cross_entropy", lambda x, y: functional.cross_entropy(x, y, label_smoothing=0.1), "f32[4,6]", "i64[4]<6")
TABLE("nll_loss", functional.nll_loss, "f32[4,6]", "i64[4]<6")
TABLE("nll_loss", lambda x, y, w: functional.nll_loss(x, y, w), "f32[4,6]", "i64[4]<6", "f32[6]+")
TABLE("kl_div", lambda x, y: functional.kl_div(x, y, reduction="batchmean"), "f32[3,5]", "f32[3,5]+")
TABLE("bce_with_logits", functional.binary_cross_entropy_with_logits, "T[3,5]", "T[3,5]+", of=WIDE)
TABLE("bce", lambda x, y: functional.binary_cross_entropy(x.sigmoid(), y / 4), "f32[3,5]", "f32[3,5]+")
TABLE("hinge", lambda x: functional.hinge_embedding_loss(x, torch.ones(3, 5)), "f32[3,5]")
TABLE("triplet", functional.triplet_margin_loss, "f32[3,5]", "f32[3,5]", "f32[3,5]")
