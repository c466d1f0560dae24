"""Judges the results of a graph: beside torch's in f32, and where they are not near enough, beside float64.

Two right computations in f32 differ by their roundings, and a graph may magnify these: what is nearly cancelled, or an
input of ReLU whose sign they decide. Which of the two is further from the truth is told by torch in float64.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ..compiler.training import LossAndGradients
from .bench_check_judgement import Judgement
from .bench_check_kinks import explained
from .bench_kinks import ReluCalls
from .bench_workload import Form, compare


def judged(form: Form, observed: list[Tensor], tolerance: float) -> Judgement:
    """Return the distance of the results of a form from torch's.

    Float64 is asked only where they are further from torch's f32 than `tolerance`; kinks of ReLU are looked for only
    where a training step is further from float64 too. A form that torch cannot compute in float64 is held against f32.
    """
    step = form.module if isinstance(form.module, LossAndGradients) else None
    gradients = step is not None
    error = compare(observed, form.expected, gradients=gradients).error
    if error <= tolerance or error == float("inf"):
        return Judgement(error)
    double = in_double(form)
    reference = form if double is None else double
    error, kinks = compare(observed, reference.expected, gradients=gradients).error, 0
    if error > tolerance and isinstance(reference.module, LossAndGradients):
        kinks, error = explained(reference.module, reference.inputs, observed, tolerance)
    return Judgement(error, kinks, None if double is None else _torch_error(form, double))


def in_double(form: Form) -> Form | None:
    """Return the form in float64: weights, inputs and all that torch computes, as far as the module names no f32.

    `None` where the module cannot be copied, or names f32 where float64 does not fit.
    """
    form.reset()
    try:
        with torch.inference_mode(False):
            module = copy.deepcopy(form.module).double()
            inputs = tuple(one.double() if one.dtype == torch.float32 else one.clone() for one in form.inputs)
        return Form(module, inputs, form.overwrites)
    except Exception:
        return None


def _torch_error(form: Form, double: Form) -> float:
    """Return the distance of torch's f32 from float64, with the sides of ReLU that f32 takes in both."""
    if not isinstance(form.module, LossAndGradients):
        return compare(form.expected, double.expected).error
    with ReluCalls() as calls:
        own = form.observed(form.module(*form.inputs))
    with ReluCalls(sides=[result > 0 for _, result in calls.calls]):
        expected = double.observed(double.module(*double.inputs))
    return compare(own, expected, gradients=True).error
