"""Runs the tools of tests without starting Python for each: a process that has imported them forks.

    python tool_server.py FOLDER                       slipstick-opt and filecheck
    python tool_server.py FOLDER --all                 every command of slipstick, and `script`, which runs a Python
                                                       file; torch and what else they import late is imported, too

puts scripts with the tools' names into FOLDER. One that is called hands its arguments, its working directory and its
standard descriptors to the server, and exits with the status that comes back. The server ends with its standard input.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

# Importing socket and json would take a client as long as starting Python.
CLIENT = """#!{python} -ISE
import _socket, os, sys
here, name = os.path.split(sys.argv[0])
with_server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
with_server.connect(os.path.join(here, "server"))
descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
words = "\\0".join((name, os.getcwd(), *sys.argv[1:])).encode("utf-8", "surrogateescape")
sent = with_server.sendmsg([words], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
while sent < len(words):
    sent += with_server.send(words[sent:])
with_server.shutdown(_socket.SHUT_WR)
os._exit(int(with_server.recv(16) or b"139"))
"""


def tools() -> dict[str, Callable[[], object]]:
    """Return the tools by name, imported; each reads `sys.argv` and returns its exit status or raises SystemExit."""
    from filecheck.main import main as filecheck
    from slipstick.tools.opt import main as opt

    return {"slipstick-opt": opt, "filecheck": filecheck}


def all_tools() -> dict[str, Callable[[], object]]:
    """Return every command of slipstick, and `script`; torch, torch-mlir and transformers are imported."""
    import torch
    import torch._dynamo
    import torch.export
    import transformers
    from slipstick import Generator, compile  # noqa: F401
    from slipstick.datasets import graphs  # noqa: F401
    from slipstick.tools import bench, cost, lmul, medcalc, skip

    assert transformers.OPTForCausalLM
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    modules = {"bench": bench, "cost": cost, "lmul": lmul, "medcalc": medcalc, "skip": skip}
    return {
        **tools(),
        **{f"slipstick-{name}": module.main for name, module in modules.items()},
        "script": lambda: runpy.run_path(sys.argv[1], run_name="__main__") and None,
    }


def serve(folder: Path, known: dict[str, Callable[[], object]]) -> None:
    """Run tools for the scripts in `folder` until standard input ends."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "server"))
        server.listen(64)
        for name in known:
            script = folder / name
            script.write_text(CLIENT.format(python=sys.executable))
            script.chmod(0o755)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if server not in ready:
                return
            client, _ = server.accept()
            with client:
                if os.fork() == 0:
                    server.close()
                    _answer(client, known)
            _reap()


def _reap() -> None:
    """Let go of the processes that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _answer(client: socket.socket, known: dict[str, Callable[[], object]]) -> None:
    """Run what the client asks for, with its descriptors, and end this process."""
    status = 1
    try:
        words, descriptors, _, _ = socket.recv_fds(client, 1 << 16, 3)
        while more := client.recv(1 << 16):
            words += more
        # Where lit ends a client whose time is up, a signal ends this process, too.
        fcntl.fcntl(client, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(client, fcntl.F_SETFL, fcntl.fcntl(client, fcntl.F_GETFL) | os.O_ASYNC)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        # The streams of before know whether those files could seek, and where they stood.
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, mode, closefd=False) for n, mode in enumerate("rww"))
        name, directory, *arguments = words.decode("utf-8", "surrogateescape").split("\0")
        os.chdir(directory)
        sys.argv = [name, *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        found = known[name]()
        status = found if isinstance(found, int) else 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        client.send(str(status).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), all_tools() if "--all" in sys.argv[2:] else tools())
