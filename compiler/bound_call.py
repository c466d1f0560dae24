"""Calls with the same tensors each time: nothing is checked or looked up again."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.autograd.graph import increment_version

from ..errors import ArgumentError
from . import team
from .runtime import NativeFunction

_CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class BoundCall:
    """A call of native code with tensors that were fixed once, at any depth that it was compiled for.

    The table of arguments is filled once; a call is a jump through it, at another depth through another address. One
    thread at a time may use it.
    """

    def __init__(
        self,
        codes: Mapping[int, int],
        function: NativeFunction,
        template: Sequence[int],
        tensors: Sequence[tuple[int, int, tuple[int, ...]]],
        written: Sequence[torch.Tensor],
        keep: object,
    ):
        """`codes` are addresses by depth, `template` the arguments of the state, `tensors` those of `NativeFunction`.

        `written` are the tensors that native code overwrites; `keep` is what must live as long as this.
        """
        self._calls = {depth: _CALL(code) for depth, code in codes.items()}
        self._full = self._calls[max(codes)]
        self._function = function
        self._keep = keep
        self._written = [tensor for tensor in written if not tensor.is_inference()]
        words = array("q", bytes(8 * function.words))
        places = []
        for position, pointer, tail in tensors:
            places.append((position, len(words)))
            words.extend((pointer, pointer, *tail))
        self._status = len(words)
        words.extend((0, 0, 0, 0))
        self._words = words
        base = words.buffer_info()[0]
        words[self._status + 1] = words[self._status + 2] = base + 8 * self._status
        arguments = list(template)
        for position, word in places:
            arguments[position] = base + 8 * word
        arguments[-1] = base + 8 * (self._status + 1)
        if function.words:
            arguments[0] = base
        self._table = (ctypes.c_int64 * len(arguments))(*arguments)
        self._arguments = ctypes.addressof(self._table)

    @property
    def depths(self) -> tuple[int, ...]:
        """The depths that a call may name; none where there is one alone."""
        return tuple(sorted(depth for depth in self._calls if depth))

    def __call__(self, depth: int | None = None) -> list[Any]:
        """Run `depth` layers, `None`: all, and return the results, fresh tensors.

        Raises `ArgumentError` for a depth that is none of `depths`, and where an assertion of the code fails.
        """
        call = self._full if depth is None else self._calls.get(depth)
        if call is None:
            raise ArgumentError(f"depth: expected one of {', '.join(map(str, self.depths))}, found {depth!r}")
        words = self._words
        words[self._status] = 0
        if self._function.threads > 1:
            team.enter(self._function.threads)
        call(self._arguments)
        if words[self._status]:
            raise self._function.failure(words[self._status])
        if self._written:
            increment_version(self._written)
        return self._function.results(words)
