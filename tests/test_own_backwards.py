"""Training steps whose gradients are not those of the forward formula: custom functions, regions without gradients."""

from __future__ import annotations

import peft
import pytest
import slipstick
import torch
from slipstick import GraphError, LossAndGradients
from slipstick.compiler.training import step_program
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

TABLE = torch.tensor([2.0, 0.5, 1.0])
X = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


class Rounded(Function):
    """Rounds; the gradient passes straight through."""

    @staticmethod
    def forward(ctx, x):
        return x.data.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient.data


round_through = Rounded.apply


class Untrue(Function):
    """Two results, and gradients that are no derivatives; a number between tensors, one with a default behind them."""

    @staticmethod
    def forward(x, factor, scale, power=2):
        return x * scale * factor, (x + scale).pow(power)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.factor, scale, ctx.power = inputs
        ctx.save_for_backward(x, scale)

    @staticmethod
    def backward(ctx, first, second):
        x, scale = ctx.saved_tensors
        return first * scale * 3 + second * ctx.power, None, (first * x * ctx.factor - second).sum(0), None


class Once(Function):
    """Marks a result as not differentiable, cannot be differentiated twice, and makes tensors of its own."""

    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        doubled = x * torch.tensor([2.0, 2.0, 2.0])
        ctx.mark_non_differentiable(doubled)
        return x.square(), doubled

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, nothing):
        assert nothing is None
        (x,) = ctx.saved_tensors
        return gradient * x * TABLE


class Tripled(Function):
    """Writes into its input."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(3)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class Scaled(Function):
    """Reads a parameter of the module that it is given, past its arguments."""

    @staticmethod
    def forward(ctx, x, module):
        ctx.module = module
        return x * module.scale

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.module.scale * 3, None


class Negated(Function):
    """Passes on what it is given, with the opposite gradient."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class Fourier(Function):
    """Complex numbers in both passes."""

    @staticmethod
    def forward(ctx, x):
        return torch.fft.fft(x).real

    @staticmethod
    def backward(ctx, gradient):
        return torch.fft.ifft(torch.fft.fft(gradient.contiguous()) * 2).imag + torch.fft.ifft(gradient).real


class Branching(Function):
    """Its backward pass looks at values."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient if gradient.sum() > 0 else -gradient


class Batched(Function):
    """Can be mapped over a dimension."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x.round()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class Body(nn.Module):
    """The sum of the squares of `body(self, x)`, which reads the parameters `weight` and `scale`, f32 [3]."""

    def __init__(self, body):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.6, 1.7, -2.3]))
        self.scale = nn.Parameter(torch.tensor([1.5, 0.5, 0.25]))
        self.held = [self.weight]
        self.body = body

    def forward(self, x):
        return self.body(self, x).square().sum()


def untrue(m, x):
    first, second = Untrue.apply(x * m.weight, 2.5, m.scale)
    return first + second * m.scale


def in_a_region(m, x):
    with torch.no_grad():
        rounded = round_through(x * m.weight)
        with torch.enable_grad():
            seen = rounded * m.scale * m.weight
        constant = torch.tensor([1.0, 2.0, 3.0]) * rounded
    return seen + constant * m.weight


def written_in_a_region(m, x):
    hidden = (x * m.weight).sin() * 1
    with torch.no_grad():
        hidden.mul_(2)
    return hidden + m.scale * m.weight


def in_inference_mode(m, x):
    with torch.inference_mode():
        hidden = x * m.weight
        with torch.inference_mode(False):
            seen = m.scale * m.weight
    return hidden + seen


def detached_in_place(m, x):
    hidden = (x * m.weight).sin()
    hidden.detach_()
    return hidden * m.scale + m.weight


def a_gradient_inside(m, x):
    hidden = x * m.weight
    first, _ = Once.apply(hidden)
    (gradient,) = torch.autograd.grad((first * m.scale).sum(), hidden)
    return gradient * m.weight


def a_gradient_of_a_gradient(m, x):
    hidden = x * m.weight
    first, _ = Untrue.apply(hidden, 2.0, m.scale)
    (gradient,) = torch.autograd.grad((first * first).sum(), hidden, create_graph=True)
    return gradient * m.weight


EXACT = {
    "straight-through": lambda m, x: Rounded.apply(x * m.weight) * m.scale,
    "apply kept before": lambda m, x: round_through(x * m.weight) * m.scale,
    "not differentiated": lambda m, x: Rounded.apply(x) * m.weight,
    "untrue": untrue,
    "once": lambda m, x: sum(Once.apply(x * m.weight)) * m.scale,
    "dirty": lambda m, x: Tripled.apply((x * m.weight) * 1) * m.scale,
    "of a module": lambda m, x: Scaled.apply(x * m.weight, m) * m.scale,
    "of a held parameter": lambda m, x: Negated.apply(m.held[0]) * x * m.weight,
    "input returned": lambda m, x: Negated.apply(x * m.weight) * m.scale,
    "fourier": lambda m, x: Fourier.apply(x * m.weight) * m.scale,
    "in a checkpoint": lambda m, x: checkpoint(lambda y: round_through(y * m.weight), x, use_reentrant=False) * m.scale,
    "detach": lambda m, x: (x * m.weight).detach() * m.scale + m.weight,
    "detach_": detached_in_place,
    "data": lambda m, x: x * m.weight.data * m.scale + m.weight,
    "no_grad": in_a_region,
    "written in no_grad": written_in_a_region,
    "inference_mode": in_inference_mode,
    "autograd.grad": a_gradient_inside,
    "autograd.grad twice": a_gradient_of_a_gradient,
}


