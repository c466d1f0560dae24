"""What all tests share: compiled code is cached in a folder of this run, torch keeps to the threads it was given."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _cache_of_this_run() -> Iterator[None]:
    """Keep the user's cache out of the tests, of the processes that they start too."""
    with tempfile.TemporaryDirectory(prefix="slipstick-tests-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPSTICK_CACHE_DIR", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def _threads_of_torch() -> None:
    """Pin torch's threads: by default it would take every core that the machine has."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository, which is the package."""
    return Path(__file__).resolve().parents[1]
