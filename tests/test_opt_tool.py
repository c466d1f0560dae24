"""slipstick-opt as a process among others: output files, pipes, crashes, time limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from slipstick.bindings import ir, new_context, passmanager
from slipstick.passes.base import Message
from slipstick.passes.diagnostics import call_notes, file_position, format_message
from slipstick.tools import opt, opt_tool, opt_upstream
from slipstick.tools.opt_config import flags
from slipstick.tools.opt_help import dialects_text, help_text
from slipstick.tools.opt_isolation import run_isolated
from slipstick.tools.opt_source import Source, split
from slipstick.tools.opt_tool import REGISTRY

from .opt_runner import run_opt

GOOD = b"func.func @f() {\n  return\n}\n"
BAD = b"func.func @f() {\n  oops\n}\n"


def test_output_file_appears_only_on_success_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "out.mlir"
    assert run_opt(["-o", str(target)], BAD).status == 1
    assert list(tmp_path.iterdir()) == []
    assert run_opt(["-o", str(target)], GOOD).status == 0
    assert "func.func @f" in target.read_text()
    target.chmod(0o640)
    before = target.read_bytes()
    assert run_opt(["-o", str(target)], BAD).status == 1
    assert target.read_bytes() == before
    assert run_opt(["-o", str(target), "--mlir-print-op-generic"], GOOD).status == 0
    assert target.stat().st_mode & 0o777 == 0o640
    assert '"func.func"' in target.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mlir"]


def test_output_through_a_link_replaces_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert run_opt(["-o", str(tmp_path / "link")], GOOD).status == 0
    assert (tmp_path / "link").is_symlink()
    assert "func.func" in (tmp_path / "real").read_text()


def test_input_and_output_may_be_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mlir"
    path.write_bytes(GOOD)
    assert run_opt([str(path), "-o", str(path), "--mlir-print-op-generic"]).status == 0
    assert '"func.func"' in path.read_text()


def test_a_full_disk_is_an_error() -> None:
    result = run_opt(["-o", "/dev/full"], GOOD)
    assert (result.status, result.stderr) == (1, "cannot open output file '/dev/full': No space left on device\n")


def test_a_closed_pipe_is_an_error_without_traceback() -> None:
    tool = Path(sys.executable).with_name("slipstick-opt")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([tool], input=GOOD, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.returncode == 1
    assert done.stderr == b""


def test_a_closed_standard_input_is_an_error() -> None:
    tool = Path(sys.executable).with_name("slipstick-opt")
    done = subprocess.run(["sh", "-c", f"{tool} <&-"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"cannot open input file '-': Bad file descriptor\n")


def test_a_closed_standard_output_is_an_error() -> None:
    tool = Path(sys.executable).with_name("slipstick-opt")
    done = subprocess.run(["sh", "-c", f"{tool} >&-"], input=GOOD, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr == b"slipstick-opt: error: cannot write the output: Bad file descriptor\n"


def test_it_starts_without_torch() -> None:
    code = "import sys, slipstick.tools.opt_tool; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGILL, signal.SIGKILL])
def test_a_child_that_dies_is_reported(number: signal.Signals) -> None:
    def die() -> int:
        os.kill(os.getpid(), number)
        return 0

    outcome = run_isolated(die, 0)
    assert outcome.status is None
    assert number.name in outcome.text()


def test_an_interrupt_is_one_line(monkeypatch, capfd) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(opt_tool, "run", interrupted)
    assert opt.main([]) == 1
    assert capfd.readouterr().err == "slipstick-opt: interrupted\n"


def test_a_child_that_hangs_is_ended() -> None:
    begin = time.monotonic()
    outcome = run_isolated(lambda: time.sleep(60) or 0, 0.2)
    assert time.monotonic() - begin < 10
    assert outcome.text() == "ran out of time"


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    code = (
        "import os, time, pathlib\nfrom slipstick.tools.opt_isolation import run_isolated\n"
        f"run_isolated(lambda: pathlib.Path({str(marker)!r}).write_text(str(os.getpid())) and time.sleep(60), 0)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not (marker.exists() and marker.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    child = int(marker.read_text())
    process.kill()
    process.wait()
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_invalid_utf8_is_no_obstacle_where_mlir_allows_it() -> None:
    result = run_opt([], b"// caf\xe9\n" + GOOD)
    assert (result.status, result.stderr) == (0, "")
    twice = run_opt([], b'func.func @"a\xff"() { return } func.func @"a\xff"() { return }')
    assert twice.status == 1
    assert "<stdin>:1:30: error: " in twice.stderr


def test_split_keeps_the_positions_of_the_whole_file() -> None:
    source = Source("x", b"a\n// -----\nb // -----\nc")
    chunks, near = split(source, "// -----")
    assert [chunk.data() for chunk in chunks] == [b"a\n", b"\n" + b" " * 8 + b"\nb ", b"\n\n" + b" " * 10 + b"\nc"]
    assert near == []


def test_positions_of_nested_locations() -> None:
    with new_context():
        a, b, c = (ir.Location.file(name, line, 1) for line, name in enumerate(("a", "b", 'q"\n'), start=1))
        site = ir.Location.callsite(a, [b, c])
        fused = ir.Location.fused([ir.Location.unknown(), ir.Location.name("n", c)])
        assert [str(file_position(x)).count("'a'") for x in (a, site, ir.Location.name("n", a))] == [1, 1, 1]
        position = file_position(fused)
        assert position is not None
        assert (position.file, position.line) == ('q"\n', 3)
        assert file_position(ir.Location.unknown()) is None
        assert [note.text for note in call_notes(site)] == ["called from", "called from"]
        assert format_message(Message("error", ir.Location.unknown(), "x")) == "<unknown>:0: error: x"


def test_help_names_every_flag_pass_and_option() -> None:
    text = help_text(REGISTRY)
    for flag in flags():
        assert f"--{flag}" in text or flag == "o"
    for cls in (*REGISTRY.passes.values(), *REGISTRY.pipelines.values()):
        assert f"--{cls.name} " in text
        for field in cls.options():
            assert field.metadata["help"] in text


def test_the_listed_names_of_mlir_are_registered_in_the_wheel() -> None:
    context = new_context()
    for name in opt_upstream.PASSES:
        passmanager.PassManager.parse(f"any({name})", context)
    assert "linalg" in dialects_text()
