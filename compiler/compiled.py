"""The compiled module: called as the torch module it came from is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import ArgumentError, CodegenError
from ..target import Target
from . import codegen
from .artifact import Built
from .bound_call import BoundCall
from .call_trees import call_leaves, flat_inputs
from .encoded import native_arguments
from .fast_call import FastCalls, is_possible
from .inputs import Copy, Inputs
from .options import CompileOptions
from .overlaps import Overlaps
from .results import Results
from .runtime import NativeFunction, descriptor_tail
from .signature import Signature
from .state import Slot
from .weights import Weights

if TYPE_CHECKING:
    from ..kernels.decisions import Decisions
    from .call_form import CallForm


class CompiledModule:
    """Native code behind the calling convention of the module it was compiled from.

    A call takes the same positional and keyword arguments and returns the same tree of results. Inputs must have the
    dtypes, ranks and sizes of the signature. Parameters and buffers are those of the original module, read at each
    call: a change in place, an assignment to `.data` and `load_state_dict` are all seen. (Of those that are `encoded`
    or `packed`, a change in place through `.data` or a NumPy view is seen after `encode_again` only.) Buffers and
    inputs that the graph overwrites are overwritten in place: of a cache of keys and values that gets one more token,
    only that is written. After a call that fails they hold anything, as with torch.

    Nothing is recorded for gradients: results do not require any. A result that the module hands through (an input, a
    parameter, a tensor it has overwritten) is that very object; every other result is a fresh tensor that shares memory
    with nothing, also where torch would return a view.

    Any number of threads may call it at once, each with inputs of its own. Native code runs without the GIL.
    """

    def __init__(
        self,
        text: str,
        built: Built,
        signature: Signature,
        options: CompileOptions,
        target: Target,
        *,
        slots: Mapping[str, Slot] | None = None,
        tied: Mapping[str, tuple[str, ...]] | None = None,
        form: CallForm | None = None,
        timings: Mapping[str, float] | None = None,
        name: str = "",
    ):
        self._text = text
        self._name = name
        self._form = form
        self.signature = signature
        """What it takes and returns."""
        self.options = options
        """The options that it was compiled with."""
        self.target = target
        """The CPU that the code is for."""
        self.from_cache = built.from_cache
        """Whether the object code came out of the cache."""
        self.timings = {**(timings or {}), **built.timings}
        """Seconds spent on "export", "import", "lower", "codegen" and "load", as far as they were needed."""
        self.statistics = dict(built.artifact.statistics)
        """What passes counted while lowering, e.g. `lmul: multiplies rewritten`."""
        self.depths = tuple(sorted(built.artifact.paths))
        """The depths that `at_depth` takes: numbers of layers, the last one all. Empty without the option `skip`."""
        self.workspace_bytes = built.artifact.workspace_bytes
        """The memory that a call needs besides inputs and results, in bytes: one arena, planned ahead. Buffers whose
        sizes are known at run time only are not in it."""
        self._inputs = Inputs(signature)
        self._built = built
        self._entry = built.artifact.entry
        self._function = self._native(built, self._entry)
        self._weights = Weights(signature, built.artifact, self._function, slots or {}, tied or {})
        self._flat = flat_inputs(signature)
        self._overlaps = Overlaps(signature)
        self._results = Results(signature)
        self._array_entry = self._array_address(self._entry)
        self._fast_calls = FastCalls()

    # ---- calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the graph. Raises `ArgumentError`, naming the argument, for a call that does not fit the signature."""
        fast = self._fast_calls.get(self._array_entry)
        if fast is not None and not kwargs:
            found = fast(args)
            if found is not None:
                if self._results.plain is not None:
                    return found[0] if self._results.plain == 1 else found
                return self._results.tree(found, args, fast.state.tensors, fast.plan)
        leaves: Sequence[Any] = args
        if len(args) != self._flat or kwargs:
            leaves = call_leaves(self.signature, self._form, args, kwargs)
        plan = self._inputs.plan(leaves)
        function = self._function
        if function is None:
            raise CodegenError(
                f"the code is for {self.target.cpu}, which this machine ({Target.host().cpu}) cannot run"
            )
        state = self._weights.state.tensors()
        bound = self._weights.state.bind(state)
        self._overlaps.check(leaves, state, bound)
        copies: list[Copy] = []
        keep: list[torch.Tensor] = []
        template = bound.template.copy()
        tensors = self._inputs.native(function, template, leaves, plan, copies)
        if self._weights.inputs:
            tensors = self._weights.with_codes(function, tensors, leaves, keep)
        for number in bound.copied:
            contiguous = Copy(state[number], state[number].detach().contiguous(), number in self._results.written_state)
            copies.append(contiguous)
            native = self._weights.state.arguments[number].native
            assert native is not None
            tail = descriptor_tail(contiguous.tensor.shape)
            tensors.append((function.position(native), contiguous.contiguous.data_ptr(), tail))
        fresh = function(template, tensors)
        if self._array_entry and not keep and not copies and leaves is args:
            slots = self._weights.state.slots
            self._fast_calls.keep(self._array_entry, function, self.signature, leaves, plan, slots, state, bound)
        if self.signature.mutations:
            self._results.overwrite(copies, fresh, leaves, state, plan)
        del keep, copies
        return self._results.tree(fresh, leaves, state, plan)

    forward = __call__

    def at_depth(self, depth: int) -> CompiledModule:
        """Return the module that runs `depth` layers, one of `depths`, over the same weights.

        It is called as this one is: the cache of a layer that it leaves out stays as it is. Making it compiles nothing.
        Raises `ArgumentError` for a depth that it was not compiled for.
        """
        if depth not in self.depths:
            raise ArgumentError(f"depth: expected {self._depths_text()}, found {depth!r}")
        symbol = self._built.artifact.paths[depth]
        other = copy(self)
        other._entry = symbol
        other._function = self._native(self._built, symbol)
        other._array_entry = self._array_address(symbol)
        return other

    def _depths_text(self) -> str:
        if not self.depths:
            return "a module compiled with the option skip"
        return f"one of {', '.join(map(str, self.depths))} (the depths that were compiled)"

    def bind(self, *args: torch.Tensor) -> BoundCall:
        """Return a call with these very tensors, and the parameters as they are now, at any of `depths`.

        What is computed changes with what the tensors hold at each call; nothing is checked or looked up again. Raises
        `ArgumentError` for arguments that do not fit, or are not contiguous, and for graphs that take or return numbers
        or overwrite arguments after the call.
        """
        is_other = self._form is None or self._results.later or self._weights.inputs or self._flat != len(args)
        if is_other or self._function is None:
            raise ArgumentError("bind: expected a torch module that takes tensors alone and writes them in native code")
        symbols = self._built.artifact.paths or {0: self._built.artifact.entry}
        assert self._built.loaded is not None
        if not self._built.artifact.takes_array:
            raise ArgumentError("bind: expected a module that takes tensors alone")
        codes = {depth: self._built.loaded.address(symbol) for depth, symbol in symbols.items()}
        plan = self._inputs.plan(args)
        state = self._weights.state.tensors()
        bound = self._weights.state.bind(state)
        self._overlaps.check(args, state, bound)
        copies: list[Copy] = []
        template = bound.template.copy()
        tensors = self._inputs.native(self._function, template, args, plan, copies)
        if copies or bound.copied:
            raise ArgumentError("bind: expected contiguous tensors")
        written = self._results.written(args, state)
        keep = (bound, args, state)
        return BoundCall(codes, self._function, template, tensors, written, keep)

    def _array_address(self, symbol: str) -> int:
        """Return the address of the entry that takes its arguments in an array; 0 where calls must go through Python.

        A function written in MLIR may return its argument, which only Python copies.
        """
        built = self._built
        if built.loaded is None or not built.artifact.takes_array or not is_possible(self.signature):
            return 0
        if self._form is None or self._weights.inputs or self._flat != len(self._inputs):
            return 0
        return built.loaded.address(symbol)

    def _native(self, built: Built, entry: str) -> NativeFunction | None:
        if built.loaded is None:
            return None
        return NativeFunction(
            built.loaded.address(entry),
            built.loaded,
            native_arguments(self.signature.native_arguments, built.artifact.encoded, built.artifact.packed),
            self.signature.native_results,
            takes_array=built.artifact.takes_array,
            messages=built.artifact.messages,
            threads=self.options.threads or 1,
            may_return_arguments=self._form is None,
        )

    # ---- looking inside

    def stage(self, name: str) -> str:
        """Return the module's MLIR text at a stage: "linalg", "rewritten", "scheduled", "loops" or "llvm".

        Raises `ArgumentError` for a stage before the one that the module entered at.
        """
        from .build import lower_text

        return lower_text(self._ir(), name, self.options, self.target)

    def llvm_ir(self) -> str:
        """Return the LLVM IR text, before LLVM's optimisations."""
        from .build import llvm_text

        return llvm_text(self._ir(), self.options, self.target)

    def _ir(self) -> str:
        if not self._text:
            raise ArgumentError("expected a module that was compiled here, found one of a file, which holds no IR")
        return self._text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write code and weights, as native code reads them, to one file, which `slipstick.load` takes.

        It is a safetensors file, whose metadata tell the rest; a reader sees the old file or the whole new one. Raises
        `ArgumentError` where it cannot be written, and for calls of containers that have no names in files.
        """
        from .saved import save

        save(self, Path(path))

    def __reduce__(self) -> tuple[Callable[[bytes], CompiledModule], tuple[bytes]]:
        """Pickle, and copy deeply, what `save` writes: code, and weights as they are now, which the copy then owns."""
        from .pickled import restored, to_bytes

        return restored, (to_bytes(self),)

    def __copy__(self) -> CompiledModule:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def save_library(
        self, folder: str | os.PathLike[str], name: str = "model", *, compiler: str | None = None
    ) -> Path | None:
        """Write the module as a C library, with header and example, into a folder; see `compiler/c_library.py`.

        `compiler` is the C compiler that links `libNAME.so`, by default `$CC` or `cc`; for a foreign CPU without one,
        the objects are left to be linked elsewhere. Returns the library's path, None where it was not linked. Raises
        `ArgumentError` for a module without an interface in C (tensors alone, one thread), `CodegenError` where linking
        fails.
        """
        from .c_library import save_library

        return save_library(self, Path(folder), name, compiler)

    def assembly(self) -> str:
        """Return the assembly of the code that runs."""
        return codegen.assembly(self.llvm_ir(), self.target)

    @property
    def decisions(self) -> Decisions:
        """What was decided for each kernel: tiles, unrolling, vectors, places of epilogues; `save` makes a file of it.

        Another compilation takes them as `schedule`. The heuristic's are found by lowering again.
        """
        from ..kernels.decisions import Decisions
        from .decisions_file import decided

        found = self._built.artifact.decisions
        if found:
            return Decisions.from_entries(list(found), "the compiled module")
        return decided(self._ir(), self.options, self.target)

    def replace_stage(self, name: str, text: str) -> CompiledModule:
        """Return a module that is called like this one and runs `text`, MLIR that stands at the stage `name`.

        Raises `ArgumentError` where its entry function has another type, `IRError` where it does not parse or lower.
        """
        from .recompile import at_stage, recompiled

        self._follows("replace_stage")
        return recompiled(self, at_stage(self._ir(), name, text), self.options)

    def with_options(self, **options: Any) -> CompiledModule:
        """Return the same graph over the same state, compiled with some fields of `CompileOptions` changed.

        Nothing is exported or imported again. Raises `ArgumentError` for an option that there is not or that cannot be
        meant, `IRError` and `CodegenError` as `slipstick.compile` does.
        """
        from .recompile import changed_options, recompiled

        self._follows("with_options")
        return recompiled(self, self._ir(), changed_options(self.options, options))

    def _follows(self, method: str) -> None:
        """Raise ArgumentError where the parameters are not a module's any more."""
        if self._weights.state.is_own:
            raise ArgumentError(f"{method}: expected a module's parameters, found those of load or freeze")

    # ---- weights

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        """The tensors of the module's state by name, as they are now: parameters, buffers, constants.

        After `load` or `freeze` those that native code reads in another form are not there.
        """
        return self._weights.tensors()

    @property
    def encoded(self) -> dict[str, str]:
        """The parameters that native code reads as codes, by name, with their format: "lm8" or "bf16"."""
        return self._weights.encoded()

    @property
    def packed(self) -> dict[str, int]:
        """The parameters that native code reads as panels, packed once, by name, with the columns of a panel."""
        return self._weights.packed()

    @property
    def parameter_bytes(self) -> dict[str, int]:
        """The bytes that native code reads each parameter and buffer from, by name; see `weight_bytes`."""
        return self._weights.bytes_by_name()

    @property
    def weight_bytes(self) -> int:
        """The memory that native code reads parameters and buffers from, in bytes, each tensor once, for all depths.

        Those that are packed or encoded count from the first call on.
        """
        return self._weights.total_bytes()

    def encode_again(self) -> None:
        """Encode and pack parameters anew at the next call: torch does not tell of writes through `.data` or NumPy.

        Raises `ArgumentError` after `load` and `freeze`: what the parameters were is not there any more.
        """
        self._weights.encode_again()
        self._fast_calls.clear()

    def load(self, path: str | os.PathLike[str]) -> CompiledModule:
        """Take parameters and buffers from a safetensors file, by the names of the module's state; return this.

        One tensor at a time is read, and packed or encoded where native code wants it so: besides what native code
        reads, memory holds no more than one. Other float dtypes are converted, checkpoints of narrow weights decoded. A
        buffer that is not in the file stays as it is. The module compiled from is not read any more, nor kept.

        Raises `ArgumentError` for a file that is none, and names the first parameter that is missing or does not fit.
        """
        self._weights.load(Path(path))
        self._fast_calls.clear()
        return self

    def freeze(self) -> CompiledModule:
        """Keep parameters and buffers as they are now, packed or encoded where native code wants it so; return this.

        The module compiled from is not read any more, nor kept: where nothing else keeps it, its memory is freed. What
        native code reads as it is, an embedding or a bias, is not copied.
        """
        self._weights.freeze()
        self._fast_calls.clear()
        return self

    def share_weights(self, other: CompiledModule) -> CompiledModule:
        """Read the parameters that `other` reads, packed or encoded once for both; return this.

        Raises `ArgumentError` where the two do not take the same parameters in the same forms.
        """
        if not self._weights.is_like(other._weights):
            raise ArgumentError("share_weights: expected a module that reads the same parameters in the same forms")
        self._weights = other._weights
        self._fast_calls.clear()
        return self

    def __repr__(self) -> str:
        lmul = "exact" if self.options.lmul is None else str(self.options.lmul)
        return f"CompiledModule({self._name or 'main'}{self.signature}, {lmul}, {self.target.cpu})"
