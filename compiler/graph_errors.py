"""What torch.export and torch-mlir refuse, said with the operation and its line of torch source."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

import torch

from ..errors import GraphError


def export_error(error: Exception) -> GraphError:
    """Say what torch.export refused, with the line of torch source that it was at."""
    text = (
        re.split(r"\n\s*\n|\nFor more information|\nCaused by", str(error).strip())[0].strip() or type(error).__name__
    )
    frames = re.findall(r'File "([^"]+)", line (\d+), in', str(error))
    frames += [(file, line) for file, line in _frames(error) if "/torch/" not in file and Path(file).is_file()]
    where = _source_line(*frames[-1]) if frames else ""
    return GraphError(f"torch.export: {text}{where}")


def _frames(error: BaseException) -> list[tuple[str, str]]:
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame.f_code.co_filename, str(traceback.tb_lineno)))
        traceback = traceback.tb_next
    here = str(Path(__file__).parent)
    return [frame for frame in frames if not frame[0].startswith(here)]


def lowering_error(
    messages: list[tuple[str, str]], graph_module: torch.fx.GraphModule, failure: Exception | None
) -> GraphError:
    """Name the operation that torch-mlir could not lower: `messages` are locations and texts of its diagnostics."""
    for location, message in messages:
        named = re.search(r"'torch\.((?:aten|prims?|prim)\.[\w.]+)'", message) or re.search(
            r'name = "torch\.([\w.]+)"', message
        )
        where = re.search(r'"([^"]+)":(\d+)', location)
        if named is not None:
            operation = named.group(1)
            for node in graph_module.graph.nodes:
                trace = node.meta.get("stack_trace") or ""
                if str(node.target) in (operation, f"{operation}.default") and (
                    where is None or f'"{where.group(1)}", line {where.group(2)}' in trace
                ):
                    return GraphError(f"{describe(node)}: torch-mlir cannot lower it to linalg", operation)
            line = _source_line(*where.groups()) if where is not None else ""
            return GraphError(f"operation {operation}{line}: torch-mlir cannot lower it to linalg", operation)
    text = "; ".join(message.split("\n")[0][:300] for _, message in messages) or str(failure)
    places = [place for place in (re.search(r'"([^"]+)":(\d+)', location) for location, _ in messages) if place]
    for node in graph_module.graph.nodes:
        trace = node.meta.get("stack_trace") or ""
        there = any(f'"{place.group(1)}", line {place.group(2)}' in trace for place in places)
        if there and node.op == "call_function" and _is_complex(node):
            return GraphError(f"{describe(node)}: torch-mlir cannot lower complex numbers here: {text}")
    line = _source_line(*places[0].groups()) if places else ""
    return GraphError(f"torch-mlir cannot lower the graph to linalg{line}: {text}")


def import_error(graph_module: torch.fx.GraphModule, error: Exception) -> GraphError:
    """Name the node at which torch-mlir's importer stopped: the frames of its traceback hold it."""
    traceback, node = error.__traceback__, None
    while traceback is not None:
        candidate = traceback.tb_frame.f_locals.get("node")
        if isinstance(candidate, torch.fx.Node) and candidate.op == "call_function":
            node = candidate
        traceback = traceback.tb_next
    what = describe(node) if node is not None else "the graph"
    text = str(error).strip().split("\n")[0] or type(error).__name__
    operation = str(node.target).removesuffix(".default") if node is not None else ""
    return GraphError(f"{what}: torch-mlir cannot import it: {text}", operation)


def _is_complex(node: torch.fx.Node) -> bool:
    """Tell whether a node takes or makes a tensor of complex numbers."""
    values = [operand.meta.get("val") for operand in (node, *node.all_input_nodes)]
    return any(isinstance(value, torch.Tensor) and value.is_complex() for value in values)


def describe(node: torch.fx.Node) -> str:
    """Return a node's operation and the line of torch source that it comes from."""
    name = str(node.target).removeprefix("<built-in function ").removesuffix(">")
    return f"operation {name}{source_of(node.meta.get('stack_trace'))}"


def source_of(stack_trace: str | None) -> str:
    """Return ` (file:line: source text)` of the innermost frame of a stack trace, "" where there is none."""
    frames = re.findall(r'File "([^"]+)", line (\d+)', stack_trace or "")
    return _source_line(*frames[-1]) if frames else ""


def _source_line(file: str, line: str) -> str:
    """Return ` (file:line: source text)`, without the text where the file cannot be read."""
    text = linecache.getline(file, int(line)).strip()
    return f" ({file}:{line}: {text})" if text else f" ({file}:{line})"
