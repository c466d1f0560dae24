"""The passes of slipstick, listed once."""

from __future__ import annotations

from collections.abc import Iterable

from .annotate_kernels import AnnotateKernels
from .approximate_math import ApproximateMath
from .asserts_to_status import AssertsToStatus
from .base import NamedPipeline, Pass
from .convolutions_to_products import ConvolutionsToProducts
from .cut_layers import CutLayers
from .decide import Decide
from .drop_unread_arguments import DropUnreadArguments
from .drop_unread_results import DropUnreadResults
from .empty_outputs import EmptyOutputs
from .encode_weights import EncodeWeights
from .finish_kernels import FinishKernels
from .flatten_batches import FlattenBatches
from .fold_scatter_sums import FoldScatterSums
from .fold_transposes import FoldTransposes
from .fuse_attention import FuseAttention
from .fuse_elementwise import FuseElementwise
from .fuse_epilogues import FuseEpilogues
from .fuse_rows import FuseRows
from .guard_angles import GuardAngles
from .guard_divisions import GuardDivisions
from .hoist_preparations import HoistPreparations
from .inline_allocation_scopes import InlineAllocationScopes
from .inline_splats import InlineSplats
from .isolate_buffers import IsolateBuffers
from .lmul import RewriteMultiplies
from .lmul_mark import MarkMultiplies
from .lmul_report import ReportMultiplies
from .lower_attention import LowerAttention
from .lower_contractions import LowerContractions
from .masks_as_bits import MasksAsBits
from .narrow_variance import NarrowVariance
from .outline_kernels import OutlineKernels
from .outline_layers import OutlineLayers
from .overwrite_arguments import OverwriteArguments
from .pack_weights import PackWeights
from .parallelise_kernels import ParalleliseKernels
from .plan_arena import PlanArena
from .prepare_entry import PrepareEntry
from .reassociate_reductions import ReassociateReductions
from .results_to_arguments import ResultsToArguments
from .scatters_to_loops import ScattersToLoops
from .schedule_attention import ScheduleAttention
from .schedule_contractions import ScheduleContractions
from .schedule_nests import ScheduleNests
from .set_stage import SetStage
from .skip_decode import SkipDecode
from .specialise_kernels import SpecialiseKernels
from .split_empty_tensors import SplitEmptyTensors
from .stack_temporaries import StackTemporaries
from .trim_entry import TrimEntry
from .vectorise_rows import VectoriseRows
from .windows_along_rows import WindowsAlongRows

PASSES: tuple[type[Pass], ...] = (
    PrepareEntry,
    MarkMultiplies,
    RewriteMultiplies,
    ReportMultiplies,
    EncodeWeights,
    ConvolutionsToProducts,
    WindowsAlongRows,
    FuseAttention,
    FlattenBatches,
    FoldScatterSums,
    FoldTransposes,
    DropUnreadArguments,
    DropUnreadResults,
    HoistPreparations,
    InlineSplats,
    EmptyOutputs,
    NarrowVariance,
    FuseElementwise,
    FuseRows,
    ScheduleAttention,
    ScheduleContractions,
    PackWeights,
    FuseEpilogues,
    ReassociateReductions,
    ScheduleNests,
    Decide,
    ScattersToLoops,
    SplitEmptyTensors,
    CutLayers,
    OutlineLayers,
    SkipDecode,
    IsolateBuffers,
    OverwriteArguments,
    ResultsToArguments,
    LowerAttention,
    LowerContractions,
    OutlineKernels,
    VectoriseRows,
    GuardAngles,
    GuardDivisions,
    ParalleliseKernels,
    InlineAllocationScopes,
    SpecialiseKernels,
    StackTemporaries,
    PlanArena,
    FinishKernels,
    MasksAsBits,
    ApproximateMath,
    AssertsToStatus,
    AnnotateKernels,
    TrimEntry,
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
