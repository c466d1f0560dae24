"""What the judge of fuzzed graphs takes for rounding, and what for wrong."""

from __future__ import annotations

import torch
from fuzz.compare import Exact, compare
from fuzz.recipe import Leaf, Recipe, Step
from fuzz.rounding import Rounding


def graph(template: str, *leaves: Leaf) -> Recipe:
    """Return a graph of one step."""
    return Recipe(leaves, (Step(template, tuple(range(len(leaves)))),), (len(leaves),))


def is_right(recipe: Recipe, found: torch.Tensor) -> bool:
    """Tell whether the judge takes `found` for the result of a recipe with one output."""
    rounding, output = Rounding(recipe), recipe.outputs[0]
    exact = Exact(lambda: [rounding.wide[output]], [rounding.determined[output]], lambda: [rounding.is_finite[output]])
    expected = recipe.values()[output]
    difference, _ = compare([found], [expected], lambda seed: [rounding.noisy(seed)[output]], exact)
    return difference is None


def changed(value: torch.Tensor, place: tuple[int, ...], number: float) -> torch.Tensor:
    value = value.clone()
    value[place] = number
    return value


SPECIAL = Leaf((9, 5), "float32", "special", 3)
NORMAL = Leaf((9, 5), "float32", "normal", 3)


def test_errors_beside_great_numbers_are_seen():
    """What is off by a thousandth of itself is wrong, and were there 1e9 beside it."""
    recipe = graph("torch.exp({0}.clamp(max=8.0)) + {0}.abs()", SPECIAL)
    value = recipe.values()[1]
    assert value[value.isfinite()].max() >= 1e9
    assert is_right(recipe, value)
    assert not is_right(recipe, torch.where(value.abs() < 10, value * 1.001, value))


def test_sums_may_differ_by_what_their_terms_cancel():
    scaled = Step("torch.cat([{0} * 1048576, {0}, {0} * -1048576], 1)", (0,))
    cancelling = Recipe((NORMAL,), (scaled, Step("{0}.sum(1)", (1,))), (2,))
    assert is_right(cancelling, cancelling.values()[2] + 0.05)
    normal = graph("{0}.sum(1)", NORMAL)
    total = normal.values()[1]
    assert is_right(normal, total * (1 + 1e-7)) and not is_right(normal, total * 1.0001)
    assert not is_right(normal, NORMAL.tensor()[:, :-1].sum(1)), "the last element is left out"
    assert not is_right(normal, total + 0.05)


def test_nan_and_infinities_are_no_rounding():
    recipe = graph("{0}.amax(1)", SPECIAL)
    value = recipe.values()[1]
    place = tuple(value.isnan().nonzero()[0].tolist())
    assert is_right(recipe, value) and not is_right(recipe, changed(value, place, 1.0))
    product = graph("{0} * {0}", SPECIAL)
    squares = product.values()[1]
    place = tuple(squares.isinf().nonzero()[0].tolist())
    assert not is_right(product, changed(squares, place, torch.nan))


def test_one_rounding_leaves_no_choice():
    """Cut off for rounded is off by one last place at most, and wrong."""
    leaves = (Leaf((64,), "bfloat16", "normal", 1), Leaf((64,), "bfloat16", "normal", 2))
    recipe = graph("{0} * {1}", *leaves)
    wide = leaves[0].tensor().float() * leaves[1].tensor().float()
    cut = (wide.view(torch.int32) & -65536).view(torch.float32).to(torch.bfloat16)
    assert is_right(recipe, recipe.values()[2]) and not is_right(recipe, cut)


def test_what_is_compared_with_what_rounds_may_differ():
    """A row that layer_norm makes zero, or nearly: `!= 0` tells nothing there; of the input it tells all."""
    leaf = Leaf((4, 3), "float32", "halves", 1)
    steps = (Step("{0} * 0 + 0.1", (0,)), Step("{0} - {0}.mean(1, keepdim=True)", (1,)), Step("{0} != 0", (2,)))
    rounded = Recipe((leaf,), steps, (3,))
    assert is_right(rounded, ~rounded.values()[3])
    exact = graph("{0} != 0", leaf)
    assert not is_right(exact, ~exact.values()[1])


def test_a_result_beyond_the_range_is_not_finite():
    """Whether a sum of products that overflow is infinite or NaN is a matter of their order."""
    huge = Step("({0} * 0 + 1e30) * torch.tensor([1.0, -1.5, 1.0, 1.0, 1.0])", (0,))
    recipe = Recipe((NORMAL,), (huge, Step("({0} * {0}.abs()).sum(1)", (1,))), (2,))
    value = recipe.values()[2]
    assert not value.isfinite().any()
    assert is_right(recipe, value) and is_right(recipe, torch.full_like(value, torch.inf))
    assert not is_right(recipe, torch.zeros_like(value))


def test_a_difference_of_multiples_may_round_twice():
    recipe = graph("torch.sub({0}, {0}, alpha=3)", NORMAL)
    x = NORMAL.tensor()
    assert is_right(recipe, x - 3 * x) and not is_right(recipe, x - 3.0001 * x)


def test_float64_rounds_and_few_elements_may_happen_not_to():
    for leaf in (Leaf((3, 4), "float64", "normal", 5), Leaf((2, 2), "float16", "normal", 6)):
        recipe = graph("{0}.mean(1)", leaf)
        value = recipe.values()[1]
        assert is_right(recipe, value * (1 + torch.finfo(value.dtype).eps))
        assert not is_right(recipe, value * 1.02)
    moved = graph("{0}.flip(0)", Leaf((3, 4), "float64", "normal", 5))
    assert not is_right(moved, moved.values()[1] * (1 + 2e-16))
