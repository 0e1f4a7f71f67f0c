"""Scores for the label party: the sum of all parties' logits, row by row, for the rows the plan opens.

Every other party sends its logits in fixed point under pairwise masks that cancel in the sum, so the
label party sees the sum over the others; with one other party that is this party's own logit, which a
score tells it in any case.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from crypto.sealed import MaskedWords, WireRefused
from federation.message import Role
from federation.messages.logistic import LogitWords
from federation.session import Session
from parties.logistic.series import Floats

#: Steps of 2^-32; sizes below 2^31.
_SCALE = float(1 << 32)


def send_logits(session: Session, logits: Private[Floats], label: str) -> None:
    """From a party without labels: its logits of the opened rows, masked under `label`."""
    plain = logits.open_locally()
    if not np.isfinite(plain).all() or np.abs(plain).max(initial=0.0) >= 2**20:
        raise WireRefused("a logit is too large to be opened", advice="Raise `model.l2` in the plan.")
    words = np.rint(plain * _SCALE).astype(np.int64).astype(np.uint64)
    partners = frozenset(map(str, session.others(Role.HELPER, Role.FEATURE)))
    masked = words + session.masks.words(f"scores|{label}", partners, len(words))
    session.send(session.seating.playing(Role.LABEL), LogitWords(MaskedWords.of(masked)))


def receive_scores(session: Session, logits: Private[Floats]) -> Private[Floats]:
    """At the label party: the whole logit of each opened row, from its own part and the others'."""
    own = logits.open_locally()
    total: npt.NDArray[np.uint64] = np.zeros(len(own), dtype=np.uint64)
    for party, told in session.gather(session.others(Role.HELPER, Role.FEATURE), LogitWords).items():
        if len(told.words) != len(own):
            raise WireRefused("LogitWords: not one word for each opened row", party=party)
        total = total + told.words.words()
    return Private(own + total.astype(np.int64) / _SCALE)


def probability(logits: Floats) -> Floats:
    """sigma(z), without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)))
