"""Which contractions read a parameter as panels, in the entry function and in those that it is passed to."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..bindings import func, ir
from ..kernels.decision import DECISION_ATTRIBUTE, ContractionSchedule, read_decision
from ..kernels.lmul import Rounding
from ..kernels.panels import panel_count
from .base import PassContext
from .calls import Calls, Slot
from .contraction_dims import canonical_dims, is_permuted, operand_dims
from .encode_weights import parameters
from .lmul_scope import MARK, read_mark


@dataclass(frozen=True)
class Form:
    """How a contraction wants a matrix of weights packed."""

    axis: int
    """The dimension of the matrix that counts output channels."""
    width: int
    """Columns a panel."""
    mantissa_bits: int | None = None
    rounding: Rounding | None = None
    """Of L-Mul under `finite`, whose operands the elements are; None: they are the matrix's own."""

    def panels(self, matrix: ir.RankedTensorType) -> ir.RankedTensorType:
        """Return the type of the panels of a matrix."""
        columns, depth = matrix.shape[self.axis], matrix.shape[1 - self.axis]
        return ir.RankedTensorType.get([panel_count(columns, self.width), depth, self.width], matrix.element_type)


@dataclass
class WeightReaders:
    """The readers of each parameter that can read panels.

    A function takes panels for an argument that contractions alone read, in one form, if each call of it passes a
    parameter of the entry that all contractions that can read panels read in that form.
    """

    calls: Calls
    entry: func.FuncOp
    slots: dict[Slot, Form] = field(default_factory=dict)
    """The arguments of called functions that take panels, and of which form."""
    _own: dict[int | Slot, dict[ir.Operation, Form]] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: func.FuncOp, calls: Calls, ctx: PassContext) -> WeightReaders:
        """Return those of a module with that entry."""
        found = cls(calls, entry)
        numbers = parameters(entry)
        for number in numbers:
            found._own[number] = _contractions(entry.arguments[number], ctx)
        for slot in dict.fromkeys(slot for number in numbers for slot in calls.slots(entry.arguments[number])):
            argument = calls.argument(slot)
            readers = found._own[slot] = _contractions(argument, ctx)
            forms = set(readers.values())
            if len(forms) == 1 and len(readers) == len(list(argument.uses)):
                found.slots[slot] = forms.pop()
        known = set(numbers)
        # What one function cannot take as panels, others that are passed the same parameter may not be able to, either.
        while unfit := [slot for slot in found.slots if not found._fits(slot, known)]:
            for slot in unfit:
                del found.slots[slot]
        return found

    def forms(self, number: int) -> set[Form]:
        """Return the forms that argument `number` of the entry is read in."""
        passed = (self.slots.get(slot) for slot in self.calls.slots(self.entry.arguments[number]))
        return {*self._own[number].values(), *(form for form in passed if form is not None)}

    def contractions(self, place: int | Slot) -> list[ir.Operation]:
        """Return the contractions that read an argument, of the entry or of another function, and can read panels."""
        return list(self._own[place])

    def takes_panels(self, use: ir.OpOperand) -> bool:
        """Tell whether a value is used there by being passed to a function that takes panels."""
        call = use.owner.operation
        if call.name != "func.call":
            return False
        return (ir.FlatSymbolRefAttr(call.attributes["callee"]).value, int(use.operand_number)) in self.slots

    def _fits(self, slot: Slot, numbers: set[int]) -> bool:
        """Tell whether all that is passed as `slot` are parameters to be packed in the form that it is read in."""
        for value in self.calls.passed(slot):
            if not isinstance(value, ir.BlockArgument) or value.owner != self.entry.regions[0].blocks[0]:
                return False
            if value.arg_number not in numbers or self.forms(value.arg_number) != {self.slots[slot]}:
                return False
        return True


def _contractions(argument: ir.Value, ctx: PassContext) -> dict[ir.Operation, Form]:
    """Return the contractions that read an argument as B and can read panels, each with the form it wants."""
    if not _is_static_matrix(argument.type):
        return {}
    found: dict[ir.Operation, Form] = {}
    for use in argument.uses:
        user = use.owner.operation
        is_product = user.name == "linalg.matmul" and use.operand_number == 1 and is_permuted(user)
        if not is_product or DECISION_ATTRIBUTE not in user.attributes:
            continue
        try:
            schedule = read_decision(user)
        except ValueError as problem:
            raise ctx.fail(user, str(problem)) from problem
        if isinstance(schedule, ContractionSchedule):
            axis = operand_dims(user)[1].index(canonical_dims(user)[1][-1])
            lmul = read_mark(user, ctx) if MARK in user.attributes else None
            if lmul is not None and lmul.specials == "finite":
                found[user] = Form(axis, schedule.tile_columns, lmul.mantissa_bits, lmul.rounding)
            else:
                found[user] = Form(axis, schedule.tile_columns)
    return found


def _is_static_matrix(type_: ir.Type) -> bool:
    return (
        isinstance(type_, ir.RankedTensorType)
        and type_.rank == 2
        and type_.has_static_shape
        and isinstance(type_.element_type, ir.F32Type | ir.F64Type)
    )
