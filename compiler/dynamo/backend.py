"""The backend `slipstick` of `torch.compile`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import torch
from torch._dynamo.backends.common import aot_autograd
from torch._functorch import config as functorch_config
from torch._functorch.partitioners import default_partition, min_cut_rematerialization_partition
from torch.fx import GraphModule
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...errors import ArgumentError
from ..decompositions import decomposition_table
from ..index_copy import INDEX_COPY
from .attention import FLASH, attention
from .graph_compiler import GraphCompiler
from .optimiser_operations import optimiser_operations
from .options import TorchCompileOptions

MODES: Final = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
"""What `torch.compile` calls the modes of inductor."""


class TorchBackend:
    """What `torch.compile(model, backend="slipstick", options={...})` calls with each graph that dynamo captures.

    `options` are the fields of `TorchCompileOptions`. The graph is made functional, differentiated where gradients are
    asked for, and compiled in parts: what slipstick cannot compile is run by torch, with a warning that names it, as
    are random operations, without one. Parameters may change between calls; sizes that dynamo calls dynamic, too.
    """

    __name__ = "slipstick"

    def __call__(
        self,
        module: GraphModule,
        inputs: Sequence[Any],
        *,
        options: Mapping[str, Any] | None = None,
        mode: str | None = None,
    ) -> Callable[..., Any]:
        """Return what runs the graph `module`.

        `mode` is one of inductor's, which others hand on (`model.generate` of transformers always does): it changes
        nothing but for a warning. Raises `ArgumentError` for another one and for options that cannot be meant, and
        `GraphError` where something cannot be compiled and `fallback` is False; `torch.compile` shows either inside an
        error of its own.
        """
        if mode is not None and mode not in MODES:
            raise ArgumentError(f"mode: expected none with the backend slipstick, found {mode!r}")
        if mode is not None:
            warnings.warn(f"mode {mode!r} is inductor's: it changes nothing with the backend slipstick", stacklevel=2)
        return compile_graph(module, inputs, TorchCompileOptions.of(options))

    def __repr__(self) -> str:
        return "slipstick.torch_backend"


def compile_graph(module: GraphModule, inputs: Sequence[Any], options: TorchCompileOptions) -> Callable[..., Any]:
    """Return what runs a graph of dynamo; `inputs` are those of the call that it was captured for."""
    compiler = GraphCompiler(options)
    # What an exact backward graph computes again of an L-Mul forward pass would be another value: all is kept then.
    partition = default_partition if options.approximates_forward_alone else min_cut_rematerialization_partition
    differentiate = aot_autograd(
        fw_compiler=compiler.forward,
        bw_compiler=compiler.backward,
        inference_compiler=compiler.inference,
        partition_fn=partition,
        decompositions=_table(),
        keep_inference_input_mutations=True,
    )
    # Nothing is written over what the backward graph reads, so that it may run twice (`retain_graph=True`).
    with _differentiable_attention(inputs), functorch_config.patch(donated_buffer=False):
        run: Callable[..., Any] = differentiate(module, inputs)
    return run


def _table() -> dict[Any, Any]:
    """Return what operations are taken apart into; copies to places of a cache are not, which the lowering knows."""
    table = {operation: how for operation, how in decomposition_table().items() if INDEX_COPY not in str(operation)}
    return {**table, **optimiser_operations(), FLASH: attention}


def _differentiable_attention(inputs: Sequence[Any]) -> AbstractContextManager[None]:
    """Let attention be traced as matrix products where it is differentiated: only torch can run its own backward."""
    wanted = any(isinstance(one, torch.Tensor) and one.requires_grad for one in inputs)
    return sdpa_kernel(SDPBackend.MATH) if wanted and torch.is_grad_enabled() else nullcontext()


torch_backend = TorchBackend()
"""The one backend; it keeps nothing between calls."""
