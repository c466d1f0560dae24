"""Cases of convolutions, pooling and resizing."""

from __future__ import annotations

import torch
from operator_case import FLOATS, WIDE, Table
from torch.nn import functional

TABLE = Table()

TABLE("conv1d", functional.conv1d, "T[2,3,9]", "T[4,3,3]", "T[4]", of=FLOATS)
TABLE("conv1d", lambda x, w: functional.conv1d(x, w, stride=2, padding=1), "T[2,3,9]", "T[4,3,3]", of=WIDE)
TABLE("conv1d", lambda x, w: functional.conv1d(x, w, groups=3), "T[2,3,9]", "T[6,1,3]", of=WIDE)
TABLE("conv1d", lambda x, w: functional.conv1d(x, w, padding="same", dilation=2), "f32[2,3,9]", "f32[4,3,3]")
TABLE("conv1d", lambda x, w: functional.conv1d(x, w, padding=3), "f32[n,3,9]", "f32[4,3,4]")
TABLE("conv2d", functional.conv2d, "T[2,3,7,8]", "T[4,3,3,3]", "T[4]", of=FLOATS)
TABLE("conv2d", lambda x, w: functional.conv2d(x, w, stride=2, padding=1), "T[2,3,7,8]", "T[4,3,3,3]", of=WIDE)
TABLE("conv2d", lambda x, w: functional.conv2d(x, w, stride=(2, 1), padding=(0, 2)), "f32[2,3,7,8]", "f32[4,3,3,3]")
TABLE("conv2d", lambda x, w: functional.conv2d(x, w, dilation=2), "T[2,3,7,8]", "T[4,3,3,3]", of=WIDE)
TABLE("conv2d", lambda x, w: functional.conv2d(x, w, groups=3), "T[2,3,7,8]", "T[3,1,3,3]", of=WIDE)
TABLE("conv2d", lambda x, w: functional.conv2d(x, w, groups=3, padding=1), "T[2,3,7,8]", "T[6,1,3,3]", of=WIDE)
TABLE("conv2d", lambda x, w: functional.conv2d(x, w, groups=2), "T[2,4,7,8]", "T[6,2,3,3]", of=WIDE)
TABLE("conv2d", functional.conv2d, "T[2,3,7,8]", "T[4,3,1,1]", of=WIDE)
TABLE("conv2d", lambda x, w: functional.conv2d(x, w, stride=4), "T[1,3,16,16]", "T[8,3,4,4]", of=WIDE)
TABLE("conv2d", functional.conv2d, "f32[n,3,7,8]", "f32[4,3,3,3]")
TABLE("conv2d", functional.conv2d, "f32[3,7,8]", "f32[4,3,3,3]")
TABLE(
    "conv2d", lambda x, w: functional.conv2d(x.to(memory_format=torch.channels_last), w), "f32[2,3,7,8]", "f32[4,3,3,3]"
)
TABLE("conv3d", functional.conv3d, "T[2,3,4,5,6]", "T[4,3,2,3,3]", "T[4]", of=WIDE)
TABLE("conv3d", lambda x, w: functional.conv3d(x, w, stride=2, padding=1), "f32[2,3,4,5,6]", "f32[4,3,3,3,3]")
TABLE("conv3d", lambda x, w: functional.conv3d(x, w, groups=3), "f32[2,3,4,5,6]", "f32[3,1,2,2,2]")
TABLE("conv_transpose1d", functional.conv_transpose1d, "T[2,3,6]", "T[3,4,3]", "T[4]", of=WIDE)
TABLE("conv_transpose1d", lambda x, w: functional.conv_transpose1d(x, w, stride=2), "T[2,3,6]", "T[3,4,3]", of=WIDE)
TABLE("conv_transpose2d", functional.conv_transpose2d, "T[2,3,5,6]", "T[3,4,3,3]", "T[4]", of=WIDE)
TABLE(
    "conv_transpose2d",
    lambda x, w: functional.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
    *("T[2,3,5,6]", "T[3,4,3,3]"),
    of=WIDE,
)
TABLE("conv_transpose2d", lambda x, w: functional.conv_transpose2d(x, w, dilation=2), "f32[2,3,5,6]", "f32[3,4,3,3]")
TABLE("conv_transpose2d", lambda x, w: functional.conv_transpose2d(x, w, groups=2), "f32[2,4,5,6]", "f32[4,3,3,3]")
TABLE("conv_transpose2d", lambda x, w: functional.conv_transpose2d(x, w, groups=4), "f32[2,4,5,6]", "f32[4,1,3,3]")
TABLE("conv_transpose3d", functional.conv_transpose3d, "f32[2,3,3,4,3]", "f32[3,2,2,2,2]")
TABLE("conv_transpose3d", lambda x, w: functional.conv_transpose3d(x, w, stride=2), "f32[2,3,3,4,3]", "f32[3,2,2,2,2]")

