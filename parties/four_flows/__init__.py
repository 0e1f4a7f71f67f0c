"""The four-flows generator: small firms seen through trade, capital, logistics and information.

No public data set joins industrial telemetry with credit outcomes, so the demo, the tests and the
benchmarks make one. It is calibrated on figures published for real sets (see each flow's module),
and it is invented: no firm, code or name in it stands for a real one.

    latent factors ─▶ four flows ─▶ outcome ─▶ three parties' tables ─▶ dirt ─▶ files
    (factors, graph)  (one module   (outcome)  (tables)                (dirt)  (writing)
                       each)                         └▶ truth (kept apart from every party)
"""

from __future__ import annotations

from parties.four_flows.generator import FourFlows, generate
from parties.four_flows.settings import Settings
from parties.four_flows.truth import Truth

__all__ = ["FourFlows", "Settings", "Truth", "generate"]
