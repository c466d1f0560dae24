"""The CPU that code is made for: the host's or a named one. Nothing else in slipstick asks what machine it is on."""

from __future__ import annotations

import difflib
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm

from .errors import CodegenError

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Target:
    """An immutable description of a CPU; hashable, equal when every field is.

    Sizes are in bytes. `vector_bits` and `vector_registers` are those of the widest vector registers that
    floating-point code can use. `cores` is what this process may use (host) or what a common part has (named CPU);
    hardware threads of one core count once.
    """

    cpu: str
    """The name LLVM gives the CPU, e.g. `znver4`."""
    triple: str
    """The LLVM target triple, e.g. `x86_64-unknown-linux-gnu`."""
    features: tuple[str, ...]
    """The instruction-set features that are on, by LLVM's names, sorted."""
    vector_bits: int
    vector_registers: int
    l1d_bytes: int
    l2_bytes: int
    l3_bytes: int
    cores: int

    @classmethod
    def host(cls) -> Target:
        """Return the CPU this process runs on, within its affinity mask and cgroup quota."""
        return _host(_usable_cpus())

    @classmethod
    def named(cls, cpu: str) -> Target:
        """Return the CPU that LLVM knows as `cpu`, for x86-64 or AArch64 Linux.

        Raises `CodegenError` for a name that LLVM does not know or that is no 64-bit CPU; the text lists close names.
        """
        return _named(cpu)

    @classmethod
    def resolve(cls, target: Target | str) -> Target:
        """Return `target` itself, the host for `"host"`, or the CPU of that name.

        Raises `CodegenError` as `named` does.
        """
        if isinstance(target, Target):
            return target
        return cls.host() if target == "host" else cls.named(target)

    @property
    def architecture(self) -> str:
        """The first part of the triple: `x86_64` or `aarch64`."""
        return self.triple.partition("-")[0]

    @property
    def llvm_features(self) -> str:
        """The features as LLVM takes them: `+avx2,-avx512f,...`; what is not on is turned off by name."""
        on = set(self.features)
        off = [name for name in _FEATURES[self.architecture] if name not in on]
        return ",".join([*(f"-{name}" for name in off), *(f"+{name}" for name in self.features)])

    def has(self, feature: str) -> bool:
        """Tell whether the CPU has the instruction-set feature of that LLVM name, e.g. `avx512f`."""
        return feature in self.features

    def key(self) -> str:
        """Return a string, the same in every process, that differs when any field does; for cache keys."""
        text = repr([(name, getattr(self, name)) for name in self.__dataclass_fields__])
        return f"{self.cpu}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def is_host_compatible(self) -> bool:
        """Tell whether the host can run code made for this CPU.

        Features that the code generator never uses by itself, such as `pku`, are not asked for.
        """
        host = Target.host()
        needed = set(self.features) - _NEVER_GENERATED
        return self.architecture == host.architecture and needed <= set(host.features)

    def __str__(self) -> str:
        return f"{self.cpu} ({self.triple})"


# Every name here is one that LLVM 22 knows: it warns on standard error about others.
_X86_64 = """
64bit adx aes amx-avx512 amx-bf16 amx-complex amx-fp16 amx-fp8 amx-int8 amx-movrs amx-tf32 amx-tile avx avx10.1 avx10.2
avx2 avx512bf16 avx512bitalg avx512bw avx512cd avx512dq avx512f avx512fp16 avx512ifma avx512vbmi avx512vbmi2 avx512vl
avx512vnni avx512vp2intersect avx512vpopcntdq avxifma avxneconvert avxvnni avxvnniint16 avxvnniint8 bmi bmi2 ccmp cf
cldemote clflushopt clwb clzero cmov cmpccxadd crc32 cx16 cx8 egpr enqcmd f16c fma fma4 fsgsbase fxsr gfni hreset
invpcid kl lwp lzcnt mmx movbe movdir64b movdiri movrs mwaitx ndd nf pclmul pconfig pku popcnt ppx prefetchi prfchw
ptwrite push2pop2 raoint rdpid rdpru rdrnd rdseed rtm sahf serialize sgx sha sha512 shstk sm3 sm4 sse sse2 sse3 sse4.1
sse4.2 sse4a ssse3 tbm tsxldtrk uintr usermsr vaes vpclmulqdq waitpkg wbnoinvd widekl xop xsave xsavec xsaveopt xsaves
zu
"""
_AARCH64 = """
aes bf16 complxnum crc dotprod f32mm f64mm flagm fp-armv8 fp16fml fullfp16 i8mm jsconv lse neon pauth rcpc rdm sha2 sha3
sm4 sme sme2 sve sve2 sve2p1
"""
_FEATURES = {"x86_64": tuple(_X86_64.split()), "aarch64": tuple(_AARCH64.split())}

