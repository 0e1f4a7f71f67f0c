"""What a power loss leaves of a folder: of a file what was last fsynced, of a folder the names that were.

The most that may be lost: a file whose fsync is missing is as it was before, or empty where it is new; a name
that was made, replaced or removed is so only once its folder was fsynced (fsync(2): "does not necessarily
ensure that the entry in the directory containing the file has also reached disk").
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path


class Durable:
    """Follows the fsyncs of this process below `folder`, all of which is durable when it begins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._root = folder.stat().st_ino
        self._content: dict[int, tuple[int, bytes]] = {}  # inode -> mode, bytes
        self._names: dict[int, dict[str, int]] = {}  # a folder's inode -> name -> inode
        self._modes: dict[int, int] = {}  # folders
        for place, _, names in os.walk(folder):
            self._keep_names(Path(place))
            for name in names:
                self._keep_content(Path(place, name))
        self._real: Callable[[int], None] | None = None

    def follow(self) -> None:
        """From now on each `os.fsync` is noted once it has returned."""
        real = os.fsync

        def noted(descriptor: int) -> None:
            real(descriptor)
            with self._lock:
                place = Path(f"/proc/self/fd/{descriptor}").readlink()
                if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                    self._keep_names(place)
                else:
                    self._keep_content(Path(f"/proc/self/fd/{descriptor}"))

        os.fsync = noted  # type: ignore[assignment]  # how a process's own fsyncs are seen

    def adopt(self, folder: Path) -> None:
        """All of `folder`, below this one, is durable as it is: another process has made it so."""
        with self._lock:
            for place, _, names in os.walk(folder):
                self._keep_names(Path(place))
                for name in names:
                    self._keep_content(Path(place, name))
            self._keep_names(folder.parent)
            self._keep_names(folder.parent.parent)

    def leave(self, into: Path) -> None:
        """Write below `into` what a loss of power at this moment leaves."""
        with self._lock:
            if into.exists():
                shutil.rmtree(into)
            self._leave(self._root, into)

    def _leave(self, inode: int, into: Path) -> None:
        into.mkdir()
        into.chmod(stat.S_IMODE(self._modes[inode]))
        for name, each in self._names[inode].items():
            if each in self._names:
                self._leave(each, into / name)
            else:
                mode, content = self._content.get(each, (0o600, b""))
                (into / name).write_bytes(content)
                (into / name).chmod(stat.S_IMODE(mode))

    def _keep_names(self, folder: Path) -> None:
        found = folder.stat()
        self._modes[found.st_ino] = found.st_mode
        entries = list(os.scandir(folder))
        self._names[found.st_ino] = {entry.name: entry.inode() for entry in entries}
        for entry in entries:
            if entry.is_dir() and entry.inode() not in self._names:  # Its own names were never fsynced.
                self._names[entry.inode()] = {}
                self._modes[entry.inode()] = entry.stat().st_mode

    def _keep_content(self, file: Path) -> None:
        if file.is_file():
            found = file.stat()
            self._content[found.st_ino] = (found.st_mode, file.read_bytes())
