"""What every command line of slipstick does with an error: one line on standard error, status 1, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ..errors import SlipstickError


def guarded(program: str, work: Callable[[], int]) -> int:
    """Return the exit status that `work` returns, or 1 after a line that says what went wrong."""
    try:
        return work()
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    except SlipstickError as error:
        text = str(error)
    except ModuleNotFoundError as error:
        text = f"{error}: the command needs the extra of the demo: pip install 'slipstick[demo]'"
    except KeyboardInterrupt:
        text = "interrupted"
    sys.stderr.write(f"{program}: error: {text}\n")
    return 1
