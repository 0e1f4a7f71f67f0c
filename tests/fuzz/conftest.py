"""What the pages show while they are fuzzed."""

from __future__ import annotations

from tests.cli.supervisor.conftest import crossing_packs

__all__ = ["crossing_packs"]
