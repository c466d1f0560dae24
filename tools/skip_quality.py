"""Measures the quality of trained models along schedules, in the arithmetics of the SkipDecode study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import torch

from ..compiler.skip_schedule import SkipSchedule
from ..datasets.language.batches import WARMUP_LAYERS
from ..datasets.language.corpus import HELD_OUT, Corpus
from ..datasets.language.phases import FULL, SCHEDULED
from ..datasets.language.train import load_trained
from ..datasets.scoring import Scores
from ..datasets.skip_cost import schedule_of_mean
from .progress import Steps
from .skip_arithmetic import ARITHMETICS, EXACT, Arithmetic, CompiledScorer, Scorer, TorchScorer, compiled
from .skip_results import SHARES, Quality, quality

BY_TORCH: Final = f"{EXACT.name}, by torch"
"""What figures of torch's forward pass along a schedule are called."""


@dataclass(frozen=True)
class Settings:
    """What is measured; the fields are flags of the command."""

    folder: Path
    tokens: int
    """Of a window."""
    prompt: int
    """Its first tokens, which run at full depth."""
    windows: int
    """Of each part of the text that torch scores, in exact arithmetic."""
    few_windows: int
    """Of each part that every other arithmetic scores."""
    batch: int
    """Rows of compiled steps."""
    rounds: int
    """Timed generations along each schedule."""
    threads: int

    def schedules(self, layers: int) -> dict[float, SkipSchedule]:
        """Return the schedule of each share."""
        return study_schedules(layers, self.prompt, self.tokens)


def study_schedules(layers: int, prompt: int, tokens: int) -> dict[float, SkipSchedule]:
    """Return the schedule of each share for windows of `tokens`, the first `prompt` of them at full depth."""
    return {
        share: schedule_of_mean(layers, share, warmup=WARMUP_LAYERS, start=prompt, length=tokens - 1)
        for share in SHARES
    }


@dataclass(frozen=True)
class Windows:
    """Held-out text in windows of one length."""

    ids: torch.Tensor
    """int64 [windows, tokens]."""
    parts: tuple[str, ...]
    """The part of the text that each is of."""


def windows(corpus: Corpus, tokens: int, most: int) -> Windows:
    """Return up to `most` windows of each part of the held-out text, evenly spaced, those of a part together."""
    ids, parts = [], []
    for part in corpus.parts:
        blocks = corpus.blocks(part, HELD_OUT, tokens)
        count = min(most, len(blocks))
        ids.append(blocks[torch.arange(count) * len(blocks) // count])
        parts += [part] * count
    return Windows(torch.cat(ids), tuple(parts))


def measure_by_torch(settings: Settings, corpus: Corpus, phases: Sequence[str], steps: Steps) -> tuple[Quality, ...]:
    """Return the quality of trained models along every schedule, many windows scored by torch in exact arithmetic."""
    models = {phase: load_trained(settings.folder, phase) for phase in phases}
    text = windows(corpus, settings.tokens, settings.windows)
    with steps.step("continue prompts with the full model"):
        continued = _continued(models[FULL], corpus, settings)
    scorers: dict[str, Scorer] = {phase: TorchScorer(model) for phase, model in models.items()}
    schedules = settings.schedules(models[FULL].config.num_hidden_layers)
    scored = _score(BY_TORCH, scorers, text, continued, schedules, settings.prompt, steps)
    return tuple(_figures(BY_TORCH, scored, scored, text, schedules))


def measure_arithmetics(settings: Settings, corpus: Corpus, steps: Steps) -> tuple[Quality, ...]:
    """Return the quality of the full model and the one trained with schedules, in each arithmetic, on few windows."""
    models = {phase: load_trained(settings.folder, phase) for phase in (FULL, SCHEDULED)}
    text = windows(corpus, settings.tokens, settings.few_windows)
    with steps.step("continue prompts with the full model"):
        continued = _continued(models[FULL], corpus, settings)
    schedules = settings.schedules(models[FULL].config.num_hidden_layers)
    found, exact = [], _Scored()
    for arithmetic in ARITHMETICS:
        scorers = _scorers(arithmetic, models, settings, steps)
        scored = _score(arithmetic.name, scorers, text, continued, schedules, settings.prompt, steps)
        exact = exact or scored
        found += _figures(arithmetic.name, scored, exact, text, schedules)
    return tuple(found)


@torch.inference_mode()
def _continued(model: Any, corpus: Corpus, settings: Settings) -> torch.Tensor:
    """Return prompts of held-out text with the model's likeliest continuations behind them, int64 [rows, tokens]."""
    prompts = windows(corpus, settings.tokens, settings.few_windows).ids[:, : settings.prompt]
    # Its end token only ends a document here: another follows.
    made: torch.Tensor = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        max_new_tokens=settings.tokens - settings.prompt,
        do_sample=False,
        eos_token_id=None,
    )
    return made


_Scored = dict[tuple[str, float], tuple[Scores, Scores]]
"""By model and share: the scores of the windows, and those of the full model's continuations."""


def _scorers(arithmetic: Arithmetic, models: Mapping[str, Any], settings: Settings, steps: Steps) -> dict[str, Scorer]:
    found: dict[str, Scorer] = {}
    for phase, model in models.items():
        if arithmetic.is_compiled:
            with steps.step(f"compile {phase}, {arithmetic.name}"):
                made = compiled(model, arithmetic, settings.batch, settings.tokens, settings.threads, settings.prompt)
            found[phase] = CompiledScorer(made)
        else:
            found[phase] = TorchScorer(model, arithmetic.float8)
    return found


def _score(
    name: str,
    scorers: Mapping[str, Scorer],
    text: Windows,
    continued: torch.Tensor,
    schedules: Mapping[float, SkipSchedule],
    prompt: int,
    steps: Steps,
) -> _Scored:
    found: _Scored = {}
    with steps.step(f"score, {name}", len(scorers) * len(schedules)) as advance:
        for (phase, scorer), (share, schedule) in product(scorers.items(), schedules.items()):
            found[phase, share] = scorer(text.ids, prompt, schedule), scorer(continued, prompt, schedule)
            advance()
    return found


def _figures(
    name: str, scored: _Scored, exact: _Scored, text: Windows, schedules: Mapping[float, SkipSchedule]
) -> list[Quality]:
    full = exact[FULL, max(schedules)][0]
    return [
        quality(
            phase,
            name,
            share,
            schedules[share].mean_depth(),
            scores,
            agreement,
            full=full,
            exact=exact[phase, share][0],
            parts=text.parts,
        )
        for (phase, share), (scores, agreement) in scored.items()
    ]
