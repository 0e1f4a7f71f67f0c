"""The firms' unified social credit codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parties.four_flows.streams import Integers
from parties.identifiers import assemble_usccs

#: Districts in force, two or three in each macro-region of GB/T 2260 (the first digit).
_DISTRICTS = (
    (110105, 110108, 120116),
    (210102, 210202),
    (310115, 320505, 330106),
    (420106, 430104, 440305),
    (500112, 510107),
    (610113, 620102),
)
_SERIALS = 31**8


def draw_codes(region: Integers, random: np.random.Generator) -> NDArray[np.str_]:
    """A valid code for each firm, in a district of its region; no two are equal."""
    count = len(region)
    division = np.empty(count, dtype=np.int64)
    luck = random.random(count)
    for place, districts in enumerate(_DISTRICTS):
        here = region == place
        division[here] = np.array(districts)[(luck[here] * len(districts)).astype(np.int64)]
    # One serial from each of `count` equal ranges, in random order: different without a search.
    step = _SERIALS // count
    serial = (np.arange(count) * step + random.integers(0, step, count))[random.permutation(count)]
    return assemble_usccs(division, serial)
