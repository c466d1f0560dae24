"""The peers: other ways to make a torch graph fast on a CPU, each with the settings that were found to be its best."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..errors import SlipstickError
from .bench_iree import prepare_iree
from .bench_subjects import Contender, Prepared
from .bench_workload import Workload
from .output import quiet


def _inductor(workload: Workload) -> Prepared:
    form = workload.form
    options: dict[str, Any] = {"max_autotune": True, "freezing": True}
    run: Callable[..., Any] = torch.compile(form.module, dynamic=False, fullgraph=True, options=options)
    inputs = form.inputs
    # Weights are frozen, packed by oneDNN, only where nothing asks for gradients.
    with quiet(), torch.no_grad():
        run(*inputs)
    settings = "torch.compile(dynamic=False, fullgraph=True, options={max_autotune, freezing}), no_grad"
    return Prepared(form, lambda: run(*inputs), settings, torch.no_grad)


def _onnxruntime(workload: Workload) -> Prepared:
    import onnxruntime

    form = workload.functional
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = workload.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Its threads would go on spinning while another subject runs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(workload.onnx), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    inputs, results = session.get_inputs(), session.get_outputs()
    if len(inputs) != len(form.inputs) or len(results) != len(form.expected):
        raise SlipstickError(
            f"the ONNX file takes {len(inputs)} inputs and has {len(results)} results; expected "
            f"{len(form.inputs)} and {len(form.expected)}"
        )
    outputs = [torch.empty_like(tensor) for tensor in form.expected]
    for bind, places, tensors in (
        (binding.bind_input, inputs, form.inputs),
        (binding.bind_output, results, outputs),
    ):
        for place, tensor in zip(places, tensors, strict=True):
            kind = tensor.numpy().dtype
            bind(place.name, "cpu", 0, kind, tuple(tensor.shape), tensor.data_ptr())

    def run() -> list[torch.Tensor]:
        session.run_with_iobinding(binding)
        return outputs

    settings = "torch.onnx.export(dynamo=True, optimize=True), ORT_ENABLE_ALL, intra-op threads, io binding"
    return Prepared(form, run, settings, phases={"export to ONNX": workload.onnx_seconds})


def _openvino(workload: Workload) -> Prepared:
    import openvino

    form = workload.functional
    with quiet(), contextlib.redirect_stdout(None), torch.no_grad():
        model = openvino.convert_model(torch.export.export(form.module, form.inputs))
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": workload.threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    for number, tensor in enumerate(form.inputs):
        request.set_input_tensor(number, openvino.Tensor(tensor.numpy(), shared_memory=True))
    numbers = range(len(compiled.outputs))

    def run() -> list[np.ndarray]:
        request.infer()
        return [request.get_output_tensor(number).data for number in numbers]

    words = ", ".join(f"{name} {value}" for name, value in settings.items())
    return Prepared(form, run, f"convert_model(torch.export), {words}, shared input tensors")


PEERS: tuple[Contender, ...] = (
    Contender("inductor", "peer", _inductor, {"torch": "torch"}),
    Contender(
        "onnxruntime",
        "peer",
        _onnxruntime,
        {"onnxruntime": "onnxruntime", "onnx": "onnx", "onnxscript": "onnxscript"},
    ),
    Contender("openvino", "peer", _openvino, {"openvino": "openvino"}),
    Contender(
        "iree",
        "peer",
        prepare_iree,
        {
            "iree-base-compiler": "iree.compiler",
            "iree-base-runtime": "iree.runtime",
            "onnx": "onnx",
            "onnxscript": "onnxscript",
        },
    ),
)