# Reached only through intrinsics that slipstick never emits, or (prfchw) a no-operation where it is missing.
_INTRINSIC_ONLY = """
amx-avx512 amx-bf16 amx-complex amx-fp16 amx-fp8 amx-int8 amx-movrs amx-tf32 amx-tile
cldemote clflushopt clwb clzero enqcmd fsgsbase fxsr hreset invpcid kl movdir64b movdiri mwaitx pauth pconfig pku
prefetchi prfchw ptwrite rdpid rdpru rdrnd rdseed rtm serialize sgx shstk tsxldtrk uintr usermsr waitpkg wbnoinvd widekl
xsave xsavec xsaveopt xsaves
"""
_NEVER_GENERATED = frozenset(_INTRINSIC_ONLY.split())


@dataclass(frozen=True)
class _Part:
    """What LLVM does not know of a CPU: caches in bytes (the L3 that one core sees) and cores of a common part."""

    l1d: int
    l2: int
    l3: int
    cores: int


_COMMON = _Part(32 * KIB, 1 * MIB, 16 * MIB, 8)
_PARTS: dict[str, _Part] = {
    "znver5": _Part(48 * KIB, 1 * MIB, 32 * MIB, 8),
    "znver4": _Part(32 * KIB, 1 * MIB, 32 * MIB, 8),
    "znver3": _Part(32 * KIB, 512 * KIB, 32 * MIB, 8),
    "znver2": _Part(32 * KIB, 512 * KIB, 16 * MIB, 8),
    "graniterapids": _Part(48 * KIB, 2 * MIB, 288 * MIB, 72),
    "emeraldrapids": _Part(48 * KIB, 2 * MIB, 260 * MIB, 52),
    "sapphirerapids": _Part(48 * KIB, 2 * MIB, 60 * MIB, 32),
    "icelake-server": _Part(48 * KIB, 1280 * KIB, 48 * MIB, 32),
    "skylake-avx512": _Part(32 * KIB, 1 * MIB, 22 * MIB, 16),
    "haswell": _Part(32 * KIB, 256 * KIB, 8 * MIB, 4),
    "neoverse-v2": _Part(64 * KIB, 1 * MIB, 114 * MIB, 72),
    "neoverse-n1": _Part(64 * KIB, 1 * MIB, 32 * MIB, 64),
}


def _triple(architecture: str) -> str:
    return f"{architecture}-unknown-linux-gnu"


def _vectors(architecture: str, features: tuple[str, ...]) -> tuple[int, int]:
    """Return the width in bits and the number of the vector registers."""
    if architecture == "aarch64":
        return 128, 32
    if "avx512f" in features:
        # Without avx512vl LLVM still uses all 32 registers, at full width only.
        return 512, 32
    return (256, 16) if "avx" in features else (128, 16)


@cache
def _initialise() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


@cache
def _host(cpus: tuple[int, ...]) -> Target:
    _initialise()
    architecture = llvm.get_process_triple().partition("-")[0]
    if architecture not in _FEATURES:
        raise CodegenError(
            f"this machine's architecture is {architecture!r}; slipstick makes code for x86_64 and aarch64"
        )
    cpu = llvm.get_host_cpu_name()
    known = set(_FEATURES[architecture])
    features = tuple(sorted(name for name, on in llvm.get_host_cpu_features().items() if on and name in known))
    part = _PARTS.get(cpu, _COMMON)
    caches = _host_caches(cpus[0])
    bits, registers = _vectors(architecture, features)
    return Target(
        cpu=cpu,
        triple=_triple(architecture),
        features=features,
        vector_bits=bits,
        vector_registers=registers,
        l1d_bytes=caches.get(1, part.l1d),
        l2_bytes=caches.get(2, part.l2),
        l3_bytes=caches.get(3, part.l3),
        cores=_host_cores(cpus),
    )


@cache
def _named(cpu: str) -> Target:
    _initialise()
    architecture = _architecture_of(cpu)
    features = _features_of(cpu, architecture)
    part = _PARTS.get(cpu, _COMMON)
    bits, registers = _vectors(architecture, features)
    return Target(
        cpu=cpu,
        triple=_triple(architecture),
        features=features,
        vector_bits=bits,
        vector_registers=registers,
        l1d_bytes=part.l1d,
        l2_bytes=part.l2,
        l3_bytes=part.l3,
        cores=part.cores,
    )


