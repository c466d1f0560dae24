"""A target says what a CPU is: the host's features are those the kernel reports, a named CPU's those LLVM gives it."""

from __future__ import annotations

import dataclasses
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from slipstick import errors, target
from slipstick.target import Target

NAMED = ["znver4", "znver3", "skylake-avx512", "haswell", "neoverse-v2"]


def test_the_host_is_the_machine_the_kernel_describes() -> None:
    host = Target.host()
    assert host.architecture == platform.machine()
    if host.architecture == "x86_64":
        flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
        for feature in ("avx", "avx2", "fma", "f16c", "avx512f", "avx512vl", "bmi2"):
            assert host.has(feature) == (feature in flags.split()), feature
    assert 1 <= host.cores <= len(os.sched_getaffinity(0))
    assert 8 * 1024 <= host.l1d_bytes <= host.l2_bytes


def test_the_host_has_the_cores_of_its_affinity_mask() -> None:
    code = "from slipstick.target import Target; print(Target.host().cores)"
    one = min(os.sched_getaffinity(0))
    pinned = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, [{one}]); {code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert pinned.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("cpu", "bits", "registers", "has", "has_not"),
    [
        ("znver4", 512, 32, "avx512bf16", "avx512fp16"),
        ("znver3", 256, 16, "fma", "avx512f"),
        ("skylake-avx512", 512, 32, "avx512vl", "avx512bf16"),
        ("haswell", 256, 16, "f16c", "sha"),
        ("sandybridge", 256, 16, "avx", "fma"),
        ("x86-64", 128, 16, "sse2", "sse3"),
        ("neoverse-v2", 128, 32, "sve2", "sme"),
        ("cortex-a72", 128, 32, "neon", "bf16"),
    ],
)
def test_named_cpus(cpu: str, bits: int, registers: int, has: str, has_not: str) -> None:
    named = Target.named(cpu)
    assert (named.vector_bits, named.vector_registers) == (bits, registers)
    assert named.has(has)
    assert not named.has(has_not)
    assert named.l1d_bytes < named.l2_bytes < named.l3_bytes


def test_features_are_the_same_however_they_are_found() -> None:
    """The host's CPU by name has every feature the host has, but for what its name does not promise."""
    host = Target.host()
    named = Target.named(host.cpu)
    assert named.architecture == host.architecture
    assert {name for name in named.features if name.startswith(("avx", "sse", "fma", "neon"))} >= {
        name for name in host.features if name.startswith(("avx512", "avx2", "sse4.", "fma", "neon"))
    }


@pytest.mark.parametrize(
    ("wrong", "near"), [("znvr4", "znver4"), ("skylake-avx-512", "skylake-avx512"), ("hots", "host")]
)
def test_an_unknown_name_is_refused_with_near_ones(wrong: str, near: str) -> None:
    with pytest.raises(errors.CodegenError, match=f"unknown CPU '{wrong}'.*{near}"):
        Target.resolve(wrong)


@pytest.mark.parametrize("wrong", ["", "no such thing", "a\0b", "+avx2", "help", "zn\nver"])
def test_names_that_are_none_are_refused(wrong: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(errors.CodegenError, match="unknown CPU"):
        Target.named(wrong)
    assert capfd.readouterr() == ("", "")


def test_32_bit_cpus_are_refused() -> None:
    with pytest.raises(errors.CodegenError, match="not a 64-bit CPU"):
        Target.named("pentium4")


def test_llvm_says_nothing_about_the_names_given_to_it() -> None:
    code = (
        "import sys; from slipstick.target import Target; from slipstick.compiler.codegen import compile_object;"
        "targets = [*map(Target.named, sys.argv[1:]), Target.host()];"
        "[compile_object('define void @f() { ret void }', target) for target in targets]"
    )
    done = subprocess.run([sys.executable, "-c", code, *NAMED], capture_output=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_resolve() -> None:
    assert Target.resolve("host") == Target.host()
    assert Target.resolve("haswell") == Target.named("haswell")
    assert Target.resolve(Target.named("haswell")) is Target.named("haswell")


def test_targets_are_immutable_hashable_and_equal_by_value() -> None:
    haswell = Target.named("haswell")
    copy = dataclasses.replace(haswell)
    assert copy == haswell
    assert hash(copy) == hash(haswell)
    with pytest.raises(dataclasses.FrozenInstanceError):
        haswell.cpu = "other"  # type: ignore[misc]


def test_a_key_tells_targets_apart_by_every_field_and_is_the_same_in_every_process() -> None:
    haswell = Target.named("haswell")
    changes: dict[str, Any] = {
        field.name: {"str": "x", "int": 7}.get(str(field.type), ("x",)) for field in dataclasses.fields(haswell)
    }
    others = [dataclasses.replace(haswell, **{name: value}) for name, value in changes.items()]
    assert len({haswell.key(), *(other.key() for other in others)}) == 1 + len(dataclasses.fields(haswell))
    code = "from slipstick.target import Target; print(Target.named('haswell').key())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == haswell.key()


def test_code_runs_on_the_host_if_the_host_has_the_features() -> None:
    host = Target.host()
    assert host.is_host_compatible()
    assert dataclasses.replace(host, features=host.features[1:]).is_host_compatible()
    lacking = [name for name in target._FEATURES[host.architecture] if not host.has(name)]
    for name in lacking:
        with_it = dataclasses.replace(host, features=(*host.features, name))
        assert with_it.is_host_compatible() == (name in target._NEVER_GENERATED), name
    foreign = "neoverse-v2" if host.architecture == "x86_64" else "haswell"
    assert not Target.named(foreign).is_host_compatible()
    if host.architecture == "x86_64":
        assert Target.named("x86-64").is_host_compatible()


def test_llvm_features_turn_off_what_the_host_lacks() -> None:
    target_ = dataclasses.replace(Target.named("znver4"), features=tuple(target._X86_64.split()[:1]))
    assert "-avx512f" in target_.llvm_features.split(",")
    assert "+64bit" in target_.llvm_features.split(",")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5), ("garbage", None), ("", None)],
)
def test_the_cgroup_quota(monkeypatch: pytest.MonkeyPatch, text: str, expected: float | None) -> None:
    monkeypatch.setattr(target, "_read", lambda path: text if path.name == "cpu.max" else None)
    assert target._cgroup_quota() == expected


def test_a_host_that_tells_nothing_of_itself_still_has_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "_read", lambda path: None)
    host = target._host.__wrapped__((0, 1))
    assert host.cores == 2
    assert host.l1d_bytes < host.l2_bytes < host.l3_bytes
