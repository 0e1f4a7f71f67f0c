"""The far end of the pool's pipes: a process that computes what `crypto.pool` asks and returns.

It is started as `python -I -c BOOTSTRAP PATH...` and never as `__main__` of the program that uses it, so it
loads the worker function's own module and nothing of the caller's. It ends when its standard input ends,
which is also what it sees when the caller dies, however the caller dies.

A request is a header, the function's name, an argument and a chunk; an answer is a header and a body. Both
are raw bytes over anonymous pipes: nothing is pickled, and a secret argument reaches neither the command
line, nor the environment, nor a file.
"""

from __future__ import annotations

import importlib
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from crypto.codes import coded
from crypto.errors import Refusal

#: Lengths of the name, the argument and the chunk.
REQUEST = struct.Struct("<HIQ")
#: Status, CPU seconds since the last answer, length of the body.
ANSWER = struct.Struct("<BdQ")
DONE = 0
#: The body is what a `Refusal` said, a line feed, and its advice.
REFUSED = 1

Work = Callable[[bytes, bytes], bytes]


def serve() -> None:
    """Answer requests from standard input until it ends."""
    # Ctrl-C reaches the whole terminal group; the caller decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = _say_where_only
    source = sys.stdin.buffer
    # A library that prints must not break the frames: its output goes to standard error.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    counted = 0.0
    while (request := _read(source)) is not None:
        status, body = _answer(*request)
        now = time.process_time()
        try:
            answers.write(ANSWER.pack(status, now - counted, len(body)))
            answers.write(body)
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # The caller is gone; an orderly exit would try to write what is left once more.
        counted = now


def _read(source: BinaryIO) -> tuple[str, bytes, bytes] | None:
    header = source.read(REQUEST.size)
    if len(header) < REQUEST.size:
        return None
    lengths = REQUEST.unpack(header)
    name, argument, chunk = (source.read(length) for length in lengths)
    if len(chunk) < lengths[2]:
        return None  # The caller died while it wrote.
    return name.decode(), argument, chunk


def _answer(name: str, argument: bytes, chunk: bytes) -> tuple[int, bytes]:
    module, _, function = name.partition(":")
    work: Work = getattr(importlib.import_module(module), function)
    try:
        return DONE, work(argument, chunk)
    except Refusal as refusal:
        return REFUSED, f"{coded(refusal.code, refusal.what)}\n{refusal.advice}".encode()


def _say_where_only(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
    """Name the error's class and place, not its text: the text may hold what was being computed on."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    sys.stderr.write(f"worker process: {kind.__name__}{where}\n")
