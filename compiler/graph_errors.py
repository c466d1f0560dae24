"""What torch.export and torch-mlir refuse, said with the operation and its line of torch source."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

import torch
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from ..errors import GraphError

_MOST_NAMES = 8
"""Operations that a message names where it is not known which of them was refused."""


def export_error(error: Exception) -> GraphError:
    """Say what torch.export refused, with the line of torch source that it was at."""
    text = (
        re.split(r"\n\s*\n|\nFor more information|\nCaused by", str(error).strip())[0].strip() or type(error).__name__
    )
    operation = _frames(error)[0].removesuffix(".default")
    what = f"operation {operation}: " if operation else ""
    if isinstance(error, GuardOnDataDependentSymNode):
        what = "control flow that depends on the values of a tensor cannot be compiled: "
    return GraphError(f"torch.export: {what}{_advised(text)}{innermost_line(error)}", operation)


def _advised(text: str) -> str:
    """Return what torch said, and what to do about it where that is known and torch's own advice does not fit."""
    unknown = re.match(r"Found <class '.*?([^.']+)'> in output, which is not a known type", text)
    if unknown is not None:
        name = unknown.group(1)
        return (
            f"the result is of a type that torch does not take apart: {name}; "
            f"torch.export.register_dataclass({name}) makes a dataclass known"
        )
    if "to be on the same device" in text:
        return f"{text} Expected the module and its inputs on the CPU."
    return text


def innermost_line(error: BaseException) -> str:
    """Return ` (file:line: source text)` of the user's line that an error comes from, "" where there is none."""
    frames = re.findall(r'File "([^"]+)", line (\d+), in', str(error)) + _frames(error)[1]
    # The modules of torch, such as a layer in an nn.Sequential, count where no other source is near.
    own = [frame for frame in frames if "/torch/" not in frame[0]] or [f for f in frames if "/torch/nn/" in f[0]]
    return _source_line(*own[-1]) if own else ""


def _frames(error: BaseException) -> tuple[str, list[tuple[str, str]]]:
    """Return the operation that torch was tracing, "" for none, and the files and lines outside of this package."""
    operation, frames = "", []
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        called = frame.f_locals.get("func")
        if isinstance(called, torch._ops.OpOverload):
            operation = str(called)
        frames.append((frame.f_code.co_filename, str(traceback.tb_lineno)))
        traceback = traceback.tb_next
    here = str(Path(__file__).parent)
    return operation, [frame for frame in frames if not frame[0].startswith(here) and Path(frame[0]).is_file()]


def lowering_error(
    messages: list[tuple[str, str]], graph_module: torch.fx.GraphModule, failure: Exception | None
) -> GraphError:
    """Name the operation that torch-mlir could not lower: `messages` are locations and texts of its diagnostics."""
    # The code of branches, and of loops' bodies, is in modules inside; what torch made of it is in no file.
    graphs = [module.graph for module in graph_module.modules() if isinstance(module, torch.fx.GraphModule)]
    nodes = [node for graph in graphs for node in graph.nodes]
    for location, message in messages:
        named = re.search(r"'torch\.((?:aten|prims?|prim)\.[\w.]+)'", message) or re.search(
            r'name = "torch\.([\w.]+)"', message
        )
        where = re.search(r'"([^"<]+)":(\d+)', location)
        if named is not None:
            operation = named.group(1)
            for node in nodes:
                trace = node.meta.get("stack_trace") or ""
                if str(node.target) in (operation, f"{operation}.default") and (
                    where is None or f'"{where.group(1)}", line {where.group(2)}' in trace
                ):
                    return GraphError(f"{describe(node)}: torch-mlir cannot lower it to linalg", operation)
            line = _source_line(*where.groups()) if where is not None else ""
            return GraphError(f"operation {operation}{line}: torch-mlir cannot lower it to linalg", operation)
    # Behind an operation's name its text follows, which is MLIR.
    text = "; ".join(re.split(r"\n|: %\d", message)[0][:300] for _, message in messages) or str(failure)
    places = [place for place in (re.search(r'"([^"<]+)":(\d+)', location) for location, _ in messages) if place]
    there = [node for node in nodes if node.op == "call_function" and _is_at(node, places)]
    for node in there:
        if _is_complex(node):
            return GraphError(f"{describe(node)}: torch-mlir cannot lower complex numbers here: {text}")
    if len(there) == 1:
        operation = str(there[0].target).removesuffix(".default")
        return GraphError(f"{describe(there[0])}: torch-mlir cannot lower it to linalg: {text}", operation)
    line = _source_line(*places[0].groups()) if places else ""
    names = ", ".join(dict.fromkeys(str(node.target).removesuffix(".default") for node in there[:_MOST_NAMES]))
    what = f"one of the operations {names}" if names else "the graph"
    return GraphError(f"torch-mlir cannot lower {what} to linalg{line}: {text}")


def _is_at(node: torch.fx.Node, places: list[re.Match[str]]) -> bool:
    """Tell whether a node comes from one of the places, matches of file and line."""
    trace = node.meta.get("stack_trace") or ""
    return any(f'"{place.group(1)}", line {place.group(2)}' in trace for place in places)


def import_error(graph_module: torch.fx.GraphModule, error: Exception) -> GraphError:
    """Name the node at which torch-mlir's importer stopped: the frames of its traceback hold it."""
    traceback, node, given = error.__traceback__, None, ""
    while traceback is not None:
        candidate = traceback.tb_frame.f_locals.get("node")
        if isinstance(candidate, torch.fx.Node):
            node = candidate if candidate.op == "call_function" else node
            given = candidate.name if candidate.op == "placeholder" else given
        traceback = traceback.tb_next
    what = describe(node) if node is not None else f"input {given}" if given else "the graph"
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
    """Return ` (file:line: source text)` of the innermost frame of a stack trace, "" where there is none.

    Code that torch made while it traced, such as the call of a branch, is in no file: `<eval_with_key>`.
    """
    frames = re.findall(r'File "([^"<]+)", line (\d+)', stack_trace or "")
    return _source_line(*frames[-1]) if frames else ""


def _source_line(file: str, line: str) -> str:
    """Return ` (file:line: source text)`, without the text where the file cannot be read."""
    text = linecache.getline(file, int(line)).strip()
    return f" ({file}:{line}: {text})" if text else f" ({file}:{line})"
