"""Training in phases: at full depth, then on from there with a schedule and, to compare, without one."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from ...compiler.skip_schedule import SkipSchedule
from ...errors import ArgumentError
from ...files import write_atomically
from .batches import Batches, batches, training_schedule
from .checkpoint import load_state, save_state
from .corpus import Corpus
from .model import Sizes, new_model, skipped_logits
from .phases import FULL, MIXED, PHASES, SCHEDULED

_STATE: Final = "state.safetensors"
_LOG: Final = "log.jsonl"
_LEAST_RATE: Final = 0.05
_LONGEST_NORM: Final = 1.0


@dataclass(frozen=True)
class Plan:
    """All that decides what comes of a training; two runs with one plan on one machine give the same weights."""

    sizes: Sizes = field(default_factory=Sizes)
    vocabulary: int = 4096
    full_tokens: int = 6_000_000
    """Tokens that the full model reads."""
    further_tokens: int = 6_000_000
    """Tokens that each of the two that go on from it reads."""
    rows: int = 8
    """Sequences of a batch."""
    rate: float = 3e-3
    """The highest learning rate, of each phase."""
    taught: float = 0.5
    """What the probabilities of the full model, at full depth, count for in the loss along schedules; the text counts
    for the rest. At 0 they are not computed."""
    seed: int = 0

    def steps(self, phase: str) -> int:
        """Return the number of steps of a phase."""
        tokens = {FULL: self.full_tokens, MIXED: self.full_tokens + self.further_tokens}.get(phase, self.further_tokens)
        return max(1, tokens // (self.rows * self.sizes.positions))


@dataclass(frozen=True)
class Step:
    """What a training step did."""

    phase: str
    step: int
    """Steps that are done, this one among them."""
    steps: int
    """Of the phase."""
    loss: float
    """Mean over the batch, of the text alone, in nats a token."""
    tokens: int
    """Read so far, in this phase."""
    seconds: float
    """Of this step."""


Report = Callable[[Step], object]


def device_of(name: str) -> torch.device:
    """Return a device: "auto" is the GPU where there is one. Raises ArgumentError where it is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ArgumentError("device: expected cpu, found cuda, of which torch sees none here")
    return torch.device(name)


def train(
    corpus: Corpus,
    plan: Plan,
    folder: Path,
    device: torch.device,
    report: Report,
    every: float = 60.0,
    phases: Sequence[str] = PHASES,
) -> None:
    """Train phases of a plan into folders of `folder`, going on where an earlier call was stopped.

    Each phase ends as a folder of a Hugging Face model with its tokenizer. Its state is saved every `every` seconds, so
    that a call that is killed loses no more. Raises ArgumentError where `folder` holds what another plan made, and for
    a phase that goes on from `FULL` where that is not there yet.
    """
    _check_plan(plan, folder)
    # On a GPU, products of f32 in TF32.
    torch.set_float32_matmul_precision("high" if device.type == "cuda" else "highest")
    data = batches(corpus, plan.sizes.positions, plan.rows, plan.seed)
    for phase in phases:
        if not is_trained(folder, phase):
            _run_phase(phase, corpus, plan, folder, data, device, report, every)


def is_trained(folder: Path, phase: str) -> bool:
    """Return whether a phase's model is there whole."""
    return (folder / phase / "done.json").is_file()


def trained_how(folder: Path, phase: str) -> dict[str, Any]:
    """Return the steps, tokens, seconds and device of a phase's training; raise ArgumentError where it is not done."""
    _check_trained(folder, phase)
    found: dict[str, Any] = json.loads((folder / phase / "done.json").read_text("utf-8"))
    return found


def load_trained(folder: Path, phase: str) -> Any:
    """Return the model of a phase in evaluation mode, f32, on the CPU; raise ArgumentError where it is not trained."""
    import transformers

    _check_trained(folder, phase)
    return transformers.OPTForCausalLM.from_pretrained(folder / phase, local_files_only=True, dtype="float32").eval()


def read_log(folder: Path, phase: str) -> list[dict[str, Any]]:
    """Return the steps that a phase logged, in order; those that were done twice after an interruption once."""
    path = folder / phase / _LOG
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    found: dict[int, dict[str, Any]] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:  # the last line of a run that was killed
            continue
        found[record["step"]] = record
    return [found[step] for step in sorted(found)]


