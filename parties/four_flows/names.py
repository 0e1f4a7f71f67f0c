"""Names of firms, and the ways in which three offices write the same one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parties.four_flows.settings import Party
from parties.four_flows.streams import Integers

_PLACES = ("北京", "天津", "沈阳", "大连", "上海", "苏州", "杭州", "武汉", "长沙", "深圳", "重庆", "西安")
_FIRST = "华金恒瑞宏鑫盛泰永嘉德信诚远博创"
_SECOND = "达源通隆兴丰利安和康元茂昌辉腾业"
_TRADES = ("机械", "贸易", "建筑", "物流", "科技", "服务")

#: The share of rows in which each office does not write the registered name.
_VARIANTS: dict[Party, float] = {"bank": 0.15, "platform": 0.40, "public": 0.0}


def registered_names(industry: Integers, random: np.random.Generator) -> NDArray[np.object_]:
    """The name in the register: place, two characters, trade, legal form. Shape (firms,)."""
    count = len(industry)
    draws = random.integers(0, (len(_PLACES), len(_FIRST), len(_SECOND)), (count, 3)).tolist()
    return np.array(
        [
            f"{_FIRST[first]}{_SECOND[second]}{_TRADES[trade]}（{_PLACES[place]}）有限公司"
            for (place, first, second), trade in zip(draws, industry.tolist(), strict=True)
        ],
        dtype=object,
    )


def written_by(party: Party, names: NDArray[np.object_], random: np.random.Generator) -> NDArray[np.object_]:
    """The same names as `party` writes them: now and then one of three habits, at random."""
    habit = np.where(random.random(len(names)) < _VARIANTS[party], random.integers(0, 3, len(names)), 3)
    return np.array(
        [_write(name, place) for name, place in zip(names, habit.tolist(), strict=True)], dtype=object
    )


def _write(name: str, habit: int) -> str:
    if habit == 0:
        return name.replace("（", "(").replace("）", ")")
    if habit == 1:
        return name.replace("有限公司", "有限责任公司")
    if habit == 2:
        return name.replace("（", " （") + " "
    return name
