"""Short runs of the fuzzers of inputs, graphs and leaks; the long ones are `make fuzz`."""

from __future__ import annotations

import ctypes
import gc
import json
import random
import shutil
from dataclasses import replace

import pytest
import slipstick
import torch
from fuzz import graphs
from fuzz.assembled import World
from fuzz.bundle import Bundle, with_other_inputs
from fuzz.check import Way, check, check_all, compiled_by_torch
from fuzz.grammar import Builder, Limits, random_recipe
from fuzz.inputs import fuzz
from fuzz.leaks import work
from fuzz.minimise import minimise
from fuzz.pieces import Assembled, import_pieces, pieces_of
from fuzz.readers import READERS, reader_of
from fuzz.recipe import Leaf, Recipe, Step
from fuzz.record import Record
from slipstick import ArgumentError, LMul
from slipstick.compiler.stages import stage_pipelines
from slipstick.costmodel import released
from slipstick.costmodel.features import text_features
from slipstick.target import Target

SHORT = {"pipeline": 300, "options": 300, "decisions": 60, "model": 20, "saved": 20, "texts": 25, "rows": 100}


@pytest.mark.parametrize("name", SHORT)
def test_mutated_inputs_end_in_a_value_or_an_error_of_slipstick(name):
    with reader_of(name) as reader:
        found, lines, _ = fuzz(reader, SHORT[name], seed=20261126)
    assert not found
    assert lines > 20


@pytest.mark.exhaustive
def test_a_hundred_thousand_inputs():
    total = sum(share for _, share in READERS.values())
    for name, (_, share) in READERS.items():
        with reader_of(name) as reader:
            found, _, _ = fuzz(reader, max(1, round(100_000 * share / total)), seed=1)
        assert not found, name


@pytest.mark.parametrize("path", ["levels", "record", "levels.scheduled.columns", "levels.scheduled.doubtful"])
def test_a_cost_model_with_a_part_of_another_kind_is_refused(path, tmp_path):
    shutil.copytree(released.FOLDER, tmp_path / "model")
    index = tmp_path / "model" / "model.json"
    content = json.loads(index.read_text())
    level = next(iter(content["levels"]))
    *before, last = path.replace("scheduled", level).split(".")
    place = content
    for name in before:
        place = place[name]
    del place[last]
    index.write_text(json.dumps(content))
    with pytest.raises(ArgumentError, match="is damaged"):
        released.load(tmp_path / "model")


@pytest.mark.parametrize("size", ["??", "?4", "[]", "[?]"])
def test_the_cost_model_reads_types_whose_sizes_are_none(size):
    text = f"func.func @main(%a: memref<{size}x4xf32>) {{\n  return\n}}"
    assert text_features(text, Target.named("znver4"))


def test_the_cost_model_reads_a_loop_whose_step_is_no_number():
    assert text_features("scf.for= 0 to % step c", Target.named("znver4"))


@pytest.mark.parametrize("form", ["arith.constant {} : index", "%0 = tensor.empty() : tensor<{}xf32>"])
def test_the_cost_model_refuses_integers_that_python_does_not_read(form):
    text = f"func.func @main() {{\n  {form.format('7' * 5000)}\n  return\n}}"
    with pytest.raises(ArgumentError, match="expected integers of at most 4,300 digits"):
        text_features(text, Target.named("znver4"))


def test_recipes_are_reproducible():
    assert [random_recipe(seed) for seed in range(30)] == [random_recipe(seed) for seed in range(30)]


def test_random_graphs(tmp_path):
    for seed in (3, 11):
        assert not graphs.check_seed(seed, str(tmp_path)).is_failure


def test_graphs_put_together_of_pieces(tmp_path):
    """Among the pieces are scans, which MLIR does not inline, and bytes, which carry no sign in MLIR."""
    leaf = Leaf((3, 5), "float32", "normal", 1)
    byte = Leaf((3, 5), "uint8", "counts", 2)
    weight = Leaf((5, 5), "float32", "normal", 3, parameter=True)
    scan = Recipe((leaf,), (Step("torch.cumsum({0}, 1)", (0,)), Step("{0} + {1}", (0, 1))), (1, 2))
    bytes_ = Recipe(
        (byte, leaf), (Step("{0} - 9", (0,)), Step("{0} * {1}", (1, 2)), Step("{0}.t().t()", (0,))), (2, 3, 4)
    )
    product = Recipe((leaf, weight), (Step("{0} @ {1}", (0, 1)), Step("torch.relu({0})", (2,))), (3,))
    recipes = [scan, bytes_, product]
    pieces = import_pieces(piece for recipe in recipes for piece in pieces_of(recipe))
    assert not pieces.refused

    def compiled(bundle, cache, **options):
        recipe = bundle.recipe()
        return Assembled(slipstick.compile(pieces.module(recipe), cache_dir=cache, **options), recipe)

    how = Way(opt_level=0, threads=2), Way(LMul(4), opt_level=0)
    verdicts, calls = check_all(recipes, how, str(tmp_path), sets=2, compiler=compiled)
    assert [verdict.kind for verdict in verdicts] == ["unknown", "right", "right"]  # L-Mul has no reference for scans
    assert calls == 12
    other = replace(scan, steps=(scan.steps[0], Step("{0} - {1}", (0, 1))))

    def wrongly_compiled(bundle, cache, **options):
        return compiled(Bundle((scan,)), cache, **options)

    assert check_all([other], how[:1], str(tmp_path), compiler=wrongly_compiled)[0][0].kind == "wrong"


