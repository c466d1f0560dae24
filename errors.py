"""The one error family: everything slipstick raises on purpose derives from `SlipstickError`."""

from __future__ import annotations


class SlipstickError(Exception):
    """Base of every error that slipstick raises; its text is complete and fit to be shown to a user."""


class IRError(SlipstickError):
    """MLIR that does not parse, verify or lower.

    The text is a sequence of lines `file:line:col: error: message`, notes included, as mlir-opt prints them.
    """


class PipelineError(SlipstickError):
    """A pass pipeline's text is malformed, names an unknown pass, or gives a pass an option it does not have."""


class ArgumentError(SlipstickError, TypeError, ValueError):
    """An argument has a wrong type, dtype, rank, shape or value; the text names it, what was expected and found."""


class GraphError(SlipstickError):
    """A torch graph that cannot be exported or imported; the text names the operation and its torch source line."""

    def __init__(self, text: str, operation: str = ""):
        super().__init__(text)
        self.operation = operation
        """The operation that was refused, without `.default`: `aten.median`; "" where it is none alone."""


class CodegenError(SlipstickError):
    """LLVM refused a module, a CPU is unknown, or no object code can be made for the target."""