def _check_trained(folder: Path, phase: str) -> None:
    if not is_trained(folder, phase):
        raise ArgumentError(f"{folder / phase}: expected a trained model, found none: run the training first")


def _check_plan(plan: Plan, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / "plan.json", json.dumps(asdict(plan), indent=2) + "\n"
    if path.is_file() and path.read_text("utf-8") != text:
        raise ArgumentError(f"{path}: expected the plan of this call, found another: choose another folder")
    write_atomically(path, text)


def _run_phase(
    phase: str,
    corpus: Corpus,
    plan: Plan,
    folder: Path,
    data: Batches,
    device: torch.device,
    report: Report,
    every: float,
) -> None:
    here, steps = folder / phase, plan.steps(phase)
    here.mkdir(exist_ok=True)
    anew = phase in (FULL, MIXED)
    model = new_model(plan.sizes, corpus.vocabulary, plan.seed) if anew else load_trained(folder, FULL)
    model.to(device).train()
    teacher = None
    if phase == SCHEDULED and plan.taught:
        teacher = load_trained(folder, FULL).to(device).requires_grad_(False)
    optimiser = _optimiser(model)
    done = load_state(here / _STATE, model, optimiser)
    # Those that go on read text that the full model has not read last.
    offset = 0 if anew else plan.steps(FULL)
    saved = time.monotonic()
    with (here / _LOG).open("a", encoding="utf-8") as log:
        for step in range(done, steps):
            begun = time.perf_counter()
            for group in optimiser.param_groups:
                group["lr"] = _rate(plan.rate, step, steps)
            schedule = None
            if phase in (SCHEDULED, MIXED):
                schedule = training_schedule(plan.sizes.layers, plan.sizes.positions, plan.seed, step)
            ids = data.at(offset + step).to(device)
            loss = _step(model, optimiser, ids, schedule, teacher, plan.taught)
            tokens = (step + 1) * plan.rows * plan.sizes.positions
            taken = Step(phase, step + 1, steps, loss, tokens, time.perf_counter() - begun)
            depth = None if schedule is None else round(schedule.mean_depth(), 3)
            log.write(json.dumps({"step": step + 1, "loss": loss, "seconds": taken.seconds, "depth": depth}) + "\n")
            report(taken)
            if time.monotonic() - saved > every:
                log.flush()
                save_state(here / _STATE, model, optimiser, step + 1)
                saved = time.monotonic()
    model.cpu().eval().save_pretrained(here)
    write_atomically(here / "tokenizer.json", corpus.tokenizer.to_str())
    seconds = sum(record["seconds"] for record in read_log(folder, phase))
    made = {"steps": steps, "tokens": steps * plan.rows * plan.sizes.positions, "seconds": seconds}
    write_atomically(here / "done.json", json.dumps({**made, "device": device.type}, indent=2) + "\n")
    (here / _STATE).unlink(missing_ok=True)


def _optimiser(model: torch.nn.Module) -> torch.optim.AdamW:
    """Return AdamW; matrices decay, biases and norms do not."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), foreach=False, fused=True)


def _rate(highest: float, step: int, steps: int) -> float:
    """Return the learning rate: up in a straight line over a twentieth of the steps, down along a cosine."""
    rising = max(1, steps // 20)
    if step < rising:
        return highest * (step + 1) / rising
    share = (step - rising) / max(1, steps - rising)
    return highest * (_LEAST_RATE + (1 - _LEAST_RATE) * (1 + math.cos(math.pi * share)) / 2)


def _step(
    model: torch.nn.Module,
    optimiser: torch.optim.AdamW,
    ids: torch.Tensor,
    schedule: SkipSchedule | None,
    teacher: torch.nn.Module | None,
    taught: float,
) -> float:
    """Train with ids int64 [rows, tokens + 1]; return the mean loss of the text, in nats a token."""
    logs = skipped_logits(model, ids[:, :-1], schedule).flatten(0, 1).log_softmax(-1)
    loss = of_text = torch.nn.functional.nll_loss(logs, ids[:, 1:].flatten())
    if teacher is not None:
        with torch.no_grad():
            wanted = skipped_logits(teacher, ids[:, :-1], None).flatten(0, 1).softmax(-1)
        # The divergence of the two but for what does not depend on the model.
        loss = (1 - taught) * of_text - taught * (wanted * logs).sum(-1).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), _LONGEST_NORM)
    optimiser.step()
    optimiser.zero_grad()
    return float(of_text.detach())