def test_graphs_of_a_world_are_made_of_its_pieces():
    world = World(1, count=40)
    recipes = [world.graph(seed) for seed in range(20)]
    assert recipes == [World(1, count=40).graph(seed) for seed in range(20)]
    assert {piece for recipe in recipes for piece in pieces_of(recipe)} <= set(world.pieces)


def test_only_what_torch_refuses_is_left_out_of_recipes():
    builder = Builder(random.Random(1), Limits())
    leaf = builder.leaf((2, 3), "float32")
    assert builder.add("{0}.reshape(7)", leaf) is None
    assert builder.add("{0}[5]", leaf) is None
    for text, error in (("{0} + missing", NameError), ("{0}.missing", AttributeError), ("{0} / 'x'", TypeError)):
        with pytest.raises(error):
            builder.add(text, leaf)


def test_small_loops_are_spread_over_threads_where_a_way_says_so(tmp_path):
    leaf = Leaf((6, 5), "float32", "normal", 1)
    recipe = Recipe((leaf, leaf), (Step("{0} @ {1}.t()", (0, 1)), Step("{0} + 1", (0,))), (2, 3))
    texts = []

    def compiled(bundle, cache, **options):
        texts.append(str(stage_pipelines(Target.host(), None, threads=options["threads"])["loops"].text()))
        return compiled_by_torch(bundle, cache, **options)

    ((verdict,), _) = check_all([recipe], (Way(opt_level=0, threads=2),), str(tmp_path), compiler=compiled)
    assert verdict.kind == "right"
    assert "parallelise-kernels{min-iterations=2}" in texts[0] and "min-work=1" in texts[0]


def test_graphs_in_one_bundle_keep_their_values_and_lines():
    recipes = tuple(with_other_inputs(random_recipe(seed), 2) for seed in (3, 5, 12))
    bundle = Bundle(recipes)
    together = bundle.recipe()
    values = together.values()
    parts = bundle.parts([values[output] for output in together.outputs])
    for recipe, found in zip(recipes, parts, strict=True):
        alone = recipe.values()
        torch.testing.assert_close(found, [alone[output] for output in recipe.outputs], equal_nan=True, rtol=0, atol=0)
    lines = together.class_text().splitlines()
    graphs_of_lines = [bundle.graph_at(number) for number in range(1, len(lines) + 1)]
    assert [n for n in graphs_of_lines if n is not None] == [n for n in range(3) for _ in recipes[n].steps]
    assert lines[-1].lstrip().startswith("return") and graphs_of_lines[-1] is None


def test_one_refused_graph_is_taken_out_of_its_company(tmp_path):
    leaf = Leaf((3,), "float32", "normal", 1)
    right = Recipe((leaf,), (Step("{0} + 1", (0,)),), (1,))
    refused = Recipe((leaf,), (Step("torch.copysign({0}, {0})", (0, 0)),), (1,))
    verdicts, calls = check_all([right, refused, right], (Way(opt_level=1),), str(tmp_path), sets=2)
    assert [verdict.kind for verdict in verdicts] == ["right", "refused", "right"]
    assert calls == 4


def test_records_add_up(tmp_path):
    Record(tmp_path).add("graphs", {"graphs": 24, "right": 23, "wrong": 1}, {"seed 7": "wrong"}, 25)
    record = Record(tmp_path)
    record.add("graphs", {"graphs": 24, "right": 24}, {}, 49)
    assert record.next_seed("graphs") == 49 and record.next_seed("inputs") == 1
    first, *_, last = Record(tmp_path).lines()
    assert first == "graphs: 48 graphs, 47 right, 1 wrong; 1 failures; next seed 49"
    assert last.startswith("  failed seed 7: ")


def test_the_reference_tells_one_configuration_of_lmul_from_another(tmp_path, monkeypatch):
    recipe = random_recipe(5, Limits(steps=2, floats=("float32",), specials=False, operations=("linear",)))
    right = Way(LMul(4))
    assert check(recipe, (right,), str(tmp_path)).kind == "right"
    from fuzz import lmul_reference

    usual = lmul_reference.multiply
    monkeypatch.setattr(lmul_reference, "multiply", lambda lmul, x, y: usual(LMul(3), x, y))
    assert check(recipe, (right,), str(tmp_path)).kind == "wrong"


def test_failures_are_made_small():
    recipe = random_recipe(33)
    assert len(recipe.steps) > 3
    small = minimise(recipe, lambda one: any("log1p" in step.template for step in one.steps), seconds=20)
    assert [step.template.partition("(")[0] for step in small.steps] == ["torch.log1p"]
    assert max(torch.Size(leaf.shape).numel() for leaf in small.leaves) == 1
    assert "slipstick.compile" in small.source()


def used_bytes() -> int:
    """Return what malloc has given out and not got back."""

    class Information(ctypes.Structure):
        _fields_ = [
            (name, ctypes.c_size_t)
            for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "used", "free", "keep")
        ]

    information = ctypes.CDLL(None).mallinfo2
    information.restype = Information
    gc.collect()
    found = information()
    return int(found.used + found.hblkhd)


@pytest.mark.parametrize(("way", "count", "most"), [("cached", 40, 1000), ("fresh", 8, 1_500), ("call", 200, 100)])
def test_compilations_leave_nothing_behind(way, count, most, tmp_path):
    """Of each fresh one 80 kB stayed once, in a pass manager, then 4 kB, in a pass builder and of the LLVM IR."""
    do = work(way, str(tmp_path))
    for number in range(4):
        do(number)
    before = used_bytes()
    for number in range(4, 4 + count):
        do(number)
    assert (used_bytes() - before) / count < most
