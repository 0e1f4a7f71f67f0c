"""One party's labelled rows, ready for a model, and the part of them that training never sees."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from crypto.errors import UsageError
from parties.horizontal.encoding import Encoded


@dataclass(frozen=True, slots=True, repr=False)
class Examples:
    """n rows: `numeric` float32 (n, d), `codes` int64 (n, k), `labels` float32 (n,) of 0 and 1.

    `repr` shows nothing of it.
    """

    numeric: torch.Tensor
    codes: torch.Tensor
    labels: torch.Tensor

    @staticmethod
    def of(encoded: Encoded, labels: npt.NDArray[np.generic]) -> Examples:
        """Rows and their outcomes. Raises `UsageError` where they do not fit together or are not finite."""
        if labels.shape != (len(encoded.numeric),) or len(encoded.codes) != len(encoded.numeric):
            raise UsageError("rows and labels differ in number", advice="Give one label for each row.")
        if not np.isin(labels, (0, 1)).all():
            raise UsageError("a label is neither 0 nor 1", advice="Correct the label column.")
        if not np.isfinite(encoded.numeric).all():
            raise UsageError(
                "a number of the rows is not finite", advice="Encode the rows with the run's common encoding."
            )
        return Examples(
            torch.tensor(encoded.numeric, dtype=torch.float32),
            torch.tensor(encoded.codes, dtype=torch.int64),
            torch.tensor(labels.astype(np.float32)),
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return "Examples(...)"

    @property
    def positives(self) -> int:
        """How many defaulted."""
        return int(self.labels.sum())

    @property
    def parts(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The three tensors."""
        return self.numeric, self.codes, self.labels

    def take(self, places: npt.NDArray[np.int64]) -> Examples:
        """The rows at `places`, in that order."""
        index = torch.from_numpy(places)
        return Examples(self.numeric[index], self.codes[index], self.labels[index])

    def split(self, share: float, seed: bytes) -> tuple[Examples, Examples]:
        """Rows to train on, and `share` of each outcome to validate on: the same split for the same seed."""
        generator = np.random.Generator(np.random.PCG64(derived(seed, "validation split")))
        labels = self.labels.numpy()
        validating = np.zeros(len(self), dtype=bool)
        for outcome in (0, 1):
            places = generator.permutation(np.flatnonzero(labels == outcome))
            validating[places[: round(share * len(places))]] = True
        return self.take(np.flatnonzero(~validating)), self.take(np.flatnonzero(validating))


def derived(seed: bytes, purpose: str) -> int:
    """63 bits for one purpose, from a seed that serves several (HMAC-SHA256, RFC 2104)."""
    digest = hmac.new(seed, b"isthmus training|" + purpose.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "little") >> 1