def _features_of(cpu: str, architecture: str) -> tuple[str, ...]:
    """Return the features LLVM gives to `cpu`.

    LLVM's C interface does not list them. Its inliner, though, puts a callee into a caller exactly when the caller has
    every feature of the callee: one caller for the CPU, one callee for each feature, and what is left was not there.
    """
    names = _FEATURES[architecture]
    text = [f'target triple = "{_triple(architecture)}"', f'attributes #0 = {{ "target-cpu"="{cpu}" }}']
    for number, name in enumerate(names, start=1):
        text += [
            f'attributes #{number} = {{ "target-features"="+{name}" }}',
            f"define internal i32 @callee{number}(i32 %x) #{number} {{\n  %y = add i32 %x, {number}\n  ret i32 %y\n}}",
            f"define i32 @caller{number}(i32 %x) #0 {{\n  %y = call i32 @callee{number}(i32 %x)\n  ret i32 %y\n}}",
        ]
    module = llvm.parse_assembly("\n".join(text), context=llvm.create_context())
    machine = llvm.Target.from_triple(_triple(architecture)).create_target_machine(cpu=cpu)
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
    builder.getModulePassManager().run(module, builder)
    left = {function.name for function in module.functions}
    return tuple(name for number, name in enumerate(names, start=1) if f"callee{number}" not in left)


def _architecture_of(cpu: str) -> str:
    """Return the architecture of a CPU by its LLVM name."""
    if cpu in _PARTS:
        return "aarch64" if cpu.startswith("neoverse") else "x86_64"
    known: list[str] = []
    for architecture in _FEATURES:
        names, usable = _ask_llvm(architecture, cpu)
        if cpu in names:
            if not usable:
                raise CodegenError(f"CPU {cpu!r} is not a 64-bit CPU")
            return architecture
        known += names
    near = difflib.get_close_matches(cpu, sorted(set(known) | {"host"}), n=5, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else f"; examples: host, {', '.join(sorted(_PARTS))}"
    raise CodegenError(f"unknown CPU {cpu!r}{hint}")


# In a process of its own: LLVM lists the names on standard error only, and ends the process at a 32-bit CPU.
_ASK_LLVM = """
import sys, llvmlite.binding as llvm
llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
target = llvm.Target.from_triple(sys.argv[1])
target.create_target_machine(cpu="help")
module = llvm.parse_assembly("define void @f() { ret void }")
target.create_target_machine(cpu=sys.argv[2]).emit_object(module)
"""


@cache
def _ask_llvm(architecture: str, cpu: str) -> tuple[list[str], bool]:
    """Return the names of all CPUs of an architecture, and whether code can be made for `cpu`."""
    command = [sys.executable, "-c", _ASK_LLVM, _triple(architecture), cpu]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise CodegenError(f"unknown CPU {cpu!r}: LLVM could not be asked for its list ({error})") from error
    head, _, _ = done.stderr.partition("Available features")
    names = [line.split(" - ")[0].strip() for line in head.splitlines() if line.startswith("  ") and " - " in line]
    return names, done.returncode == 0


def _usable_cpus() -> tuple[int, ...]:
    """Return the numbers of the logical CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _host_cores(cpus: tuple[int, ...]) -> int:
    """Return the cores behind the logical CPUs `cpus`, at most the whole part of the cgroup's CPU quota."""
    siblings = {_read(Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")) or cpu for cpu in cpus}
    quota = _cgroup_quota()
    return max(1, len(siblings) if quota is None else min(len(siblings), int(quota)))


def _cgroup_quota() -> float | None:
    """Return the CPUs' worth of time that the cgroup grants, `None` where there is no limit."""
    fields = (_read(Path("/sys/fs/cgroup/cpu.max")) or "max").split()
    if fields[0] == "max":
        old = Path("/sys/fs/cgroup/cpu")
        fields = [_read(old / "cpu.cfs_quota_us") or "-1", _read(old / "cpu.cfs_period_us") or "100000"]
    try:
        quota, period = float(fields[0]), float(fields[1])
    except (ValueError, IndexError):
        return None
    return quota / period if quota > 0 and period > 0 else None


def _host_caches(cpu: int) -> dict[int, int]:
    """Return the bytes of the data caches that logical CPU `cpu` sees, by level; empty where unknown."""
    sizes: dict[int, int] = {}
    for index in sorted(Path(f"/sys/devices/system/cpu/cpu{cpu}/cache").glob("index*")):
        level, kind, size = (_read(index / name) for name in ("level", "type", "size"))
        if level and size and kind in ("Data", "Unified") and level.isdigit():
            number, unit = size.rstrip("KMG"), size[-1]
            if number.isdigit():
                sizes[int(level)] = int(number) * {"K": KIB, "M": MIB, "G": 1024 * MIB}.get(unit, 1)
    return sizes


def _read(path: Path) -> str | None:
    """Return the stripped text of a small system file, `None` where it is missing, unreadable or empty."""
    try:
        return path.read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
