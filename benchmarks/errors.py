"""What can go wrong in a measurement."""

from __future__ import annotations

from crypto.codes import Code
from crypto.errors import IsthmusError


class Mismeasured(IsthmusError):
    """What was measured did not do its work, or its cost is not accounted for: no figure is reported."""

    code = Code.MISMEASURED
    advice = "Run the tests; report this with the command, the machine and the versions."
