"""The page of the Python API: signatures and docstrings of what the package exports, read from the sources."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HEAD = """# Python API

What `import slipstick` offers, with the docstrings of the sources, from which this page is written when the site is
built. A name is loaded when it is first used: `import slipstick` alone does not import torch.

"""
GROUPS: Final = {
    "Compiling": ("compile", "CompiledModule", "CompileOptions", "SkipPaths", "Target", "load", "LossAndGradients"),
    "torch.compile": (
        "torch_backend",
        "TorchCompileOptions",
        "explain",
        "Explanation",
        "GraphReport",
        "FallbackWarning",
    ),
    "L-Mul": ("LMul", "lmul", "lmul_matmul"),
    "Text generation": ("generate", "Generator", "Generation", "GenerationTiming", "Sampling", "SkipSchedule"),
    "Cost model": ("predict",),
    "Memory": ("memory_statistics", "MemoryStatistics"),
    "Errors": ("SlipstickError", "ArgumentError", "GraphError", "IRError", "PipelineError", "CodegenError"),
}
"""Every exported name, in the order of the page."""

Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def page(root: Path) -> str:
    """Return the page as Markdown; `root` is the repository. Raises KeyError for an export that stands in no group."""
    where = exports(root)
    ungrouped = where.keys() - {name for names in GROUPS.values() for name in names}
    if ungrouped:
        raise KeyError(f"GROUPS: {', '.join(sorted(ungrouped))}")
    lines = [_HEAD]
    for title, names in GROUPS.items():
        lines.append(f"## {title}\n")
        for name in names:
            lines += _entry(name, where[name], root)
    return "\n".join(lines) + "\n"


def exports(root: Path) -> dict[str, str]:
    """Return the exported names with the modules that define them, `compiler.api` say."""
    tree = ast.parse((root / "__init__.py").read_text("utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    known = {alias.asname or alias.name: node.module or "" for node in imported for alias in node.names}
    public = next(n.value for n in tree.body if isinstance(n, ast.Assign) and _is_called(n, "__all__"))
    return {name: known[name] for name in ast.literal_eval(public)}


def _entry(name: str, module: str, root: Path) -> Iterator[str]:
    body = ast.parse((root / (module.replace(".", "/") + ".py")).read_text("utf-8")).body
    node, text = _definition(body, name)
    yield f"### `slipstick.{name}`\n"
    if isinstance(node, ast.FunctionDef):
        yield from _function(node, f"slipstick.{name}")
    elif isinstance(node, ast.ClassDef):
        yield from _class(node, f"slipstick.{name}")
    else:
        yield text + "\n"
        cls, _ = _definition(body, ast.unparse(node.value).partition("(")[0] if node.value else name)
        if isinstance(cls, ast.ClassDef):
            yield from _class(cls, f"slipstick.{name}")


def _definition(body: list[ast.stmt], name: str) -> tuple[Definition, str]:
    """Return what defines a name, and the string that stands behind it."""
    for number, node in enumerate(body):
        found = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
        if found or (isinstance(node, ast.Assign | ast.AnnAssign) and _is_called(node, name)):
            assert isinstance(node, Definition)
            return node, _string(body[number + 1]) if number + 1 < len(body) else ""
    raise KeyError(name)


def _is_called(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _function(node: ast.FunctionDef, shown: str) -> Iterator[str]:
    yield f"```python\n{_signature(node, shown)}\n```\n"
    yield (ast.get_docstring(node) or "") + "\n"


def _class(node: ast.ClassDef, shown: str) -> Iterator[str]:
    yield (ast.get_docstring(node) or "") + "\n"
    fields = [_field(node.body, number) for number in range(len(node.body))]
    found = [one for one in fields if one is not None]
    if found:
        yield "| field | default | |"
        yield "| --- | --- | --- |"
        yield from (f"| `{name}: {_cell(type_)}` | {default} | {_cell(text)} |" for name, type_, default, text in found)
        yield ""
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and _is_public(method):
            decorators = {ast.unparse(one) for one in method.decorator_list}
            if "property" in decorators:
                result = f": {ast.unparse(method.returns)}" if method.returns else ""
                yield f"```python\n{shown.rpartition('.')[2]}.{method.name}{result}\n```\n"
            else:
                yield f"```python\n{_signature(method, _called(method.name, shown))}\n```\n"
            yield (ast.get_docstring(method) or "") + "\n"


def _field(body: list[ast.stmt], number: int) -> tuple[str, str, str, str] | None:
    """Return a field's name, type, default and docstring; None for what is no public field."""
    node = body[number]
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.target.id.startswith("_"):
        return None
    text = _string(body[number + 1]) if number + 1 < len(body) else ""
    default = f"`{_cell(ast.unparse(node.value))}`" if node.value is not None else ""
    return node.target.id, ast.unparse(node.annotation), default, " ".join(text.split())


def _is_public(method: ast.FunctionDef) -> bool:
    return method.name in ("__init__", "__call__") or not method.name.startswith("_")


def _called(method: str, shown: str) -> str:
    name = shown.rpartition(".")[2]
    return {"__init__": shown, "__call__": name}.get(method, f"{name}.{method}")


def _signature(node: ast.FunctionDef, shown: str) -> str:
    """Return a signature, on one line where that is short."""
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + [*args.defaults]
    parts = [_argument(one, default) for one, default in zip(positional, defaults, strict=True)]
    parts = parts[1:] if positional and positional[0].arg in ("self", "cls") else parts
    if args.vararg is not None:
        parts.append("*" + _argument(args.vararg, None))
    elif args.kwonlyargs:
        parts.append("*")
    parts += [_argument(one, default) for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.kwarg is not None:
        parts.append("**" + _argument(args.kwarg, None))
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None and node.name != "__init__" else ""
    line = f"{shown}({', '.join(parts)}){result}"
    if len(line) <= 100:
        return line
    return f"{shown}(\n" + "".join(f"    {part},\n" for part in parts) + f"){result}"


def _argument(node: ast.arg, default: ast.expr | None) -> str:
    text = node.arg if node.annotation is None else f"{node.arg}: {ast.unparse(node.annotation)}"
    if default is None:
        return text
    return f"{text}{' = ' if node.annotation is not None else '='}{ast.unparse(default)}"


def _string(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return inspect.cleandoc(node.value.value)
    return ""


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
