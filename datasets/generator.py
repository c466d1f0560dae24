"""Text generation over a compiled decode step: batches, static caches, SkipDecode's depths."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Literal, TypeAlias

import torch

from ..compiler.api import compile as compile_module
from ..compiler.compiled import CompiledModule
from ..compiler.options import SkipPaths
from ..compiler.skip_schedule import SkipSchedule
from ..errors import ArgumentError
from ..kernels.lmul import LMul
from .bound_step import BoundStep
from .causal import config_of, end_tokens, own_head
from .decode import DecodeStep, cache_sizes, step_inputs
from .generation import Callback, Generation, GenerationTiming, GrowingRows
from .prefill import Prefill, step_widths
from .prompts import Prompts, read_prompts
from .sampling import Sampling

EndTokens: TypeAlias = int | Sequence[int] | Literal["model"] | None
Progress: TypeAlias = Callable[[int, int], object]
Choose: TypeAlias = Callable[[torch.Tensor], torch.Tensor | None]

_SLOTS = 16
"""The number of slots of a cache is a multiple of this."""


class Generator:
    """A causal language model compiled for generation: batches of at most `batch` rows, `context` tokens each.

    Compiled are a decode step of one token a row, at each depth of `skip`, and for prompts steps of several tokens: by
    default of 16, 64 and 256 in all rows, as far as the context is longer. With `prompt` it is one step, which fits the
    prompts whose longest has so many tokens; others take more steps. All steps read one copy of the weights and write
    the same caches in place.
    `weights`, `lmul`, `threads` and `cache_dir` are those of `slipstick.compile`. The weights are those of the moment:
    narrow ones are encoded here. So is a language head; if it is tied, the embeddings that are looked up stay f32.

    Works for the models that `DecodeStep` works for: OPT, GPT-2, LLaMA and its kind. Raises `ArgumentError` for sizes
    that the model cannot have; `IRError` where its layers are not found, which only `skip` asks for.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        batch: int = 1,
        context: int | None = None,
        prompt: int | None = None,
        skip: SkipPaths | None = None,
        lmul: LMul | None = None,
        weights: str = "f32",
        threads: int | None = None,
        cache_dir: str | None = None,
    ):
        config = config_of(model)
        longest = int(getattr(config, "max_position_embeddings", 0) or 2048)
        context = longest if context is None else context
        for name, value, most in (("batch", batch, 1 << 16), ("context", context, longest)):
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise ArgumentError(f"{name}: expected an integer from 1 to {most}, found {value!r}")
        if prompt is not None and (
            not isinstance(prompt, int) or isinstance(prompt, bool) or not 1 <= prompt < context
        ):
            raise ArgumentError(f"prompt: expected an integer from 1 to {context - 1} or None, found {prompt!r}")
        self.batch, self.context = batch, context
        """Rows at most, and tokens of a row at most, prompt and new ones together."""
        self.layers = int(config.num_hidden_layers)
        """Layers of the model."""
        self.vocabulary = int(config.vocab_size)
        self._end_tokens = end_tokens(model)
        if skip is not None and (skip.max_layers or 0) > self.layers:
            raise ArgumentError(
                f"skip: expected at most {self.layers} (the layers of the model), found {skip.max_layers}"
            )
        widths = step_widths(batch, context, prompt)
        # Slots for the padding of prompts that are shorter than the narrowest step; the decode step needs none.
        slack = 0 if prompt is not None else min(widths) - 1
        slots = -(-(context + slack) // _SLOTS) * _SLOTS
        self._slots = slots
        self.caches = tuple(torch.zeros(size) for size in cache_sizes(config, batch, slots))
        """Keys and values of each layer in turn, [batch, key heads, slots, head width]; all depths use the same."""
        options: dict[str, Any] = {"lmul": lmul, "weights": weights, "threads": threads, "cache_dir": cache_dir}
        # All steps read the same weights, so all read them where they lie.
        options["pack_weights"] = False
        start = time.perf_counter()
        was_training = model.training
        try:
            # A table that is looked up, too, cannot become codes; a head of its own can.
            with own_head(model) if weights != "f32" else nullcontext():
                self.step = self._compile(model, 1, {**options, "skip": skip})
                """The compiled decode step."""
                others = {tokens: self._compile(model, tokens, options) for tokens in widths if tokens > 1}
                for step in others.values():
                    step.share_weights(self.step)
                self.step.freeze()
        finally:
            model.train(was_training)
        if self.depths[-1] != self.layers:
            raise ArgumentError(f"skip: expected {self.layers} layers in the graph, found {self.depths[-1]}")
        self._decode = BoundStep(self.step, batch, 1, slots, self.caches)
        bound = {tokens: BoundStep(step, batch, tokens, slots, self.caches) for tokens, step in others.items()}
        self._prefill = Prefill({**bound, 1: self._decode}, batch, slack)
        self.compile_seconds = time.perf_counter() - start
        """Seconds that compiling took, or getting what was compiled from the cache."""

    def _compile(self, model: torch.nn.Module, tokens: int, options: dict[str, Any]) -> CompiledModule:
        inputs = step_inputs(torch.zeros(self.batch, tokens, dtype=torch.int64), first=0, context=self._slots)
        return compile_module(DecodeStep(model, last_only=tokens > 1).eval(), (*inputs, *self.caches), **options)

    @property
    def depths(self) -> tuple[int, ...]:
        """The depths that a schedule may have."""
        return self.step.depths or (self.layers,)

    @property
    def weight_bytes(self) -> int:
        """The memory of the weights, in bytes: one copy for the prefill and for the decode steps of all depths."""
        return self.step.weight_bytes

    @property
    def cache_bytes(self) -> int:
        """The memory of the caches of keys and values, in bytes; all depths use the same."""
        return sum(cache.nbytes for cache in self.caches)

    def generate(
        self,
        prompts: Prompts,
        max_new_tokens: int,
        *,
        attention_mask: torch.Tensor | None = None,
        schedule: SkipSchedule | None = None,
        sampling: Sampling | None = None,
        eos: EndTokens = "model",
        callback: Callback | None = None,
        progress: Progress | None = None,
    ) -> Generation:
        """Return up to `max_new_tokens` new tokens for each prompt, and how long they took.

        Prompts are padded on the left, so that they end at one position, and run at full depth; see `Prompts` for what
        they may be. The step whose input stands at position t, counted from the beginning of the longest prompt, runs
        `schedule.depth(t)` layers; without a schedule all. Tokens are chosen by `sampling`, by default the likeliest.
        A row ends with one of the tokens `eos`: "model" takes those of the model's configuration, None has none. After
        each new token `callback` is called with the token of each row, None of a row that has ended: what it returns
        does not matter. `progress` is called with the tokens that are through, prompt and new, and their number.

        Raises `ArgumentError` for prompts that are none, for more tokens than the context holds, and for a schedule
        whose depths were not compiled. One thread at a time may generate.
        """
        rows = read_prompts(prompts, attention_mask, self.vocabulary)
        self._check_sizes(rows, max_new_tokens)
        how = Sampling() if sampling is None else sampling
        ends = self._ends(eos)
        state = GrowingRows(rows, ends, callback)
        random = how.generator()

        def choose(logits: torch.Tensor) -> torch.Tensor | None:
            chosen = how.choose(logits, random)
            state.add(chosen.tolist())
            return None if state.all_ended else chosen

        return Generation(state.tokens, self.run(rows, max_new_tokens, choose, schedule, progress))

    def run(
        self,
        rows: list[list[int]],
        new: int,
        choose: Choose,
        schedule: SkipSchedule | None = None,
        progress: Progress | None = None,
    ) -> GenerationTiming:
        """Run prompts, token ids that are valid, then up to `new` - 1 decode steps; return how long they took.

        `choose` is called up to `new` times with the newest logits, f32 [rows, vocabulary], good until it returns.
        It returns the next token of each row, int64 [rows], or None to stop. For the rest see `generate`, which raises
        the same.
        """
        self._check_sizes(rows, new)
        self._check_schedule(schedule)
        report = progress or (lambda done, total: None)
        longest = max(map(len, rows))
        start, total = time.perf_counter(), longest + new
        seconds, depths = [], []
        with torch.inference_mode():
            filled = self._prefill.run(rows, longest, lambda done: report(done, total))
            self._decode.continue_from(filled.padding, filled.end)
            chosen = choose(filled.logits[: len(rows)])
            prefilled = time.perf_counter()
            report(longest + 1, total)
            for position in range(longest, total - 1):
                if chosen is None:
                    break
                depth = self.layers if schedule is None else schedule.depth(position)
                self._decode.advance(chosen, filled.first + position)
                begun = time.perf_counter()
                logits = self._decode.run(depth)
                seconds.append(time.perf_counter() - begun)
                depths.append(depth)
                chosen = choose(logits[: len(rows)])
                report(position + 2, total)
        end = time.perf_counter()
        return GenerationTiming(longest, prefilled - start, tuple(seconds), tuple(depths), end - start)

    def step_at(self, position: int) -> Callable[[int], torch.Tensor]:
        """Return a function that runs a decode step with a token at `position`, at a depth, for a look at its time.

        It reads the caches as they are and writes token 0. It holds until the next generation. Raises `ArgumentError`
        for a position that the context does not have.
        """
        if not 1 <= position < self.context:
            raise ArgumentError(f"position: expected 1 to {self.context - 1}, found {position}")
        self._decode.continue_from(torch.zeros(self.batch, dtype=torch.int64), position)
        self._decode.advance(torch.zeros(self.batch, dtype=torch.int64), position)
        return self._decode.run

    def _check_sizes(self, rows: list[list[int]], new: int) -> None:
        if len(rows) > self.batch:
            raise ArgumentError(f"prompts: expected at most {self.batch} (the batch), found {len(rows)}")
        if not isinstance(new, int) or isinstance(new, bool) or new < 1:
            raise ArgumentError(f"max_new_tokens: expected an integer of at least 1, found {new!r}")
        for number, row in enumerate(rows):
            if len(row) >= self.context:
                raise ArgumentError(
                    f"prompts[{number}]: expected fewer than {self.context} tokens (the context), found {len(row)}"
                )
        longest = max(map(len, rows))
        if longest + new > self.context:
            raise ArgumentError(
                f"max_new_tokens: expected at most {self.context - longest} behind a prompt of {longest} tokens in a "
                f"context of {self.context}, found {new}"
            )

    def _check_schedule(self, schedule: SkipSchedule | None) -> None:
        if schedule is None:
            return
        if not isinstance(schedule, SkipSchedule):
            raise ArgumentError(f"schedule: expected a SkipSchedule or None, found {type(schedule).__name__}")
        schedule.check_model(self.layers)
        compiled = self.step.options.skip
        reached = range(schedule.min_layers, schedule.max_layers + 1)
        missing = [depth for depth in reached if depth not in self.depths]
        if missing:
            known = ", ".join(map(str, self.depths))
            raise ArgumentError(f"schedule: expected depths that were compiled, {known}, found {missing[0]}")
        if compiled is not None and compiled.warmup != schedule.warmup:
            raise ArgumentError(
                f"schedule: expected the warmup that was compiled, {compiled.warmup}, found {schedule.warmup}"
            )

    def _ends(self, eos: EndTokens) -> frozenset[int]:
        if eos is None:
            return frozenset()
        if isinstance(eos, str):
            if eos != "model":
                raise ArgumentError(f'eos: expected token ids, "model" or None, found {eos!r}')
            return self._end_tokens
        tokens = [eos] if isinstance(eos, int) else eos
        for token in tokens:
            if not isinstance(token, int) or isinstance(token, bool) or not 0 <= token < self.vocabulary:
                raise ArgumentError(f"eos: expected token ids from 0 to {self.vocabulary - 1}, found {token!r}")
        return frozenset(tokens)


def generate(
    model: torch.nn.Module,
    prompts: Prompts,
    max_new_tokens: int,
    *,
    attention_mask: torch.Tensor | None = None,
    schedule: SkipSchedule | None = None,
    lmul: LMul | None = None,
    weights: str = "f32",
    threads: int | None = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    eos: EndTokens = "model",
    callback: Callback | None = None,
    progress: Progress | None = None,
    cache_dir: str | None = None,
) -> Generation:
    """Compile a causal language model of transformers and generate with it once; returns tokens and timing.

        tokens, timing = slipstick.generate(model, [[2, 31, 7], [2, 5]], 32)

    The context is as long as prompts and new tokens need, and one step fits the prompts. `temperature`, `top_k`,
    `top_p` and `seed` are those of `Sampling`: 0, the default, always takes the likeliest token. For the rest see
    `Generator`, which can be used again.
    """
    sampling = Sampling(temperature, top_k, top_p, seed)
    config = config_of(model)
    rows = read_prompts(prompts, attention_mask, int(config.vocab_size))
    if not isinstance(max_new_tokens, int) or isinstance(max_new_tokens, bool) or max_new_tokens < 1:
        raise ArgumentError(f"max_new_tokens: expected an integer of at least 1, found {max_new_tokens!r}")
    if schedule is not None and not isinstance(schedule, SkipSchedule):
        raise ArgumentError(f"schedule: expected a SkipSchedule or None, found {type(schedule).__name__}")
    longest, positions = max(map(len, rows)), int(getattr(config, "max_position_embeddings", 0) or 2048)
    if longest + max_new_tokens > positions:
        raise ArgumentError(
            f"prompts: expected at most {positions} tokens (the positions of the model), prompt and new ones together, "
            f"found {longest} and {max_new_tokens}"
        )
    generator = Generator(
        model,
        batch=len(rows),
        context=longest + max_new_tokens,
        prompt=longest,
        skip=None if schedule is None else schedule.paths,
        lmul=lmul,
        weights=weights,
        threads=threads,
        cache_dir=cache_dir,
    )
    return generator.generate(
        rows, max_new_tokens, schedule=schedule, sampling=sampling, eos=eos, callback=callback, progress=progress
    )
