"""Pipeline text, typed options, and the executor that mixes passes of slipstick with MLIR's own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest
from slipstick.bindings import ir, new_context
from slipstick.errors import IRError, PipelineError
from slipstick.passes.base import Message, NamedPipeline, Pass, PassContext, option
from slipstick.passes.instrumentation import Execution, Instrumentation
from slipstick.passes.manager import run_pipeline
from slipstick.passes.options import build, unbuild
from slipstick.passes.pipeline import Item, PassCall, Pipeline, parse_pipeline
from slipstick.passes.registry import DEFAULT, Registry

RAN: list[tuple[str, str]] = []


@dataclass(frozen=True)
class Visit(Pass):
    """Note the operation it runs on."""

    name: ClassVar[str] = "visit"
    flag: bool = option(False, "a flag")
    depth: int = option(4, "a number")
    factor: float = option(0.5, "a factor")
    label: str = option("", "a text")
    mode: Literal["fast", "exact"] = option("fast", "a choice")
    tile_sizes: tuple[int, ...] = option((), "a list")
    limit: int | None = option(None, "a number or none")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        symbol = op.attributes["sym_name"].value if "sym_name" in op.attributes else ""
        RAN.append((op.name, symbol))
        ctx.count("operations visited")


@dataclass(frozen=True)
class OnFunctions(Visit):
    """Run on functions only."""

    name: ClassVar[str] = "on-functions"
    anchor: ClassVar[str | None] = "func.func"


@dataclass(frozen=True)
class Misbehave(Pass):
    """Go wrong in the way asked for."""

    name: ClassVar[str] = "misbehave"
    how: Literal["fail", "raise", "recurse", "break", "mlir", "handled"] = option("fail", "how")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        function = op.regions[0].blocks[0].operations[0].operation
        if self.how == "fail":
            raise ctx.fail(function, "cannot do this")
        if self.how == "raise":
            raise RuntimeError("two\nlines")
        if self.how == "recurse":
            self.run(op, ctx)
        if self.how == "break":
            function.regions[0].blocks[0].operations[-1].operation.erase()
        if self.how == "mlir":
            ir.Module.parse("nonsense")
        if self.how == "handled":
            with pytest.raises(ir.MLIRError):
                ir.Module.parse("nonsense")
            ctx.remark(function, "all is well")


@dataclass(frozen=True)
class Tidy(NamedPipeline):
    """Clean up."""

    name: ClassVar[str] = "tidy"
    times: int = option(1, "how often")

    def text(self) -> str:
        return ",".join(["cse,func.func(visit)"] * self.times)


@dataclass(frozen=True)
class Endless(NamedPipeline):
    """Contain itself."""

    name: ClassVar[str] = "endless"

    def text(self) -> str:
        return "endless"


REGISTRY = Registry([Visit, OnFunctions, Misbehave], [Tidy, Endless])
SOURCE = """
func.func @f(%x: i32) -> i32 {
  %0 = arith.addi %x, %x : i32
  %1 = arith.addi %x, %x : i32
  %2 = arith.muli %0, %1 : i32
  return %2 : i32
}
module @inner {
  func.func @g() {
    return
  }
}
"""


def module(source: str = SOURCE) -> ir.Module:
    return ir.Module.parse(source, context=new_context())


def run(pipeline: str | Pipeline, **kwargs: object) -> tuple[ir.Module, list[Message]]:
    RAN.clear()
    messages: list[Message] = []
    subject = module()
    run_pipeline(subject, pipeline, registry=REGISTRY, emit=messages.append, **kwargs)  # type: ignore[arg-type]
    return subject, messages


# Text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Pipeline(None)),
        ("cse", Pipeline(None, (PassCall("cse"),))),
        (" cse , canonicalize ", Pipeline(None, (PassCall("cse"), PassCall("canonicalize")))),
        ("builtin.module()", Pipeline("builtin.module")),
        (
            "builtin.module(func.func(canonicalize{max-iterations=3},lmul{mantissa-bits=4}),cse)",
            Pipeline(
                "builtin.module",
                (
                    Pipeline(
                        "func.func",
                        (
                            PassCall("canonicalize", (("max-iterations", "3"),)),
                            PassCall("lmul", (("mantissa-bits", "4"),)),
                        ),
                    ),
                    PassCall("cse"),
                ),
            ),
        ),
        ("func.func(a),b", Pipeline(None, (Pipeline("func.func", (PassCall("a"),)), PassCall("b")))),
        (
            'p{test=1,2 x={a=b c={d}} flag s=\'a b,)}\' t="q\\"}" l=[1, 2]}',
            Pipeline(
                None,
                (
                    PassCall(
                        "p",
                        (
                            ("test", "1,2"),
                            ("x", "{a=b c={d}}"),
                            ("flag", None),
                            ("s", "'a b,)}'"),
                            ("t", '"q\\"}"'),
                            ("l", "[1, 2]"),
                        ),
                    ),
                ),
            ),
        ),
    ],
)
def test_parse(text: str, expected: Pipeline) -> None:
    assert parse_pipeline(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "about"),
    [
        ("cse)", 4, "unexpected ')'"),
        ("f(cse", 2, "'(' is never closed"),
        ("f(cse{a=1)", 10, "unexpected ')'"),
        ("cse{a=1", 4, "'{' is never closed"),
        ("cse{a={b}", 4, "'{' is never closed"),
        ("cse{a={b", 7, "'{' is never closed"),
        ("cse{a={b]}", 9, "expected '}', found ']'"),
        ("cse{a='b}", 7, "' is never closed"),
        ("cse{=3}", 5, "expected the name of an option"),
        ("f(,cse)", 3, "expected a pass or an operation name, found ','"),
        ("cse,", 5, "found the end"),
        ("cse canonicalize", 5, "unexpected 'c'"),
        ("f(cse canonicalize)", 7, "expected ',' or ')'"),
        ("(" * 3, 1, "expected a pass or an operation name"),
        ("a(" * 1000, 515, "nested deeper"),
    ],
)
def test_malformed_text_is_one_line_with_the_column(text: str, column: int, about: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parse_pipeline(text)
    assert "\n" not in str(caught.value)
    assert f"column {column}: " in str(caught.value)
    assert about in str(caught.value)


def random_pipeline(rng: random.Random, depth: int = 0) -> Pipeline:
    values = ("1", "1,2,3", "{a=b}", "{x={y z} w=[1, 2]}", "'a b'", '"}\\""', "a-b.c", "[(1), {2}]", "", None)

    def item() -> Item:
        if depth < 4 and rng.random() < 0.3:
            return random_pipeline(rng, depth + 1)
        options = tuple((f"o{n}-x", rng.choice(values)) for n in range(rng.choice((0, 0, 1, 3))))
        return PassCall(f"pass-{rng.randrange(9)}", options)

    return Pipeline(f"dialect.op{rng.randrange(5)}", tuple(item() for _ in range(rng.randrange(5))))


@pytest.mark.parametrize("seed", range(300))
def test_printing_and_parsing_round_trip(seed: int) -> None:
    pipeline = random_pipeline(random.Random(seed))
    assert parse_pipeline(str(pipeline)) == pipeline


@pytest.mark.parametrize("seed", range(500))
def test_any_text_parses_or_is_a_pipeline_error(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choice("ab=,(){}[]'\" \\.-") for _ in range(rng.randrange(40)))
    try:
        pipeline = parse_pipeline(text)
    except PipelineError:
        return
    assert parse_pipeline(str(pipeline)) == pipeline


# Options


def build_visit(text: str) -> Visit:
    call = parse_pipeline(f"visit{{{text}}}").items[0]
    assert isinstance(call, PassCall)
    return build(Visit, call.options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Visit()),
        ("flag", Visit(flag=True)),
        ("flag=true", Visit(flag=True)),
        ("flag=0", Visit(flag=False)),
        ("depth=-3", Visit(depth=-3)),
        ("depth=0x10", Visit(depth=16)),
        ("factor=1e-3", Visit(factor=0.001)),
        ("label=abc", Visit(label="abc")),
        ("label='a b'", Visit(label="a b")),
        ('label="say \\"x\\""', Visit(label='say "x"')),
        ("mode=exact", Visit(mode="exact")),
        ("tile-sizes=1,2,3", Visit(tile_sizes=(1, 2, 3))),
        ("tile-sizes={4}", Visit(tile_sizes=(4,))),
        ("tile-sizes={}", Visit(tile_sizes=())),
        ("limit=none", Visit(limit=None)),
        ("limit=7", Visit(limit=7)),
    ],
)
def test_options_are_typed_by_their_fields(text: str, expected: Visit) -> None:
    assert build_visit(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("depth=x", "option 'depth' expects an integer, found 'x'"),
        ("depth", "option 'depth' expects an integer, found nothing"),
        ("flag=maybe", "option 'flag' expects true or false, found 'maybe'"),
        ("factor=half", "option 'factor' expects a number, found 'half'"),
        ("mode=slow", "option 'mode' expects fast|exact, found 'slow'"),
        ("tile-sizes=1,x", "option 'tile-sizes' expects list of an integer, found '1,x'"),
        ("depht=3", "no such option 'depht'"),
        ("tile_sizes=3", "no such option 'tile_sizes'"),
        ("depth=3 depth=4", "option 'depth' is given twice"),
    ],
)
def test_wrong_options_say_expected_and_found(text: str, expected: str) -> None:
    with pytest.raises(PipelineError) as caught:
        build_visit(text)
    assert expected in str(caught.value)
    if "twice" not in expected:
        assert "mode (fast|exact; default fast)" in str(caught.value)


@pytest.mark.parametrize("seed", range(200))
def test_options_round_trip(seed: int) -> None:
    rng = random.Random(seed)
    instance = Visit(
        flag=rng.random() < 0.5,
        depth=rng.randint(-9, 9),
        factor=rng.choice((0.5, 1.0, -2.25, 1e30, float("inf"))),
        label="".join(rng.choice("ab \"'\\{}=,") for _ in range(rng.randrange(8))),
        mode=rng.choice(("fast", "exact")),
        tile_sizes=tuple(rng.randrange(99) for _ in range(rng.randrange(4))),
        limit=rng.choice((None, 3)),
    )
    text = str(PassCall("visit", unbuild(instance)))
    call = parse_pipeline(text).items[0]
    assert isinstance(call, PassCall)
    assert build(Visit, call.options) == instance


# Running


def test_passes_of_both_kinds_run_in_order_at_any_nesting() -> None:
    subject, _ = run("builtin.module(visit,func.func(cse,visit),builtin.module(func.func(visit)),visit)")
    assert RAN == [("builtin.module", ""), ("func.func", "f"), ("func.func", "g"), ("builtin.module", "")]
    assert str(subject).count("arith.addi") == 1


def test_a_nested_pipeline_finishes_one_operation_before_the_next() -> None:
    seen: list[tuple[str, str]] = []

    class Trace(Instrumentation):
        def before_pass(self, execution: Execution) -> None:
            seen.append((execution.name, str(execution.op.attributes["sym_name"])))

    source = "func.func @a() { return } func.func @b() { return }"
    run_pipeline(module(source), "builtin.module(func.func(visit,cse))", registry=REGISTRY, instrumentation=Trace())
    assert seen == [("visit", '"a"'), ("cse", '"a"'), ("visit", '"b"'), ("cse", '"b"')]


def test_any_runs_on_every_isolated_operation() -> None:
    run("builtin.module(any(visit))")
    assert RAN == [("func.func", "f"), ("builtin.module", "inner")]


def test_without_an_anchor_the_pipeline_runs_on_what_it_is_given() -> None:
    run("visit,cse")
    assert RAN == [("builtin.module", "")]
    RAN.clear()
    subject = module()
    function = subject.body.operations[0].operation
    run_pipeline(function, "visit,cse", registry=REGISTRY)
    assert RAN == [("func.func", "f")]


def test_without_an_anchor_restricted_passes_are_nested() -> None:
    run("visit,on-functions,convert-torch-to-linalg")
    assert RAN == [("builtin.module", ""), ("func.func", "f")]


def test_named_pipelines_expand_with_their_options() -> None:
    subject, _ = run("builtin.module(tidy{times=2})")
    assert RAN == [("func.func", "f")] * 2
    assert str(subject).count("arith.addi") == 1


@pytest.mark.parametrize(
    ("pipeline", "about"),
    [
        ("builtin.module(no-such-pass)", "'no-such-pass' does not refer to a registered pass or pass pipeline"),
        ("builtin.module(visit,func.func(no-such-pass))", "'no-such-pass' does not refer to a registered pass"),
        ("builtin.module(on-functions)", "restricted to 'func.func'"),
        ("builtin.module(visit,func.func(convert-func-to-llvm))", "restricted to 'builtin.module'"),
        ("builtin.module(visit,cse{x=1})", "cse: no such option x"),
        ("builtin.module(visit,tidy{x=1})", "tidy: no such option 'x'"),
        ("endless", "'endless' contains itself"),
        ("visit,", "column 7"),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused_before_anything_runs(pipeline: str, about: str) -> None:
    with pytest.raises(PipelineError) as caught:
        run(pipeline)
    assert about in str(caught.value)
    assert "\n" not in str(caught.value)
    assert RAN == []


@pytest.mark.parametrize(
    "pipeline", ["func.func(cse)", "func.func(visit)", "no.such_op(cse)", "llvm.func(canonicalize)"]
)
def test_a_wrong_anchor_is_an_error_and_no_abort(pipeline: str) -> None:
    with pytest.raises(IRError, match=r"^-:0:0: error: can't run '[\w.]+' pass manager on 'builtin\.module' op$"):
        run(pipeline)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("fail", "-:2:1: error: cannot do this"),
        ("raise", "-:0:0: error: internal error in pass 'misbehave': RuntimeError: two lines"),
        ("recurse", "-:0:0: error: internal error in pass 'misbehave': RecursionError: "),
        ("break", "-:5:8: error: block with no terminator"),
        ("mlir", "-:1:1: error: custom op 'nonsense' is unknown"),
    ],
)
def test_whatever_a_python_pass_does_is_an_ir_error(how: str, text: str) -> None:
    messages: list[Message] = []
    with pytest.raises(IRError) as caught:
        run_pipeline(module(), f"misbehave{{how={how}}}", registry=REGISTRY, emit=messages.append)
    assert str(caught.value).startswith(text)
    assert [message.severity for message in messages] == ["error"]


def test_errors_that_a_pass_handles_itself_are_not_shown() -> None:
    _, messages = run("misbehave{how=handled}")
    assert [(message.severity, message.text) for message in messages] == [("remark", "all is well")]


def test_an_upstream_pass_that_fails_gives_its_errors_and_notes() -> None:
    with pytest.raises(IRError) as caught:
        run("builtin.module(func.func(inline))")
    assert str(caught.value).startswith("-:2:1: error: 'func.func' op  was scheduled to run under the inliner")
    assert "-:2:1: note: see current operation: " in str(caught.value)


def test_an_upstream_pass_that_cannot_be_scheduled_is_an_error() -> None:
    with pytest.raises(IRError, match="unable to schedule pass 'AffineLoopUnroll'"):
        run("builtin.module(affine-loop-unroll)")


def test_without_verification_broken_ir_goes_through() -> None:
    subject = module()
    run_pipeline(subject, "misbehave{how=break}", registry=REGISTRY, verify="none")
    assert not _verifies(subject)


def test_own_passes_alone_can_be_verified() -> None:
    subject = module()
    run_pipeline(subject, "misbehave{how=break}", registry=REGISTRY, verify="none")
    run_pipeline(subject, "strip-debuginfo", registry=REGISTRY, verify="own")
    with pytest.raises(IRError, match="block with no terminator"):
        run_pipeline(subject, "visit", registry=REGISTRY, verify="own")


def _verifies(subject: ir.Module) -> bool:
    try:
        return bool(subject.operation.verify())
    except ir.MLIRError:
        return False


def test_instrumentation_sees_every_pass_and_its_statistics() -> None:
    log: list[tuple[str, str, tuple[str, ...], int]] = []

    def record(event: str) -> Callable[[Execution], None]:
        return lambda run_: log.append((event, run_.text, run_.path, run_.statistics["operations visited"]))

    class Log(Instrumentation):
        before_pass = staticmethod(record("before"))  # type: ignore[assignment]
        after_pass = staticmethod(record("after"))  # type: ignore[assignment]
        failed_pass = staticmethod(record("failed"))  # type: ignore[assignment]

    with pytest.raises(IRError):
        run("builtin.module(func.func(visit{depth=2}),misbehave)", instrumentation=Log())
    inner = ("builtin.module", "func.func")
    assert log == [
        ("before", "visit{depth=2}", inner, 0),
        ("after", "visit{depth=2}", inner, 1),
        ("before", "misbehave", ("builtin.module",), 0),
        ("failed", "misbehave", ("builtin.module",), 0),
    ]


def test_an_exception_of_emit_does_not_unwind_through_mlir() -> None:
    def broken(message: Message) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_pipeline(module(), "builtin.module(func.func(inline))", emit=broken)


def test_every_pass_of_slipstick_is_declared_well() -> None:
    assert DEFAULT.passes
    for name, cls in DEFAULT.passes.items():
        assert name == cls.name == name.lower()
        assert cls.description().endswith(".")
        assert "\n" not in cls.description()
        assert all(field.metadata["help"] for field in cls.options())
