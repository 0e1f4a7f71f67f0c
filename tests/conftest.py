"""How tests are shared out among processes: by file, in an order that lets some compute while others wait.

Tests with processes of their own mostly wait: for a node to be believed gone, for a service to be up. They
are begun early, and not all at once, for a start is the part that computes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: Files whose tests live through one federation (`tests/system/conftest.py`): one process runs them all.
FEDERATION = tuple(f"system/test_{name}.py" for name in ("admission", "round", "service", "failures"))
#: And those that speak to one Flower (`tests/federation/flower/conftest.py`).
FLOWER = tuple(f"federation/flower/test_{name}.py" for name in ("engine", "gate", "supernode", "tunnel"))
TOGETHER = {file: name for name, files in (("federation", FEDERATION), ("flower", FLOWER)) for file in files}
#: In the order in which they are begun; what is not named comes after them, as it is collected. First what
#: takes longest from its beginning to its end, and between two that wait for processes one that computes.
EARLY = (
    *FEDERATION,
    "benchmarks/faults/test_third.py",
    "system/test_horizontal.py",
    "parties/four_flows/test_acceptance.py",
    "system/test_demo.py",
    "docs/test_commands.py",
    "parties/privacy/test_ledger.py",
    "system/test_capture.py",
    "system/test_real_loans.py",
    *FLOWER,
    "system/test_own_files.py",
    "system/test_places.py",
    "system/test_demo_hybrid.py",
    "federation/transport/test_exchange.py",
    "system/test_hybrid.py",
    "system/test_members.py",
    "system/test_grants.py",
    "attacks/governance/test_corpus.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place)


def place(item: pytest.Item) -> int:
    """The files of `EARLY` in their order, then the others; within each of these nothing changes."""
    name = str(item.path.relative_to(TESTS))
    return EARLY.index(name) if name in EARLY else len(EARLY)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A scheduler that hands out whole files in their order, those that are `TOGETHER` as one."""
    from xdist.scheduler import LoadFileScheduling  # Asked for only when there are several processes.

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file.removeprefix("tests/"), file)

    config.option.loadscopereorder = False
    return ByFile(config, log)