@pytest.mark.parametrize("body", EXACT.values(), ids=EXACT)
def test_the_traced_gradients_are_those_of_torch(body):
    loss, expected = LossAndGradients(Body(body))(X)
    program, _ = step_program(LossAndGradients(Body(body)), (X,), {}, None)
    found_loss, found = program.module()(X)
    torch.testing.assert_close(found_loss, loss)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def hooked(m, x):
    hidden = x * m.weight
    if hidden.requires_grad:
        hidden.register_hook(lambda gradient: gradient * 2)
    return hidden


def hooked_node(m, x):
    hidden = x * m.weight
    hidden.grad_fn.register_hook(lambda inputs, outputs: inputs)
    return hidden


def hooked_module(m, x):
    layer = nn.Identity()
    layer.register_full_backward_hook(lambda module, inputs, outputs: None)
    return layer(x * m.weight)


def saved_otherwise(m, x):
    with torch.autograd.graph.saved_tensors_hooks(lambda saved: saved * 2, lambda saved: saved):
        return (x * m.weight).square()


def accumulated(m, x):
    (x * m.weight).sum().backward()
    return x * m.weight


REFUSED = {
    "branch": (
        lambda m, x: Branching.apply(x * m.weight),
        r"Branching\.backward \(.*test_own_backwards\.py:\d+: return",
    ),
    "vmap": (
        lambda m, x: torch.vmap(Batched.apply)(x * m.weight),
        "custom function Batched .* a transform of torch.func",
    ),
    "hook": (hooked, r"a hook of the backward pass .*py:\d+: hidden.register_hook"),
    "hook of a node": (hooked_node, r"a hook of the backward pass .*py:\d+: hidden.grad_fn.register_hook"),
    "hook of a module": (hooked_module, r"a hook of the backward pass .*py:\d+: return layer"),
    "hooks on what is saved": (saved_otherwise, r"a hook of the backward pass .*py:\d+: with torch.autograd.graph"),
    "backward": (accumulated, r"Tensor.backward inside a forward pass"),
    "reentrant": (lambda m, x: checkpoint(torch.sin, x * m.weight, use_reentrant=True), "expected use_reentrant=False"),
}


@pytest.mark.parametrize("body, message", REFUSED.values(), ids=REFUSED)
def test_what_has_other_gradients_is_refused(body, message):
    with pytest.raises(GraphError, match=message):
        step_program(LossAndGradients(Body(body)), (X,), {}, None)


def test_hooks_of_parameters_change_their_gradients():
    def hooked_parameters():
        module = Body(untrue)
        kept = torch.tensor([0.0, 1.0, 1.0])
        module.scale.register_hook(lambda gradient: gradient * kept)
        module.scale.register_hook(lambda gradient: gradient + module.weight.detach())
        module.weight.register_hook(lambda gradient: None)
        return LossAndGradients(module)

    _, expected = hooked_parameters()(X)
    program, _ = step_program(hooked_parameters(), (X,), {}, None)
    _, found = program.module()(X)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_hook_that_looks_at_values_is_refused():
    module = Body(untrue)
    module.scale.register_hook(lambda gradient: gradient if gradient.sum() > 0 else None)
    with pytest.raises(
        GraphError, match=r"the backward graph: .*test_own_backwards\.py:\d+: module.scale.register_hook"
    ):
        step_program(LossAndGradients(module), (X,), {}, None)


def test_what_is_watched_is_put_back():
    before = Function.apply.__func__, torch.inference_mode.__enter__, torch.autograd.graph.saved_tensors_hooks.__enter__
    with pytest.raises(GraphError):
        step_program(LossAndGradients(Body(hooked)), (X,), {}, None)
    assert "apply" not in vars(torch.autograd.function._SingleLevelFunction)
    assert before == (
        Function.apply.__func__,
        torch.inference_mode.__enter__,
        torch.autograd.graph.saved_tensors_hooks.__enter__,
    )


class Everything(nn.Module):
    """A rounded layer, a function with untrue gradients, and a region without gradients, f32 [n, 3] -> []."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.scale = nn.Parameter(torch.tensor([1.5, 0.5, 0.25]))

    def forward(self, x):
        first, second = Untrue.apply(round_through(self.layer(x) * 4), 0.5, self.scale)
        with torch.no_grad():
            size = 1 + second.abs().mean(0)
        return ((first + second.detach()) / size).square().mean()


def test_compiled_for_any_number_of_rows():
    torch.manual_seed(0)
    step = LossAndGradients(Everything())
    rows = torch.export.Dim("rows", min=2, max=64)
    compiled = slipstick.compile(step, (X,), dynamic_shapes={"x": {0: rows}}, threads=1)
    for x in (X, torch.cat([X, X.flip(0), -X[:1]])):
        torch.testing.assert_close(compiled(x), step(x), rtol=1e-4, atol=1e-5)


def test_without_gradients_a_custom_function_is_its_forward_pass():
    module = Body(untrue)
    torch.testing.assert_close(slipstick.compile(module, (X,), threads=1)(X), module(X).detach())


def test_through_torch_compile():
    torch.manual_seed(0)
    module = Everything()
    _, expected = LossAndGradients(module)(X)
    torch.compile(module, backend="slipstick")(X).backward()
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_two_layers_of_c3a():
    # The gradient of its input is not the true one, and is used from the second layer down.
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    config = peft.C3AConfig(block_size=4, target_modules=["0", "2"], init_weights="gaussian")
    step = LossAndGradients(peft.get_peft_model(layers, config), loss=lambda result: result.square().sum())
    x = torch.randn(3, 8)
    loss, expected = step(x)
    program, _ = step_program(step, (x,), {}, None)
    assert not any("fft" in str(node.target) for node in program.graph.nodes)
    found_loss, found = program.module()(x)
    torch.testing.assert_close(found_loss, loss)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
