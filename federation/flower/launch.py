"""Run as a script: start one of Flower's commands and leave when the parent leaves.

    python -P launch.py flower-superlink ARGUMENTS…

The parent holds the other end of standard input. When the parent ends, however it ends, the pipe closes,
and this process stops itself: a SuperLink or a SuperNode never outlives its supervisor. Standard library
only, because `-P` keeps the clone off `sys.path` (a file there must not shadow Flower's own imports).
"""

from __future__ import annotations

import importlib.metadata
import os
import signal
import sys
import threading
import time

#: Seconds between asking politely and leaving at once.
_GRACE = 8.0


def main() -> None:
    """Load the console script named by the first argument from the flwr distribution and run it."""
    threading.Thread(target=_leave_with_parent, name="leave-with-parent", daemon=True).start()
    del sys.argv[0]
    (command,) = importlib.metadata.distribution("flwr").entry_points.select(
        group="console_scripts", name=sys.argv[0]
    )
    sys.exit(command.load()())


def _leave_with_parent() -> None:
    # os.read and not sys.stdin: a daemon thread inside a buffered reader can abort the interpreter's exit.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)


if __name__ == "__main__":
    main()
