"""A seeded mutator of MLIR text: what a fuzzer, a typing error or a bad merge would make of it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(
    r"\s+|[%@#!^]?[A-Za-z_$][\w.$-]*|%\d+|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?)?|\"(?:[^\"\\]|\\.)*\"|.", re.S
)
_NUMBER = re.compile(r"(?<![\w%@#])-?\d+(?:\.\d+)?")
_NUMBERS = ("0", "1", "-1", "2", "7", "64", "65536", "2147483647", "-9223372036854775808", "1e39", "0xFF", "?")
_TYPE = re.compile(r"\b(?:tensor|vector|memref)<[^<>]*>|\b(?:index|bf16|[fi]\d+)\b")
_TYPES = (
    "i1", "i32", "i0", "f16", "bf16", "f32", "f64", "index", "none", "f8E4M3FN", "tensor<?xf32>", "tensor<*xf32>",
    "tensor<0x3xf32>", "tensor<4x8xf32>", "vector<4xf32>", "vector<[4]xf32>", "vector<1x1x2xbf16>", "memref<?x?xf32>",
    "memref<4xf32, strided<[?], offset: ?>>", "!llvm.ptr", "complex<f32>", "tuple<>",
)  # fmt: skip
_ATTRIBUTES = (
    " {a = 1 : i64}", " {slipstick.lmul = 3}", " {slipstick.decision = {unroll = -1 : i64}}", " {slipstick.lmul = {}}",
    " {x = dense<1.0> : tensor<2xf32>}", " attributes {llvm.emit_c_interface}", " {slipstick.stage = \"none\"}",
    " {slipstick.lmul = {mantissa_bits = 99 : i64, rounding = \"up\", specials = \"ieee\"}}",
)  # fmt: skip


def mutate(seeds: Sequence[str], rng: random.Random) -> bytes:
    """Return one of `seeds` after one to four random mutations; not always valid UTF-8."""
    text = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 2, 4))):
        text = rng.choice(_MUTATIONS)(text, seeds, rng)
    data = bytearray(text.encode("utf-8", "surrogateescape"))
    if data and rng.random() < 0.15:
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _swap_tokens(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    tokens = _tokens(text)
    first, second = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[first], tokens[second] = tokens[second], tokens[first]
    return "".join(tokens)


def _delete_tokens(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    tokens = _tokens(text)
    at = rng.randrange(len(tokens))
    del tokens[at : at + rng.choice((1, 1, 1, 3, 10))]
    return "".join(tokens)


def _duplicate_token(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    tokens = _tokens(text)
    at = rng.randrange(len(tokens))
    tokens[at:at] = [tokens[at]] * rng.choice((1, 1, 2, 50))
    return "".join(tokens)


def _replace_token(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    tokens, others = _tokens(text), _tokens(rng.choice(seeds))
    tokens[rng.randrange(len(tokens))] = rng.choice(others)
    return "".join(tokens)


def _splice_lines(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    lines, others = text.splitlines(True), rng.choice(seeds).splitlines(True)
    at, start = rng.randint(0, len(lines)), rng.randint(0, len(others))
    lines[at : at + rng.choice((0, 0, 1, 3))] = others[start : start + rng.randint(1, 5)]
    return "".join(lines)


def _shuffle_lines(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    lines = text.splitlines(True)
    start = rng.randint(0, len(lines))
    part = lines[start : start + 5]
    rng.shuffle(part)
    lines[start : start + 5] = part
    return "".join(lines)


def _change_number(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    return _replace_match(text, _NUMBER, rng.choice(_NUMBERS), rng)


def _change_type(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    return _replace_match(text, _TYPE, rng.choice(_TYPES), rng)


def _add_attribute(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    places = [match.start() for match in re.finditer(r" : | \{\n", text)]
    if not places:
        return text + rng.choice(_ATTRIBUTES)
    at = rng.choice(places)
    return text[:at] + rng.choice(_ATTRIBUTES) + text[at:]


def _truncate(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    return text[: rng.randint(0, len(text))]


def _mix(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    other = rng.choice(seeds)
    return text[: rng.randint(0, len(text))] + other[rng.randint(0, len(other)) :]


def _nest(text: str, seeds: Sequence[str], rng: random.Random) -> str:
    deep = rng.choice((2, 20, 200))
    opening, closing = rng.choice((("module {", "}"), ("(", ")"), ("{", "}"), ("<", ">"), ("[", "]")))
    lines = text.splitlines(True)
    at = rng.randint(0, len(lines))
    return "".join([*lines[:at], opening * deep, *lines[at:], closing * deep])


_MUTATIONS: tuple[Callable[[str, Sequence[str], random.Random], str], ...] = (
    _swap_tokens, _delete_tokens, _duplicate_token, _replace_token, _splice_lines, _shuffle_lines, _change_number,
    _change_number, _change_type, _change_type, _add_attribute, _truncate, _mix, _nest,
)  # fmt: skip


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text) or [" "]


def _replace_match(text: str, pattern: re.Pattern[str], by: str, rng: random.Random) -> str:
    matches = list(pattern.finditer(text))
    if not matches:
        return text
    match = rng.choice(matches)
    return text[: match.start()] + by + text[match.end() :]
