"""Which compiled steps take a prompt: fewest weights read, nothing missed, padding within its slots."""

from __future__ import annotations

import pytest
from slipstick.datasets.prefill import Prefill, step_widths, steps_of


def test_steps_are_a_ladder_or_fit_prompts_of_one_length():
    assert step_widths(1, 512, None) == (256, 64, 16)
    assert step_widths(8, 33, None) == (32, 8, 2)
    assert step_widths(8, 32, None) == (8, 2)
    assert step_widths(1, 8, None) == (16,)
    assert step_widths(64, 512, None) == (4, 1)
    assert step_widths(1, 512, 240) == (240,)
    # Three parts of at most 512 tokens in 8 rows.
    assert step_widths(8, 256, 190) == (64,)


def test_steps_of_a_prompt_read_the_weights_as_seldom_as_pays():
    ladder = (256, 64, 16, 1)
    assert steps_of(16, ladder, 1) == (16,)
    assert steps_of(17, ladder, 1) == (16, 1)
    assert steps_of(300, ladder, 1) == (256, 64)
    assert steps_of(480, (240, 1), 1) == (240, 240)
    # One token of a step that must be read again in vain costs less than the same step in single tokens.
    assert steps_of(230, (240, 1), 1) == (240,)


@pytest.mark.parametrize(("batch", "context", "prompt"), [(1, 600, None), (8, 200, None), (2, 64, 40), (1, 9, None)])
def test_steps_cover_every_prompt_and_pad_no_more_than_there_are_slots(batch, context, prompt):
    widths = step_widths(batch, context, prompt)
    slack = 0 if prompt is not None else min(widths) - 1
    prefill = Prefill(dict.fromkeys((*widths, 1)), batch, slack)  # type: ignore[arg-type]
    for longest in range(1, context):
        steps = prefill.widths(longest)
        assert sum(steps) >= longest and list(steps) == sorted(steps, reverse=True)
        # All but the last are needed whole; a single one may be padded.
        assert sum(steps[:-1]) < longest and steps[0] <= longest + slack
