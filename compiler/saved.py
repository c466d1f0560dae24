"""Compiled modules in files: code, weights as native code reads them, and what a caller must know.

The file is a safetensors file. Its tensors are the object code, `slipstick.object`, and the state: a tensor that native
code reads as it is under its own name, one that it reads packed or encoded as `NAME:N`, N the number of the native
argument. The metadata hold

    slipstick.module   JSON: version, CPU, options, signature, form of calls, SHA-256 of each tensor
    slipstick.sha256   of that text

Reading it takes no torch-mlir. The digests tell damage, not malice: a file that is loaded is executed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from ..errors import ArgumentError, CodegenError
from ..kernels.lmul import LMul
from ..target import Target
from . import codegen
from .artifact import Artifact, Built
from .options import CompileOptions
from .safetensors_file import DTYPE_NAMES, Entry, SafetensorsReader, SafetensorsWriter
from .signature_json import form_of, form_to_json, signature_of, signature_to_json
from .state import Slot

if TYPE_CHECKING:
    from .compiled import CompiledModule

FORMAT: Final = 1
"""Of files, and of what native code and its callers agree on."""
MODULE_KEY: Final = "slipstick.module"
DIGEST_KEY: Final = "slipstick.sha256"
OBJECT: Final = "slipstick.object"


def save(module: CompiledModule, path: Path) -> None:
    """Write a module; see `CompiledModule.save`."""
    artifact = module._built.artifact
    code = torch.frombuffer(bytearray(artifact.code), dtype=torch.uint8)
    tensors, state = _state(module)
    tensors[OBJECT] = code
    plan = {}
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPE_NAMES:
            raise ArgumentError(f"{name}: a tensor of {tensor.dtype} cannot be saved")
        plan[name] = Entry(DTYPE_NAMES[tensor.dtype], tuple(tensor.shape), tensor.nbytes)
    options = module.options
    manifest = {
        "format": FORMAT,
        "slipstick": _version("slipstick"),
        "torch": torch.__version__,
        "name": module._name,
        "target": asdict(module.target),
        "options": {
            "lmul": None if options.lmul is None else asdict(options.lmul),
            "weights": options.weights,
            "threads": options.threads,
            "pack_weights": options.pack_weights,
        },
        # A module of another depth is entered at its own path.
        "artifact": replace(artifact, entry=module._entry).head(),
        "signature": signature_to_json(module.signature),
        "form": None if module._form is None else form_to_json(module._form),
        "state": state,
        "sha256": {name: _digest(tensor) for name, tensor in tensors.items()},
    }
    text = json.dumps(manifest)
    metadata = {MODULE_KEY: text, DIGEST_KEY: hashlib.sha256(text.encode()).hexdigest()}
    with SafetensorsWriter(path, plan, metadata) as file:
        for name, tensor in tensors.items():
            file.write(name, tensor)


def _state(module: CompiledModule) -> tuple[dict[str, torch.Tensor], dict[str, dict[str, str]]]:
    """Return the tensors to write by name, and of each state argument their names by native argument; "": as it is."""
    tensors: dict[str, torch.Tensor] = {}
    state: dict[str, dict[str, str]] = {}
    encoder = module._weights.encoder
    for argument, tensor in zip(module._weights.state.arguments, module._weights.state.tensors(), strict=True):
        if argument.native is not None and argument.native in encoder.arguments:
            native = encoder.native(argument.native, tensor, f"{argument.kind} {argument.name}")
            state[argument.name] = {str(number): f"{argument.name}:{number}" for number, _ in native}
            tensors.update((f"{argument.name}:{number}", part) for number, part in native)
        else:
            state[argument.name] = {"": argument.name}
            tensors[argument.name] = tensor.detach().contiguous()
    return tensors, state


def load(path: Path) -> CompiledModule:
    """Read a module that `save` has written; see `slipstick.load`."""
    from .compiled import CompiledModule

    start = time.perf_counter()
    with SafetensorsReader(path) as file:
        manifest = _manifest(file)
        target = Target(**{**manifest["target"], "features": tuple(manifest["target"]["features"])})
        if not target.is_host_compatible():
            raise CodegenError(_foreign(path, target))
        tensors = {name: _checked(file, name, digest) for name, digest in manifest["sha256"].items()}
    artifact = Artifact.of_head(manifest["artifact"], tensors.pop(OBJECT).numpy().tobytes())
    signature = signature_of(manifest["signature"])
    held: dict[str, Any] = {}
    slots: dict[str, Slot] = {name: (held, name) for name in manifest["state"]}
    lmul = manifest["options"]["lmul"]
    module = CompiledModule(
        "",
        Built(artifact, codegen.load_object(artifact.code), False),
        signature,
        CompileOptions(**{**manifest["options"], "lmul": None if lmul is None else LMul(**lmul)}, target=target),
        target,
        slots=slots,
        form=None if manifest["form"] is None else form_of(manifest["form"]),
        name=manifest["name"],
    )
    module._weights.state.is_own = True
    for argument in module._weights.state.arguments:
        names = manifest["state"][argument.name]
        if "" in names:
            held[argument.name] = tensors[names[""]]
        else:
            native = [(int(number), tensors[name]) for number, name in names.items()]
            held[argument.name] = module._weights.encoder.keep(argument, native)
    module.timings["load"] = time.perf_counter() - start
    return module


def _manifest(file: SafetensorsReader) -> Mapping[str, Any]:
    text = file.metadata.get(MODULE_KEY)
    if text is None:
        raise ArgumentError(f"{file.path}: expected a file that CompiledModule.save has written: it holds no module")
    if hashlib.sha256(text.encode()).hexdigest() != file.metadata.get(DIGEST_KEY):
        raise ArgumentError(f"{file.path}: it was changed after it was written: the SHA-256 of its head is another")
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != FORMAT:
        written = f"{manifest.get('format')} (slipstick {manifest.get('slipstick')})"
        raise ArgumentError(f"{file.path}: expected a file of format {FORMAT}, found format {written}: save it again")
    return manifest


def _checked(file: SafetensorsReader, name: str, digest: str) -> torch.Tensor:
    if name not in file.entries:
        raise ArgumentError(f"{file.path}: it was changed after it was written: {name} is missing")
    tensor = file.read(name)
    if _digest(tensor) != digest:
        raise ArgumentError(f"{file.path}: it was changed after it was written: the SHA-256 of {name} is another")
    return tensor


def _foreign(path: Path, target: Target) -> str:
    host = Target.host()
    if target.architecture != host.architecture:
        return f"{path}: its code is for {target}, this machine is {host}"
    lacks = ", ".join(sorted(set(target.features) - set(host.features)))
    return f"{path}: its code is for {target.cpu}, which has {lacks}; this machine ({host.cpu}) has not"


def _digest(tensor: torch.Tensor) -> str:
    memory: Any = tensor.contiguous().reshape(-1).view(torch.uint8).numpy()
    return hashlib.sha256(memory).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
