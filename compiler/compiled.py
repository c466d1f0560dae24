"""The compiled module: called as the torch module it came from is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy as shallow_copy
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.graph import increment_version
from torch.utils import _pytree as pytree

from ..bindings import ir
from ..errors import ArgumentError, CodegenError
from ..passes.set_stage import STAGE_ATTRIBUTE
from ..target import Target
from . import codegen
from .bound_call import BoundCall
from .build import Built, build, llvm_text, lower_text, parse
from .call_trees import argument_index, flat_inputs, from_numpy, plain_results, structure
from .checkpoint import CheckpointReader
from .encoded import WeightEncoder, native_arguments
from .fast_call import FastCall, KeptState, is_possible
from .inputs import Copy, Inputs, Plan
from .mlir_input import entry_type
from .options import CompileOptions
from .overlaps import Overlaps
from .runtime import NativeFunction, descriptor_tail
from .signature import Argument, Result, Signature, SymbolicSize, TensorSpec
from .stages import STAGES
from .state import Bound, Slot, State

if TYPE_CHECKING:
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
        self._slots = dict(slots or {})
        self._tied = dict(tied or {})
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
        self._encoder = WeightEncoder(built.artifact.encoded, built.artifact.packed)
        self._encoded_inputs = [
            (position, argument)
            for position, argument in enumerate(signature.inputs)
            if argument.native in self._encoder.arguments
        ]
        self._built = built
        self._function = self._native(built, built.artifact.entry)
        state = [argument for argument in signature.arguments if argument.kind != "input"]
        self._state = State(state, self._slots, self._function, self._encoder)
        self._index = argument_index(signature)
        self._flat = flat_inputs(signature)
        self._overlaps = Overlaps(signature)
        self._written = [m.argument for m in signature.mutations if m.result.kind == "written"]
        self._written_state = {self._index[number][1] for number in self._written if not self._index[number][0]}
        self._array_entry = self._array_address(built.artifact.entry)
        self._fast_calls: dict[int, FastCall] = {}
        """The last call of each entry, by its address; of all depths."""
        self._plain_results = plain_results(signature)

    # ---- calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the graph. Raises `ArgumentError`, naming the argument, for a call that does not fit the signature."""
        fast = self._fast
        if fast is not None and not kwargs:
            found = fast(args)
            if found is not None:
                if self._plain_results is not None:
                    return found[0] if self._plain_results == 1 else found
                return self._results(list(found), args, fast.state.tensors, fast.plan)
        leaves = args if len(args) == self._flat and not kwargs else self._leaves(args, kwargs)
        plan = self._inputs.plan(leaves)
        function = self._function
        if function is None:
            raise CodegenError(
                f"the code is for {self.target.cpu}, which this machine ({Target.host().cpu}) cannot run"
            )
        state = self._state.tensors()
        bound = self._state.bind(state)
        self._overlaps.check(leaves, state, bound)
        copies: list[Copy] = []
        keep: list[torch.Tensor] = []
        template = bound.template.copy()
        tensors = self._inputs.native(function, template, leaves, plan, copies)
        if self._encoded_inputs:
            tensors = self._encode_inputs(function, tensors, leaves, keep)
        for number in bound.copied:
            copy = Copy(state[number], state[number].detach().contiguous(), number in self._written_state)
            copies.append(copy)
            native = self._state.arguments[number].native
            assert native is not None
            tensors.append((function.position(native), copy.contiguous.data_ptr(), descriptor_tail(copy.tensor.shape)))
        fresh = function(template, tensors)
        if self._array_entry and not keep and not copies and leaves is args:
            self._keep_fast(self._next_fast(leaves, plan, state, bound))
        if self.signature.mutations:
            self._overwrite(copies, fresh, leaves, state, plan)
        del keep, copies
        return self._results(fresh, leaves, state, plan)

    forward = __call__

    def at_depth(self, depth: int) -> CompiledModule:
        """Return the module that runs `depth` layers, one of `depths`, over the same weights.

        It is called as this one is: the cache of a layer that it leaves out stays as it is. Making it compiles nothing.
        Raises `ArgumentError` for a depth that it was not compiled for.
        """
        if depth not in self.depths:
            raise ArgumentError(f"depth: expected {self._depths_text()}, found {depth!r}")
        symbol = self._built.artifact.paths[depth]
        other = shallow_copy(self)
        other._function = self._native(self._built, symbol)
        other._array_entry = self._array_address(symbol)
        return other

    def share_weights(self, other: CompiledModule) -> CompiledModule:
        """Read the parameters that `other` reads, packed or encoded once for both; return this.

        Raises `ArgumentError` where the two do not take the same parameters in the same forms.
        """
        mine, theirs = self._encoder, other._encoder
        if (self._state.arguments, mine.encoded, mine.packed) != (
            other._state.arguments,
            theirs.encoded,
            theirs.packed,
        ):
            raise ArgumentError("share_weights: expected a module that reads the same parameters in the same forms")
        self._state, self._encoder, self._slots = other._state, other._encoder, other._slots
        self._fast_calls.clear()
        return self

    @property
    def parameter_bytes(self) -> dict[str, int]:
        """The bytes that native code reads each parameter and buffer from, by name; see `weight_bytes`."""
        found = {}
        for argument, tensor in zip(self._state.arguments, self._state.tensors(), strict=True):
            if argument.native is not None:
                kept = self._encoder.kept(argument.native)
                found[argument.name] = sum(part.nbytes for part in kept) if kept else tensor.nbytes
        return found

    @property
    def weight_bytes(self) -> int:
        """The memory that native code reads parameters and buffers from, in bytes, each tensor once, for all depths.

        Those that are packed or encoded count from the first call on.
        """
        tensors = [*self.parameters.values()] if self._state.is_own else self._read_as_they_are()
        storages = [tensor.untyped_storage() for tensor in (*tensors, *self._encoder.kept())]
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())

    def _read_as_they_are(self) -> list[torch.Tensor]:
        made = self._encoder.arguments
        named = zip(self._state.arguments, self._state.tensors(), strict=True)
        return [tensor for argument, tensor in named if argument.native is not None and argument.native not in made]

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
        later = [mutation for mutation in self.signature.mutations if mutation.result.kind != "written"]
        if self._form is None or later or self._encoded_inputs or self._flat != len(args) or self._function is None:
            raise ArgumentError("bind: expected a torch module that takes tensors alone and writes them in native code")
        symbols = self._built.artifact.paths or {0: self._built.artifact.entry}
        assert self._built.loaded is not None
        if not self._built.artifact.takes_array:
            raise ArgumentError("bind: expected a module that takes tensors alone")
        codes = {depth: self._built.loaded.address(symbol) for depth, symbol in symbols.items()}
        plan = self._inputs.plan(args)
        state = self._state.tensors()
        bound = self._state.bind(state)
        self._overlaps.check(args, state, bound)
        copies: list[Copy] = []
        template = bound.template.copy()
        tensors = self._inputs.native(self._function, template, args, plan, copies)
        if copies or bound.copied:
            raise ArgumentError("bind: expected contiguous tensors")
        written = [self._object(number, args, state) for number in self._written]
        keep = (bound, args, state)
        return BoundCall(codes, self._function, template, tensors, written, keep)

    def _array_address(self, symbol: str) -> int:
        """Return the address of the entry that takes its arguments in an array; 0 where calls must go through Python.

        A function written in MLIR may return its argument, which only Python copies.
        """
        built = self._built
        if built.loaded is None or not built.artifact.takes_array or not is_possible(self.signature):
            return 0
        if self._form is None or self._encoded_inputs or self._flat != len(self._inputs):
            return 0
        return built.loaded.address(symbol)

    @property
    def _fast(self) -> FastCall | None:
        """What calls like the last one can go through."""
        return self._fast_calls.get(self._array_entry)

    def _keep_fast(self, fast: FastCall | None) -> None:
        if fast is not None:
            self._fast_calls[self._array_entry] = fast
        else:
            self._fast_calls.pop(self._array_entry, None)

    def _next_fast(self, leaves: Sequence[Any], plan: Plan, state: list[torch.Tensor], bound: Bound) -> FastCall | None:
        """Return what calls like this one can go through from now on."""
        slots = self._state.slots
        if bound.copied or None in bound.states or any(type(holder) is not dict for holder, _ in slots):
            return None
        fast = self._fast
        if fast is not None and fast.state.is_of(state, bound):
            if fast.plan is plan:
                return fast
            kept = fast.state
        else:
            kept = KeptState(slots, state, bound)
        assert self._function is not None
        results = [spec for spec in self.signature.native_results if isinstance(spec, TensorSpec)]
        inputs = list(zip(self.signature.inputs, leaves, strict=True))
        return FastCall(self._array_entry, self._function, inputs, plan, kept, results)

    def _encode_inputs(
        self,
        function: NativeFunction,
        tensors: list[tuple[int, int, tuple[int, ...]]],
        leaves: Sequence[Any],
        keep: list[torch.Tensor],
    ) -> list[tuple[int, int, tuple[int, ...]]]:
        """Put codes in place of the inputs that MLIR marks as parameters."""
        native = {position: (pointer, tail) for position, pointer, tail in tensors}
        for position, argument in self._encoded_inputs:
            assert argument.native is not None
            for number, codes in self._encoder.native(argument.native, leaves[position], argument.name):
                keep.append(codes)
                native[function.position(number)] = (codes.data_ptr(), descriptor_tail(codes.shape))
        return [(position, pointer, tail) for position, (pointer, tail) in native.items()]

    def _leaves(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Sequence[Any]:
        """Return the leaves of a call in the order of the signature's inputs."""
        if self._form is None:
            if kwargs:
                raise ArgumentError(f"{next(iter(kwargs))}: MLIR functions take positional arguments only")
            return [from_numpy(value) for value in args]
        args, kwargs = self._form.normalise(args, kwargs)
        leaves, spec = pytree.tree_flatten((args, kwargs))
        if spec != self.signature.in_spec:
            raise ArgumentError(self._structure_error(args, kwargs))
        return leaves

    def _structure_error(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Say which argument is built of other containers than the graph was compiled for."""
        assert self._form is not None
        expected_args, expected_kwargs = pytree.tree_unflatten(
            [a.spec for a in self.signature.inputs], self.signature.in_spec
        )
        wanted = [*expected_args, *expected_kwargs.values()]
        for name, value, want in zip(self._form.argument_names(), [*args, *kwargs.values()], wanted, strict=True):
            if pytree.tree_structure(value) != pytree.tree_structure(want):
                return f"{name}: expected {structure(want)}, found {structure(value)}"
        found = pytree.tree_structure((args, kwargs))
        return f"expected arguments of the structure {self.signature.in_spec}, found {found}"

    def _object(self, number: int, leaves: Sequence[Any], state: Sequence[torch.Tensor]) -> Any:
        """Return the very object that is argument number `number`."""
        is_input, position = self._index[number]
        return leaves[position] if is_input else state[position]

    def _overwrite(
        self,
        copies: Sequence[Copy],
        fresh: Sequence[Any],
        leaves: Sequence[Any],
        state: Sequence[torch.Tensor],
        plan: Plan,
    ) -> None:
        """Overwrite what native code has not, and tell torch of what it has."""
        later = [mutation for mutation in self.signature.mutations if mutation.result.kind != "written"]
        values = [self._value(mutation.result, fresh, leaves, state, plan) for mutation in later]
        with torch.no_grad():
            for copy in copies:
                if copy.written:
                    copy.tensor.copy_(copy.contiguous)
            for mutation, value in zip(later, values, strict=True):
                self._object(mutation.argument, leaves, state).copy_(value)
        written = [self._object(number, leaves, state) for number in self._written]
        increment_version([tensor for tensor in written if not tensor.is_inference()])

    def _value(
        self, result: Result, fresh: Sequence[Any], leaves: Sequence[Any], state: Sequence[torch.Tensor], plan: Plan
    ) -> Any:
        if result.kind == "native":
            return fresh[result.index]
        if result.kind == "argument":
            return self._object(result.index, leaves, state)
        if result.kind == "size":
            assert isinstance(result.size, SymbolicSize)
            return result.size.evaluate(plan.symbols)
        return result.value

    def _results(self, fresh: list[Any], leaves: Sequence[Any], state: Sequence[torch.Tensor], plan: Plan) -> Any:
        values = [self._value(result, fresh, leaves, state, plan) for result in self.signature.results]
        spec = self.signature.out_spec
        if spec is None:
            return values[0] if len(values) == 1 else tuple(values)
        return values[0] if spec.is_leaf() else pytree.tree_unflatten(values, spec)

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
        return lower_text(self._text, name, self.options, self.target)

    def llvm_ir(self) -> str:
        """Return the LLVM IR text, before LLVM's optimisations."""
        return llvm_text(self._text, self.options, self.target)

    def assembly(self) -> str:
        """Return the assembly of the code that runs."""
        return codegen.assembly(self.llvm_ir(), self.target)

    def replace_stage(self, name: str, text: str) -> CompiledModule:
        """Return a module that is called like this one and runs `text`, MLIR that stands at the stage `name`.

        Raises `ArgumentError` where its entry function has another type, `IRError` where it does not parse or lower.
        """
        if name not in STAGES:
            raise ArgumentError(f"stage: expected one of {', '.join(STAGES)}, found {name!r}")
        if self._state.is_own:
            raise ArgumentError("replace_stage: expected a module's parameters, found those of load or freeze")
        module = parse(text)
        found, expected = str(entry_type(module)), str(entry_type(parse(self._text)))
        if found != expected:
            raise ArgumentError(f"the entry function: expected {expected}, found {found}")
        attributes = module.operation.attributes
        if STAGE_ATTRIBUTE not in attributes or str(attributes[STAGE_ATTRIBUTE]) != f'"{name}"':
            with module.context:
                attributes[STAGE_ATTRIBUTE] = ir.StringAttr.get(name)
        new = str(module)
        return CompiledModule(
            new,
            build(new, self.options, self.target),
            self.signature,
            self.options,
            self.target,
            slots=self._slots,
            tied=self._tied,
            form=self._form,
            name=self._name,
        )

    def with_options(self, **options: Any) -> CompiledModule:
        """Return the same graph over the same state, compiled with some fields of `CompileOptions` changed.

        Nothing is exported or imported again. Raises `ArgumentError` for an option that there is not or that cannot be
        meant, `IRError` and `CodegenError` as `slipstick.compile` does.
        """
        if self._state.is_own:
            raise ArgumentError("with_options: expected a module's parameters, found those of load or freeze")
        unknown = sorted(set(options) - {field.name for field in fields(CompileOptions)})
        if unknown:
            raise ArgumentError(f"with_options: expected options of compile, found {', '.join(unknown)}")
        changed = replace(self.options, **options)
        target = Target.resolve(changed.target)
        return CompiledModule(
            self._text,
            build(self._text, changed, target),
            self.signature,
            changed,
            target,
            slots=self._slots,
            tied=self._tied,
            form=self._form,
            name=self._name,
        )

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        """The tensors of the module's state by name, as they are now: parameters, buffers, constants.

        After `load` or `freeze` those that native code reads in another form are not there.
        """
        hidden = self._encoder.arguments if self._state.is_own else frozenset()
        named = zip(self._state.arguments, self._state.tensors(), strict=True)
        return {argument.name: tensor for argument, tensor in named if argument.native not in hidden}

    @property
    def encoded(self) -> dict[str, str]:
        """The parameters that native code reads as codes, by name, with their format: "lm8" or "bf16"."""
        arguments = self.signature.native_arguments
        return {arguments[number].name: item.format for number, item in self._encoder.encoded.items()}

    @property
    def packed(self) -> dict[str, int]:
        """The parameters that native code reads as panels, packed once, by name, with the columns of a panel."""
        arguments = self.signature.native_arguments
        return {arguments[number].name: item.width for number, item in self._encoder.packed.items()}

    def encode_again(self) -> None:
        """Encode and pack parameters anew at the next call: torch does not tell of writes through `.data` or NumPy.

        Raises `ArgumentError` after `load` and `freeze`: what the parameters were is not there any more.
        """
        if self._state.is_own:
            raise ArgumentError("encode_again: expected a module's parameters, found those of load or freeze")
        self._fast_calls.clear()
        self._state.forget()

    def load(self, path: str | os.PathLike[str]) -> CompiledModule:
        """Take parameters and buffers from a safetensors file, by the names of the module's state; return this.

        One tensor at a time is read, and packed or encoded where native code wants it so: besides what native code
        reads, memory holds no more than one. Other float dtypes are converted, checkpoints of narrow weights decoded. A
        buffer that is not in the file stays as it is. The module compiled from is not read any more, nor kept.

        Raises `ArgumentError` for a file that is none, and names the first parameter that is missing or does not fit.
        """
        with CheckpointReader(Path(path)) as file:

            def read(argument: Argument) -> torch.Tensor:
                names = (argument.name, *self._tied.get(argument.name, ()))
                name = next((name for name in names if name in file.names), None)
                if name is not None:
                    assert isinstance(argument.spec, TensorSpec)
                    return file.read(name, getattr(torch, argument.spec.dtype))
                if argument.kind == "parameter":
                    raise ArgumentError(f"{path}: expected a tensor {argument.name}, found none of that name")
                holder, key = self._slots[argument.name]
                tensor: torch.Tensor = holder[key]
                return tensor

            self._take(read)
        return self

    def freeze(self) -> CompiledModule:
        """Keep parameters and buffers as they are now, packed or encoded where native code wants it so; return this.

        The module compiled from is not read any more, nor kept: where nothing else keeps it, its memory is freed. What
        native code reads as it is, an embedding or a bias, is not copied.
        """
        tensors = self.parameters
        self._take(lambda argument: tensors[argument.name])
        return self

    def _take(self, read: Callable[[Argument], torch.Tensor]) -> None:
        if self._state.is_own:
            raise ArgumentError("expected a compiled module that reads its module, found one after load or freeze")
        self._state.take(read)
        self._fast_calls.clear()
        self._slots = {}

    def __repr__(self) -> str:
        lmul = "exact" if self.options.lmul is None else str(self.options.lmul)
        return f"CompiledModule({self._name or 'main'}{self.signature}, {lmul}, {self.target.cpu})"
