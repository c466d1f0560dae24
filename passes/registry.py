"""The passes of slipstick, listed once."""

from __future__ import annotations

from collections.abc import Iterable

from .annotate_kernels import AnnotateKernels
from .approximate_math import ApproximateMath
from .asserts_to_status import AssertsToStatus
from .base import NamedPipeline, Pass
from .encode_weights import EncodeWeights
from .finish_kernels import FinishKernels
from .flatten_batches import FlattenBatches
from .fold_transposes import FoldTransposes
from .fuse_attention import FuseAttention
from .fuse_elementwise import FuseElementwise
from .isolate_buffers import IsolateBuffers
from .lmul import RewriteMultiplies
from .lmul_mark import MarkMultiplies
from .lmul_report import ReportMultiplies
from .lower_attention import LowerAttention
from .lower_contractions import LowerContractions
from .outline_kernels import OutlineKernels
from .parallelise_kernels import ParalleliseKernels
from .prepare_entry import PrepareEntry
from .reassociate_reductions import ReassociateReductions
from .schedule_attention import ScheduleAttention
from .schedule_contractions import ScheduleContractions
from .set_stage import SetStage

PASSES: tuple[type[Pass], ...] = (
    PrepareEntry,
    MarkMultiplies,
    RewriteMultiplies,
    ReportMultiplies,
    EncodeWeights,
    FuseAttention,
    FlattenBatches,
    FoldTransposes,
    FuseElementwise,
    ScheduleAttention,
    ScheduleContractions,
    ReassociateReductions,
    IsolateBuffers,
    LowerAttention,
    LowerContractions,
    OutlineKernels,
    ParalleliseKernels,
    FinishKernels,
    ApproximateMath,
    AssertsToStatus,
    AnnotateKernels,
    SetStage,
)
"""Every pass of slipstick, in the order of `--help`."""


class Registry:
    """The names that a pipeline may use besides the passes of MLIR itself."""

    def __init__(self, passes: Iterable[type[Pass]], pipelines: Iterable[type[NamedPipeline]] = ()):
        self.passes = {cls.name: cls for cls in passes}
        self.pipelines = {cls.name: cls for cls in pipelines}

    def lookup(self, name: str) -> type[Pass] | type[NamedPipeline] | None:
        """Return what is called `name`; `None` when slipstick has nothing of that name."""
        return self.passes.get(name) or self.pipelines.get(name)


DEFAULT = Registry(PASSES)
"""The passes alone; the tool adds the compiler's stages."""
