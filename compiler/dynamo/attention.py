"""Attention of aot_autograd's graphs as the operation that the lowering knows."""

from __future__ import annotations

import operator

import torch
from torch.fx import Graph

_ATEN = torch.ops.aten
FLASH = _ATEN._scaled_dot_product_flash_attention_for_cpu.default


def restore_attention(graph: Graph) -> None:
    """Rewrite torch's kernel for CPUs to the operation it computes, wherever its first result alone is read."""
    for node in graph.nodes:
        if node.target is not FLASH:
            continue
        if any(user.target is not operator.getitem or user.args[1] != 0 for user in node.users):
            continue
        query, key, value, *rest = node.args
        dropout, causal = (*rest, 0.0, False)[:2] if len(rest) < 2 else rest[:2]
        options = {"scale": node.kwargs["scale"]} if node.kwargs.get("scale") is not None else {}
        mask = node.kwargs.get("attn_mask")
        with graph.inserting_before(node):
            whole = graph.call_function(
                _ATEN.scaled_dot_product_attention.default, (query, key, value, mask, dropout, causal), options
            )
        whole.meta = dict(node.meta)
        whole.meta["val"] = node.meta["val"][0]
        for user in list(node.users):
            user.replace_all_uses_with(whole)
            graph.erase_node(user)
        graph.erase_node(node)
