"""Keeps away what torch writes to standard error while it exports a graph: an error that is raised says it, too."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_torch() -> Iterator[None]:
    """Silence the warnings and error records of torch, and the graphs that it prints with an error, in the block.

    Records below warnings, which appear only where TORCH_LOGS asks for them, and what others write stay.
    """
    handlers = _handlers()
    written = io.StringIO()
    graph = ""
    for handler in handlers:
        handler.addFilter(_is_asked_for)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(written):
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        graph = f"{getattr(error.__cause__ or error, 'partial_fx_graph', '')}\n"
        raise
    finally:
        for handler in handlers:
            handler.removeFilter(_is_asked_for)
        sys.stderr.write(written.getvalue().replace(graph, "") if graph.strip() else written.getvalue())


def _handlers() -> list[logging.Handler]:
    """Return the handlers of torch's loggers, of which more than one has some."""
    names = [name for name in logging.root.manager.loggerDict if name == "torch" or name.startswith("torch.")]
    return list({handler: None for name in names for handler in logging.getLogger(name).handlers})


def _is_asked_for(record: logging.LogRecord) -> bool:
    return record.levelno < logging.WARNING
