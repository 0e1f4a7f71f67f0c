"""`--out`: where a command writes, checked before it begins. Only the last part of the path may be new."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from crypto.errors import UsageError


class Target(click.Path):
    """A file (`folder=False`) or a folder to be written, in a folder that is there.

    Raises `UsageError` naming the folder that is missing: a misspelt path would else be made in silence, and
    what is confidential would lie where nobody looks for it.
    """

    def __init__(self, *, folder: bool = False) -> None:
        super().__init__(file_okay=not folder, dir_okay=folder, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path as it was given."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        parent = path.parent
        if not parent.is_dir():
            what = "is no folder" if parent.exists() else "does not exist"
            raise UsageError(
                f"the folder {parent} {what}, so nothing was written",
                file=str(path),
                field="--out",
                advice="Make it first, or correct the path.",
            )
        return path


#: What `--out` takes where one file is written, and where a whole folder is.
OUT_FILE, OUT_FOLDER = Target(), Target(folder=True)
