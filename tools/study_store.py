"""Results of the study on disk: a line of JSON for each configuration that is finished, so that none is made twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler.cache import Cache
from ..datasets.sentences import Sentence
from ..errors import ArgumentError
from ..files import write_atomically
from .environment import Environment
from .study_agreement import Agreement
from .study_configurations import Configuration
from .study_measure import Figures


class Store:
    """The results of one setting in a file that may hold those of others, too.

    A result is found again where everything it depends on is the same: the configuration, the `settings`, slipstick's
    source, the versions of what it stands on and the machine. A line that is no result, such as one that was written
    by another program, is kept and ignored. Raises ArgumentError where the file cannot be read.
    """

    def __init__(self, file: Path, settings: dict[str, Any]):
        self._file = file
        self._settings = json.dumps(settings, sort_keys=True)
        try:
            self._lines = file.read_text("utf-8").splitlines() if file.exists() else []
        except (OSError, UnicodeDecodeError) as problem:
            raise ArgumentError(f"{file}: results cannot be read: {problem}") from problem
        self._results = {str(r["key"]): r for r in map(_parse, self._lines) if r is not None}

    def figures(self, configuration: Configuration) -> Figures | None:
        """Return the figures of a configuration; None where it is not measured yet."""
        found = self._get("figures", configuration)
        if found is None:
            return None
        return Figures(
            np.array(found["cosine_errors"], np.float64),
            np.array(found["neighbours"], np.int64),
            np.array(found["ranks"], np.float64),
        )

    def agreement(self, configuration: Configuration) -> Agreement | None:
        """Return how compiled code and reference agree for a configuration; None where that is not known yet."""
        found = self._get("agreement", configuration)
        return None if found is None else Agreement(configuration, **found)

    def put(self, configuration: Configuration, result: Figures | Agreement) -> None:
        """Keep a result; the file is replaced as a whole. Raises OSError."""
        values: dict[str, Any]
        if isinstance(result, Figures):
            kind, values = "figures", {name: array.tolist() for name, array in vars(result).items()}
        else:
            kind, values = "agreement", {n: value for n, value in vars(result).items() if n != "configuration"}
        key = self._key(kind, configuration)
        line = {"key": key, "kind": kind, "name": configuration.name, "values": values}
        self._results[key] = line
        self._lines.append(json.dumps(line))
        write_atomically(self._file, "\n".join(self._lines) + "\n")

    def _get(self, kind: str, configuration: Configuration) -> dict[str, Any] | None:
        found = self._results.get(self._key(kind, configuration))
        return None if found is None else dict(found["values"])

    def _key(self, kind: str, configuration: Configuration) -> str:
        return Cache.key("study", kind, json.dumps(configuration.as_dict(), sort_keys=True), self._settings)


def settings_of(
    folder: Path, sentences: Sequence[Sentence], environment: Environment, **options: int
) -> dict[str, Any]:
    """Return what results depend on beside the configuration."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file():
            digest.update(file.name.encode() + b"\0")
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return {
        "model": digest.hexdigest(),
        "sentences": [[sentence.topic, sentence.text] for sentence in sentences],
        "cpu": environment.cpu,
        "versions": environment.versions,
        **options,
    }


def _parse(line: str) -> dict[str, Any] | None:
    try:
        result = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(result, dict) and {"key", "values"} <= result.keys()
    return result if whole else None
