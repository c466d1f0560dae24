"""The usual call: everything but the choice of it in native code, see `native_call`."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch

from . import codegen, native_call, openmp
from .inputs import Plan
from .memory import is_portable
from .runtime import NativeFunction
from .signature import Argument, Signature, TensorSpec
from .state import Bound, Slot

_EXCHANGE_API = b"dlpack_exchange_api"
_DESCRIBE, _CONVERT = 5, 4
"""Words of DLPack's `DLPackExchangeAPI`, version 1.3, behind a header of two words."""

_is_negated = torch.Tensor.is_neg


def is_possible(signature: Signature) -> bool:
    """Tell whether calls of that signature can be native from end to end: tensors in, fresh tensors out, no writes."""
    specs = [argument.spec for argument in signature.inputs] + list(signature.native_results)
    return (
        _api() is not None
        and not signature.mutations
        and all(isinstance(spec, TensorSpec) and is_portable(getattr(torch, spec.dtype)) for spec in specs)
    )


class KeptState:
    """The state as it was found at one call: which objects, lying where."""

    def __init__(self, slots: Sequence[Slot], tensors: Sequence[torch.Tensor], bound: Bound):
        self.tensors, self.bound = list(tensors), bound
        self._slots = list(slots)
        self._tables = _Tables()
        words: list[int] = []
        for (holder, key), tensor in zip(slots, tensors, strict=True):
            sizes, strides = self._tables.add(tensor.shape), self._tables.add(tensor.stride())
            words += [id(holder), id(key), id(tensor), tensor.data_ptr(), _form(tensor), tensor.dim(), sizes, strides]
        self.address = self._tables.add(words)
        """That of the table for native code."""
        self.template = self._tables.add(bound.template)
        """The address of the native arguments with those of the state filled in."""
        self.versions = list(zip(bound.counted, bound.versions, strict=True))
        """Tensors with torch's count of writes to them."""

    def is_of(self, tensors: Sequence[torch.Tensor], bound: Bound) -> bool:
        """Tell whether the state is still that."""
        return self.bound is bound and all(map(operator.is_, self.tensors, tensors))


class FastCall:
    """A call that fits inputs of the dtypes and sizes of one call before, and the state as it was then.

    Any number of threads may use one.
    """

    def __init__(
        self,
        code: int,
        function: NativeFunction,
        inputs: Sequence[tuple[Argument, torch.Tensor]],
        plan: Plan,
        state: KeptState,
        results: Sequence[TensorSpec],
    ):
        self.state, self.plan = state, plan
        """The state and the plan of the inputs that it is for."""
        words = function.result_words
        assert words is not None
        count = 0
        table: list[int] = []
        tables = _Tables()
        for (argument, tensor), tail in zip(inputs, plan.tails, strict=True):
            assert tail is not None
            position = -1 if argument.native is None else function.position(argument.native)
            table += [_form(tensor), tensor.dim(), tables.add(tail), position, count]
            count += 2 + len(tail)
        wrapped: list[int] = []
        for word, spec in zip(words, results, strict=True):
            form = _form(torch.empty((0,) * len(spec.shape), dtype=getattr(torch, spec.dtype)))
            wrapped += [count + word, len(spec.shape), form]
        end = count + sum(3 + 2 * len(spec.shape) for spec in results)
        api = _api()
        assert api is not None
        row = [
            ctypes.addressof(api),
            code,
            tables.add(table),
            len(inputs),
            state.address,
            len(state.tensors),
            tables.add(wrapped),
            len(words),
            state.template,
            len(state.bound.template),
            end + 4,
            count if words else -1,
            end,
            function.threads if function.threads > 1 else 0,
        ]
        self._plan = tables.add(row)
        self._keep = (tables, api, function.owner)
        self._call = _function()
        self._failure = function.failure

    def __call__(self, args: tuple[Any, ...]) -> tuple[torch.Tensor, ...] | None:
        """Return the native results; None where the call is another than that of before.

        Raises `ArgumentError` where an assertion of the code fails.
        """
        try:
            if True in map(_is_negated, args):
                return None
        except TypeError:
            return None
        for tensor, version in self.state.versions:
            if tensor._version != version:
                return None
        found = self._call(self._plan, args)
        if type(found) is int:
            raise self._failure(found)
        results: tuple[torch.Tensor, ...] | None = found
        return results


