"""Torch's composite operations, which a decomposition keeps or takes apart: what torch does with them, in less time.

Each decomposition lists them anew and registers some twenty functions for each of 500, which for a small graph takes
longer than all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any


@contextmanager
def listed_once() -> Iterator[None]:
    """Have a decomposition ask the dispatcher for composite operations once, and not for each namespace of operators.

    That takes a tenth of the time of a small graph's compilation, and none is registered meanwhile. Replaces a function
    of torch: needs the lock that exports hold.
    """
    from torch._export import utils

    original = utils._materialize_cpp_cia_ops
    utils._materialize_cpp_cia_ops = cache(original)
    try:
        yield
    finally:
        utils._materialize_cpp_cia_ops = original


@contextmanager
def registered_at_once() -> Iterator[None]:
    """Have a decomposition write its functions into the operations' tables itself, not by one decorator for each.

    That takes a third of the time of a small graph's compilation. Replaces a function of torch: needs the lock that
    exports hold.
    """
    from torch.export import exported_program

    original = exported_program._override_composite_implicit_decomp
    exported_program._override_composite_implicit_decomp = _overridden
    try:
        yield
    finally:
        exported_program._override_composite_implicit_decomp = original


@contextmanager
def _overridden(cia_ops_to_callable: Mapping[Any, Callable[..., Any]]) -> Iterator[None]:
    """Do what torch's function of the same purpose does: have operations taken apart by those given, in this context.

    Below autograd, for each kind of device and for tensors without data they stay what they are.
    """
    import torch
    from torch._export.utils import _get_decomp_for_cia
    from torch._higher_order_ops.utils import autograd_not_implemented
    from torch._subclasses.fake_impls import _deregister_op_impl, _is_op_registered_to_fake_rule, register_op_impl
    from torch.export.exported_program import _AUTOGRAD_ALIAS_BACKEND_KEYS_TO_OVERRIDE, _BACKEND_KEYS_TO_OVERRIDE

    composite = torch._C.DispatchKey.CompositeImplicitAutograd
    saved = {}
    for operation, how in cia_ops_to_callable.items():
        kernels = operation.py_kernels
        saved[operation] = kernels.copy()
        missing = [key for key in _AUTOGRAD_ALIAS_BACKEND_KEYS_TO_OVERRIDE if key not in kernels]
        if missing:
            kernels.update(dict.fromkeys(missing, autograd_not_implemented(operation, deferred_error=True)))
        itself = _get_decomp_for_cia(operation)
        kernels[composite] = how
        if not _is_op_registered_to_fake_rule(operation):
            register_op_impl(operation)(partial(_in_mode, itself))
        for key in _BACKEND_KEYS_TO_OVERRIDE:
            kernels.setdefault(key, itself)
        operation._dispatch_cache.clear()
    try:
        yield
    finally:
        for operation, kernels in saved.items():
            operation.py_kernels.clear()
            operation.py_kernels.update(kernels)
            operation._dispatch_cache.clear()
            _deregister_op_impl(operation)


def _in_mode(call: Callable[..., Any], mode: Any, _: object, /, *args: Any, **kwargs: Any) -> Any:
    """Call what an operation is made of in the mode of tensors without data."""
    with mode:
        return call(*args, **kwargs)
