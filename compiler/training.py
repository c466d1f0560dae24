"""The loss of a module and its gradients: forward and backward in one graph, compiled as every other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree

from ..errors import ArgumentError, GraphError, SlipstickError
from .call_form import CallForm
from .complex_pairs import without_complex
from .data_reads import DataReads
from .frontend import Imported, export_module, import_program
from .graph_errors import innermost_line
from .own_backwards import AppliedFunction, untraceable
from .retrace import retrace

Loss = Callable[[Any], torch.Tensor]
"""From what the module returns to one number, a tensor of no dimensions."""
Hook = Callable[[torch.Tensor], torch.Tensor | None]
"""From the gradient of a tensor to what takes its place; `None`: it stays."""


class LossAndGradients(torch.nn.Module):
    """A training step of `module`: called as it is called, returns `(loss, gradients)`.

    `loss` makes one number of what the module returns; by default that is the result itself or its attribute `loss`, as
    models of transformers given `labels` have it. `trainable` are the names of the parameters to differentiate by, or a
    predicate of names; by default those with `requires_grad`. `gradients` is a dictionary from their names to tensors
    of the parameters' shapes; a parameter on which the loss does not depend is not in it, as torch leaves its `grad`
    at `None`.

    Compiled, it is one graph, forward and backward, over the parameters of `module` as they are at each call:

        step = slipstick.compile(slipstick.LossAndGradients(model), (), {"input_ids": ids, "labels": ids})
        loss, gradients = step(input_ids=ids, labels=ids)
        for name, parameter in model.named_parameters():
            parameter.grad = gradients.get(name)
        optimizer.step()

    Raises `ArgumentError` where nothing is trainable or a name is no parameter's; a call, where the loss is no number.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        loss: Loss | None = None,
        trainable: Collection[str] | Callable[[str], bool] | None = None,
    ):
        super().__init__()
        self.module = module
        self.loss = loss
        self.trainable = _trainable(module, trainable)
        """The names of the parameters to differentiate by, in the module's order."""

    def forward(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Compute the loss and the gradients with torch."""
        # Autograd cannot keep tensors made in inference mode.
        args, kwargs = pytree.tree_map(_recordable, (args, kwargs))
        with torch.inference_mode(False), torch.enable_grad(), self.differentiable() as wanted:
            loss = self.number(*args, **kwargs)
            found = torch.autograd.grad(loss, wanted, allow_unused=True)
        named = zip(self.trainable, found, strict=True)
        return loss.detach(), {name: gradient for name, gradient in named if gradient is not None}

    @contextmanager
    def differentiable(self) -> Iterator[list[torch.nn.Parameter]]:
        """Let the parameters to differentiate by require gradients while the block runs, which is given them."""
        parameters = dict(self.module.named_parameters())
        wanted = [parameters[name] for name in self.trainable]
        before = [parameter.requires_grad for parameter in wanted]
        try:
            for parameter in wanted:
                parameter.requires_grad_()
            yield wanted
        finally:
            for parameter, required in zip(wanted, before, strict=True):
                parameter.requires_grad_(required)

    def number(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Compute the loss with torch, as autograd records it: a tensor of no dimensions."""
        return _number(self.module(*args, **kwargs), self.loss)


def import_training_step(
    step: LossAndGradients, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, dynamic_shapes: Any
) -> Imported:
    """Bring a training step to the stage "linalg"; its state has the names that it has in the module trained."""
    return import_program(*step_program(step, args, kwargs, dynamic_shapes))


def step_program(
    step: LossAndGradients, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, dynamic_shapes: Any
) -> tuple[ExportedProgram, CallForm]:
    """Return the program of a training step, forward and backward, and how calls are brought to its form."""
    module = step.module
    calls: list[AppliedFunction] = []
    args, given = pytree.tree_map(_recordable, (args, dict(kwargs or {})))
    with torch.inference_mode(False), step.differentiable() as parameters:
        hooks = {
            name: [*(parameter._backward_hooks or {}).values()]
            for name, parameter in zip(step.trainable, parameters, strict=True)
        }
        program, form = export_module(module, args, given, dynamic_shapes, calls)
        # The program may know a parameter of several names by another one.
        first = {id(parameter): name for name, parameter in module.named_parameters()}
        names = {name: first[id(one)] for name, one in module.named_parameters(remove_duplicate=False)}
        wanted = {name: own for name, own in names.items() if own in step.trainable}
        return joint_program(program, wanted, step.loss, calls, hooks), form


def joint_program(
    program: ExportedProgram,
    wanted: Mapping[str, str],
    loss: Loss | None = None,
    calls: Sequence[AppliedFunction] = (),
    hooks: Mapping[str, Sequence[Hook]] = MappingProxyType({}),
) -> ExportedProgram:
    """Return the program that computes the loss of `program` and its gradients.

    `wanted` are the names of the parameters to differentiate by, and what each is called in the results, which are
    `(loss, {name: gradient})`; `calls` those of custom functions in the graph, and `hooks`, by the names in the
    results, what is done to the parameters' gradients. Inputs and state are those of `program`. Raises `GraphError`
    where torch cannot differentiate the graph or trace a custom function.
    """
    numbers: dict[str, list[int]] = {}
    for number, spec in enumerate(program.graph_signature.input_specs):
        if spec.kind == InputKind.PARAMETER and spec.target in wanted:
            # One parameter may be several of the graph's inputs.
            numbers.setdefault(wanted[spec.target], []).append(number)
    found: dict[str, int] = {}

    def run(values: Sequence[Any]) -> Sequence[Any]:
        # The formulas of torch's fused attention save what only its own backward kernel reads.
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            leaves = [value.detach() if isinstance(value, torch.Tensor) else value for value in values]
            parameters = [leaves[same[0]].requires_grad_() for same in numbers.values()]
            for parameter, (name, same) in zip(parameters, numbers.items(), strict=True):
                for one in same:
                    leaves[one] = parameter
                for hook in hooks.get(name, ()):
                    parameter.register_hook(hook)
            outputs = _Differentiated(program.graph_module).run(*leaves)
            number = _number(pytree.tree_unflatten(list(outputs), program.call_spec.out_spec), loss)
            gradients = torch.autograd.grad(number, parameters, allow_unused=True)
        found.update((name, 0) for name, one in zip(numbers, gradients, strict=True) if one is not None)
        return [number.detach(), *(one for one in gradients if one is not None)]

    # Torch has a formula of its own inside this one, which no later table replaces.
    table = get_decompositions([torch.ops.aten.silu_backward])
    try:
        with DataReads():
            joint = retrace(program, run, lambda: (0, found), composite=False, table=table)
        return without_complex(joint)
    except SlipstickError:
        raise
    except Exception as error:
        refused = untraceable(calls, error)
        if refused is not None:
            raise refused from error
        first = str(error).strip().split("\n")[0] or type(error).__name__
        where = innermost_line(error)
        raise GraphError(f"the backward graph: torch cannot differentiate it: {first}{where}") from error


class _Differentiated(torch.fx.Interpreter):
    """Runs a graph as autograd is to record it, with what it says of regions without gradients."""

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target is not torch.ops.higher_order.wrap_with_set_grad_enabled:
            return super().call_function(target, args, kwargs)
        enabled, region, *operands = args
        with torch.set_grad_enabled(enabled):
            return _Differentiated(region).run(*operands)


def _trainable(module: torch.nn.Module, wanted: Collection[str] | Callable[[str], bool] | None) -> list[str]:
    """Return the names of the parameters to differentiate by, in the module's order."""
    parameters = dict(module.named_parameters())
    if wanted is None:
        names = [name for name, parameter in parameters.items() if parameter.requires_grad]
    elif callable(wanted):
        names = [name for name in parameters if wanted(name)]
    else:
        unknown = sorted(set(wanted) - parameters.keys())
        if unknown:
            raise ArgumentError(f"trainable: expected names of parameters, found {unknown[0]!r}")
        names = [name for name in parameters if name in wanted]
    if not names:
        raise ArgumentError("trainable: expected at least one parameter, found none")
    return names


def _recordable(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.is_inference():
        with torch.inference_mode(False):
            return value.clone()
    return value


def _number(output: Any, loss: Loss | None) -> torch.Tensor:
    """Return the loss of what the module returned."""
    found = loss(output) if loss is not None else getattr(output, "loss", output)
    if not isinstance(found, torch.Tensor):
        raise ArgumentError(f"loss: expected a tensor of no dimensions, found {type(found).__name__}")
    if found.dim() != 0 or not found.is_floating_point():
        kind = str(found.dtype).removeprefix("torch.")
        raise ArgumentError(f"loss: expected a float tensor of no dimensions, found {kind}{list(found.shape)}")
    return found