TABLE("max_pool1d", lambda x: functional.max_pool1d(x, 3), "T[2,3,9]", of=WIDE)
TABLE("max_pool1d", lambda x: functional.max_pool1d(x, 3, 1, 1), "T[2,3,9]", of=WIDE)
TABLE("max_pool2d", lambda x: functional.max_pool2d(x, 2), "T[2,3,6,8]", of=FLOATS)
TABLE("max_pool2d", lambda x: functional.max_pool2d(x, 3, 2, 1), "T[2,3,7,8]", of=WIDE)
TABLE("max_pool2d", lambda x: functional.max_pool2d(x, (2, 3), (1, 2)), "f32[2,3,7,8]")
TABLE("max_pool2d", lambda x: functional.max_pool2d(x, 3, 1, dilation=2), "f32[2,3,7,8]")
TABLE("max_pool2d", lambda x: functional.max_pool2d(x, 3, 2, ceil_mode=True), "T[2,3,8,8]", of=WIDE)
TABLE("max_pool2d", lambda x: functional.max_pool2d(x, 2, return_indices=True), "T[2,3,6,8]d", of=WIDE)
TABLE("max_pool2d", lambda x: functional.max_pool2d(x, 2), "f32[n,3,6,8]")
TABLE("max_pool3d", lambda x: functional.max_pool3d(x, 2), "T[2,3,4,6,4]", of=WIDE)
TABLE("max_pool3d", lambda x: functional.max_pool3d(x, 3, 2, 1), "f32[2,3,5,6,4]")
TABLE("avg_pool1d", lambda x: functional.avg_pool1d(x, 3), "T[2,3,9]", of=WIDE)
TABLE("avg_pool1d", lambda x: functional.avg_pool1d(x, 3, 1, 1), "T[2,3,9]", of=WIDE)
TABLE("avg_pool2d", lambda x: functional.avg_pool2d(x, 2), "T[2,3,6,8]", of=FLOATS)
TABLE("avg_pool2d", lambda x: functional.avg_pool2d(x, 3, 2, 1), "T[2,3,7,8]", of=WIDE)
TABLE("avg_pool2d", lambda x: functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), "T[2,3,7,8]", of=WIDE)
TABLE("avg_pool2d", lambda x: functional.avg_pool2d(x, 3, 2, ceil_mode=True), "f32[2,3,8,8]")
TABLE("avg_pool2d", lambda x: functional.avg_pool2d(x, 3, divisor_override=5), "f32[2,3,6,6]")
TABLE("avg_pool3d", lambda x: functional.avg_pool3d(x, 2), "T[2,3,4,6,4]", of=WIDE)
TABLE("lp_pool2d", lambda x: functional.lp_pool2d(x, 2, 2), "f32[2,3,6,8]")
for name in ("adaptive_avg_pool", "adaptive_max_pool"):
    one, two = (getattr(functional, f"{name}{rank}d") for rank in (1, 2))
    TABLE(f"{name}1d", lambda x, f=one: f(x, 3), "T[2,3,9]", of=WIDE)
    TABLE(f"{name}2d", lambda x, f=two: f(x, (2, 4)), "T[2,3,6,8]", of=WIDE)
    TABLE(f"{name}2d", lambda x, f=two: f(x, 1), "T[2,3,6,8]", of=WIDE)
    TABLE(f"{name}2d", lambda x, f=two: f(x, (3, 3)), "f32[2,3,7,8]")
TABLE("adaptive_avg_pool3d", lambda x: functional.adaptive_avg_pool3d(x, 1), "f32[2,3,4,4,4]")
TABLE("fold", lambda x: functional.fold(x, (4, 5), 2), "f32[2,12,12]")
TABLE("im2col", lambda x: functional.unfold(x, 2), "T[2,3,4,5]", of=WIDE)
for mode in ("nearest", "bilinear", "bicubic", "area", "nearest-exact"):
    TABLE(f"upsample_{mode}", lambda x, m=mode: functional.interpolate(x, scale_factor=2, mode=m), "f32[2,3,4,5]")
    TABLE(f"upsample_{mode}", lambda x, m=mode: functional.interpolate(x, (7, 6), mode=m), "f32[2,3,4,5]")
TABLE(
    "upsample_bilinear",
    lambda x: functional.interpolate(x, (7, 6), mode="bilinear", align_corners=True),
    "T[2,3,4,5]",
    of=WIDE,
)
TABLE("upsample_linear", lambda x: functional.interpolate(x, 7, mode="linear"), "f32[2,3,4]")
TABLE("upsample_nearest1d", lambda x: functional.interpolate(x, scale_factor=2), "T[2,3,4]", of=WIDE)
TABLE(
    "grid_sample", lambda x, g: functional.grid_sample(x, g, align_corners=False), "T[2,3,4,5]", "T[2,3,3,2]u", of=WIDE
)
TABLE("affine_grid", lambda t: functional.affine_grid(t, [2, 3, 4, 5], align_corners=False), "f32[2,2,3]")
