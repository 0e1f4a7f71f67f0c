"""The control does what is common elsewhere: it adds up, and one shared key reads every upload."""

from __future__ import annotations

import numpy as np

from crypto.controls import SharedKeyCkks


def test_the_control_adds_up_and_hides_nothing_from_a_client() -> None:
    scheme = SharedKeyCkks()
    updates = [np.random.default_rng(seed).normal(size=5000) for seed in range(3)]
    uploads = [scheme.encrypt(update) for update in updates]
    assert len(uploads[0]) == 2
    assert np.allclose(scheme.decrypt(scheme.add(uploads)), sum(updates), atol=1e-5)
    assert np.allclose(scheme.decrypt(uploads[1]), updates[1], atol=1e-5)