class FastCalls:
    """The last call of each entry, of all depths, as later calls like it can go through."""

    def __init__(self) -> None:
        self._calls: dict[int, FastCall] = {}

    def get(self, entry: int) -> FastCall | None:
        """Return what calls like the last one of the entry at that address can go through."""
        return self._calls.get(entry)

    def clear(self) -> None:
        """Forget all, where what they rely on has changed."""
        self._calls.clear()

    def keep(
        self,
        entry: int,
        function: NativeFunction,
        signature: Signature,
        leaves: Sequence[Any],
        plan: Plan,
        slots: Sequence[Slot],
        state: Sequence[torch.Tensor],
        bound: Bound,
    ) -> None:
        """Keep what calls like this one can go through from now on: of `leaves` and `state`, found in `slots`."""
        last = self._calls.get(entry)
        if bound.copied or None in bound.states or any(type(holder) is not dict for holder, _ in slots):
            self._calls.pop(entry, None)
            return
        if last is not None and last.state.is_of(state, bound):
            if last.plan is plan:
                return
            kept = last.state
        else:
            kept = KeptState(slots, state, bound)
        results = [spec for spec in signature.native_results if isinstance(spec, TensorSpec)]
        inputs = list(zip(signature.inputs, leaves, strict=True))
        self._calls[entry] = FastCall(entry, function, inputs, plan, kept, results)


class _Tables:
    """Arrays of words, at addresses that hold as long as this object does."""

    def __init__(self) -> None:
        self._arrays: list[Any] = []

    def add(self, words: Sequence[int]) -> int:
        """Return the address of a new array."""
        # One word more than there are: no two arrays at one address, and none of no bytes.
        array = (ctypes.c_int64 * (len(words) + 1))(*words)
        self._arrays.append(array)
        return ctypes.addressof(array)


@cache
def _api() -> Any:
    """Return the table of functions and objects for native code; None where torch or Python do not provide them."""
    capsule = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
    # Native code reads the type of an object where CPython keeps it.
    probe = torch.empty(0)
    if capsule is None or ctypes.c_void_p.from_address(id(probe) + 8).value != id(type(probe)):
        return None
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    try:
        exchange = (ctypes.c_uint64 * 6).from_address(get(capsule, _EXCHANGE_API))
    except ValueError:
        return None
    if exchange[0] & 0xFFFFFFFF != 1:  # the major version
        return None
    found = {
        "None": id(None),
        "Tensor": id(torch.Tensor),
        "Parameter": id(torch.nn.Parameter),
        "dltensor_from_py_object_no_sync": exchange[_DESCRIBE],
        "managed_tensor_to_py_object_no_sync": exchange[_CONVERT],
    }
    for name in native_call.API:
        if name.startswith("Py"):
            found[name] = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        elif name.startswith(("omp_", "kmp_", "__kmpc_")):
            found[name] = ctypes.cast(getattr(openmp.library(), name), ctypes.c_void_p).value or 0
    return (ctypes.c_int64 * len(native_call.API))(*(found[name] for name in native_call.API))


@cache
def _function() -> Callable[[int, tuple[Any, ...]], Any]:
    function: Callable[[int, tuple[Any, ...]], Any] = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.c_void_p, ctypes.py_object
    )(codegen.support_address(native_call.CALL))
    return function


def _form(tensor: torch.Tensor) -> int:
    """Return the word of a DLTensor that holds rank and dtype."""
    api = _api()
    describe = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)(
        api[native_call.API.index("dltensor_from_py_object_no_sync")]
    )
    words = (ctypes.c_int64 * 6)()
    describe(tensor, words)
    return int(words[2])
