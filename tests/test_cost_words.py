"""MLIR text as words and tokens: structure against MLIR's own walk, numbers, hashes, files of tokenisers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from slipstick.bindings import ir, new_context
from slipstick.costmodel.canonical import canonical_hash, shape_erased_hash
from slipstick.costmodel.magnitude import float_words, integer_words, vocabulary
from slipstick.costmodel.tokeniser import Tokeniser
from slipstick.costmodel.words import SCHEMES, Scheme, structure, words
from slipstick.errors import ArgumentError
from slipstick.target import Target

LOOPS = """
#map = affine_map<(d0) -> (d0 * 2)>
#loops = ["parallel", "parallel"]
#same = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @sum(%arg0: memref<128x?xf32>, %n: index) -> f32 {
    %zero = arith.constant -0.000000e+00 : f32
    %c0 = arith.constant 0 : index
    %c768 = arith.constant 768 : index
    %0:2 = scf.for %i = %c0 to %c768 step %n iter_args(%acc = %zero, %k = %c0) -> (f32, index) {
      %1 = memref.load %arg0[%i, %k] : memref<128x?xf32>
      %2 = arith.addf %acc, %1 : f32
      %3 = arith.cmpf olt, %1, %zero : f32
      %4 = scf.if %3 -> (index) {
        %5 = affine.apply #map(%k)
        scf.yield %5 : index
      } else {
        scf.yield %k : index
      }
      scf.yield %2, %4 : f32, index
    }
    return %0#0 : f32
  }
  func.func @fill(%arg0: tensor<4x8xf32>) -> tensor<4x8xf32> {
    %0 = linalg.generic {indexing_maps = [#same], iterator_types = #loops} outs(%arg0 : tensor<4x8xf32>) {
    ^bb0(%out: f32):
      %1 = arith.mulf %out, %out : f32
      linalg.yield %1 : f32
    } -> tensor<4x8xf32>
    return %0 : tensor<4x8xf32>
  }
}
"""
CPUS = ("znver4", "haswell", "neoverse-v2")


def walked(operation: ir.Operation) -> list[object]:
    """Return the nesting that MLIR itself sees, with the names that it prints."""
    printed = {"builtin.module": "module", "func.return": "return"}
    found: list[object] = [printed.get(operation.name, operation.name)]
    for region in operation.regions:
        found.append([part for block in region.blocks for view in block.operations for part in walked(view.operation)])
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_words_keep_the_structure_that_mlir_sees(scheme: Scheme) -> None:
    with new_context():
        module = ir.Module.parse(LOOPS)
        assert structure(words(str(module), scheme)) == walked(module.operation)


def test_unbalanced_regions_are_an_error() -> None:
    with pytest.raises(ValueError, match="not opened"):
        structure(["}"])
    with pytest.raises(ValueError, match="not closed"):
        structure([":a.b", "{"])


def test_values_are_distances() -> None:
    text = "%a = x.def : f32\n%b = x.def : f32\nx.use %a, %b, %a : f32"
    assert words(text)[-6:] == [":x.use", "%2", "%1", "%2", ":", "f32"]


def test_a_constant_index_stands_where_it_is_used() -> None:
    found = words("%c7 = arith.constant 7 : index\nscf.for %i = %c7 to %n step %c7 {\n}")
    assert found[found.index(":scf.for") :] == [":scf.for", "%", "=", "⟨7⟩", "to", "%", "step", "⟨7⟩", "{", "}"]


def test_shapes_keep_magnitude() -> None:
    assert words("x.y : tensor<3x768x?x[4]xf32>") == [
        ":x.y",
        ":",
        "tensor",
        "<",
        "⟨3⟩",
        "⟨2^9.4⟩",
        "⟨*2^8⟩",
        "?",
        "[",
        "⟨4⟩",
        "]",
        "f32",
        ">",
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_names_locations_comments_and_aliases_do_not_count(scheme: Scheme) -> None:
    with new_context():
        module = ir.Module.parse(LOOPS)
        operation = module.operation
        plain = operation.get_asm(use_local_scope=True)
        located = operation.get_asm(enable_debug_info=True)
        renamed = LOOPS.replace("%acc", "%sum").replace("#map", "#twice").replace("@fill", "@other") + "// the end\n"
    assert words(located, scheme) == words(plain, scheme)
    assert canonical_hash(renamed) == canonical_hash(LOOPS)


def test_hashes_tell_programs_and_shapes_apart() -> None:
    other_shape = LOOPS.replace("768", "640").replace("4x8", "32x8")
    other_program = LOOPS.replace("arith.mulf", "arith.addf")
    assert canonical_hash(other_shape) != canonical_hash(LOOPS)
    assert shape_erased_hash(other_shape) == shape_erased_hash(LOOPS)
    assert shape_erased_hash(other_program) != shape_erased_hash(LOOPS)


def test_operands_are_told_apart() -> None:
    swapped = LOOPS.replace("arith.addf %acc, %1", "arith.addf %1, %acc")
    assert canonical_hash(swapped) != canonical_hash(LOOPS)


def test_number_words_are_in_the_vocabulary_and_near_the_number() -> None:
    known = set(vocabulary())
    assert len(known) == len(vocabulary())
    for value in [*range(-70, 70), 255, 256, 257, 768, 50272, 2**40 + 1, 2**70, -(2**63)]:
        assert set(integer_words(value)) <= known
    for value in (65, 100, 768, 1000, 50272):
        power, step = integer_words(value)[0].strip("⟨⟩")[2:].split(".")
        low = 2 ** int(power) * (1 + int(step) / 8)
        assert low <= value < low + 2 ** int(power) / 8
    for value in (0.0, -0.0, 1.5, -1e-30, 3e38, 5e-324, math.inf, -math.inf, math.nan):
        assert set(float_words(value)) <= known


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_tokeniser_gives_back_every_word(scheme: Scheme, tmp_path: Path) -> None:
    targets = [Target.named(cpu) for cpu in CPUS]
    tokeniser = Tokeniser.train([LOOPS], scheme, targets, size=400)
    # The text has operations, a type and a letter that were never seen, and the target is a new one.
    text = LOOPS.replace("arith.mulf", "märchen.zauber").replace("index", "!new.type<7>")
    target = Target.named("znver2")
    ids = tokeniser.encode([text], target)[0]
    decoded = tokeniser.decode(ids)
    assert decoded[1] == "znver2"
    assert decoded[-len(words(text, scheme)) :] == words(text, scheme)

    path = tmp_path / "tokeniser.json"
    tokeniser.save(path)
    again = Tokeniser.load(path)
    assert again.encode([text], target)[0] == ids
    assert again.scheme == scheme and again.size == tokeniser.size


def test_training_is_deterministic() -> None:
    first, second = (Tokeniser.train([LOOPS], "ops+operands", size=300) for _ in range(2))
    assert first.tokenizer.to_str() == second.tokenizer.to_str()


@pytest.mark.parametrize("content", ["", "[]", '{"scheme": "ops", "version": 0}', '{"scheme": "all", "version": 1}'])
def test_other_files_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "tokeniser.json"
    path.write_text(content)
    with pytest.raises(ArgumentError, match=r"tokeniser.json: expected"):
        Tokeniser.load(path)
