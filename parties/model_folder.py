"""A party's model, or its part of one, on its disk: a folder whose files are hashed, in every kind of round.

    rounds/RUN/model/
        model.json      version of the form, kind, run, party, plan digest, and the part as its kind writes it
        ...             what the kind keeps beside it
        MANIFEST        first the hash over all; then the SHA-256 of each file, as `sha256sum -c` reads it

A round that ends puts what lies beside the folder under the same hash (`cover`): plan, rows, scores, figures,
what was spent. The manifest names these `../evaluation.json`.

Files have mode 0600. The manifest is written last: a model that is listed is whole. A model whose files are
not those of its manifest is not loaded. Nobody signs the manifest, so whoever can write to the folder can
change both; the hash is what a party writes down elsewhere, and what its model document names.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crypto.codes import Code
from federation import files
from federation.errors import UsageError
from federation.ids import PartyId, RunId

VERSION = 1
FOLDER, MODEL, MANIFEST = "model", "model.json", "MANIFEST"
_HEAD = "# isthmus model, SHA-256 over the lines below: "
_ADVICE = "`isthmus model list` names the models that this party holds."
#: What lies beside the model and is no figure of it: an attempt at the round goes on from these, and the
#: planted rows' seed has its digest in the ledger.
_OF_ATTEMPTS = ("state.json", "personal.npz", "released.json", "canaries.json")
_BESIDE = "../"


@dataclass(frozen=True, slots=True, repr=False)
class SavedModel:
    """What is saved of a model. `part` is what its kind makes JSON of, `beside` its further files by name."""

    kind: str
    run: RunId
    party: PartyId
    plan_digest: str
    part: Mapping[str, Any]
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def save(self, round_folder: Path) -> str:
        """Write the folder; the hash over all of it. An earlier attempt's model is replaced."""
        content = {
            "isthmus_model": VERSION,
            "kind": self.kind,
            "run": self.run,
            "party": self.party,
            "plan_digest": self.plan_digest,
            "part": dict(self.part),
        }
        model = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()
        folder = round_folder / FOLDER
        (folder / MANIFEST).unlink(missing_ok=True)
        written = {MODEL: model, **self.beside}
        for name, data in written.items():
            files.write_private(folder / name, data)
        return _write_manifest(folder, written)

    def __repr__(self) -> str:
        return f"SavedModel({self.kind}, {self.run}, {self.party})"


def cover(round_folder: Path) -> str | None:
    """Put the figures beside a saved model under its hash, once they are all written; the new hash.

    None where the round left no model here. Raises as `load` does.
    """
    if not is_saved(round_folder):
        return None
    folder = round_folder / FOLDER
    written = _checked(folder, own=True)[1]
    figures = {
        _BESIDE + path.name: files.read(path, _restore(round_folder)) for path in _figures(round_folder)
    }
    return _write_manifest(folder, {**written, **figures})


def uncovered(round_folder: Path) -> tuple[str, ...]:
    """The figures beside a model that its hash says nothing of. Raises as `load` does."""
    named = _checked(round_folder / FOLDER)[1]
    return tuple(path.name for path in _figures(round_folder) if _BESIDE + path.name not in named)


def is_saved(round_folder: Path) -> bool:
    """Whether a round left a model here."""
    return (round_folder / FOLDER / MANIFEST).exists()


def model_hash(round_folder: Path) -> str:
    """The hash over a model's files, each of which is looked at. Raises as `load` does."""
    return _checked(round_folder / FOLDER)[0]


def load(round_folder: Path, kind: str) -> SavedModel:
    """The saved model. `UsageError` names the file that is missing, changed or of another kind or version."""
    folder = round_folder / FOLDER
    written = {name: data for name, data in _checked(folder)[1].items() if not name.startswith(_BESIDE)}
    path = folder / MODEL
    if MODEL not in written:
        raise UsageError(
            "the manifest does not name it",
            file=str(path),
            advice=_restore(round_folder),
            code=Code.MODEL_CHANGED,
        )
    with reading(round_folder):
        fields = json.loads(written.pop(MODEL))
        version = fields.get("isthmus_model")
    if version != VERSION:
        raise UsageError(
            "this is not a model of this version",
            file=str(path),
            advice="Look at it with the version of Isthmus that trained it, or ask the coordinator to launch "
            "its plan again: `isthmus round launch PLAN`.",
            code=Code.MODEL_CHANGED,
        )
    if fields.get("kind") != kind:
        raise UsageError(f"this is no {kind} model", file=str(path), advice=_ADVICE, code=Code.MODEL_KIND)
    with reading(round_folder):
        return SavedModel(
            kind,
            RunId(str(fields["run"])),
            PartyId(str(fields["party"])),
            str(fields["plan_digest"]),
            dict(fields["part"]),
            written,
        )


@contextlib.contextmanager
def reading(round_folder: Path) -> Iterator[None]:
    """Turn what goes wrong while a kind reads its part into a `UsageError` that names the file."""
    with files.intact(round_folder / FOLDER / MODEL, _restore(round_folder)):
        yield


def _restore(round_folder: Path) -> str:
    """The next step where a file of a model, or of its figures, is not as it was saved."""
    return (
        f"Restore {round_folder} from a backup of the party's folder. Without one this model is lost: ask "
        "the coordinator to launch its plan again, with `isthmus round launch PLAN`."
    )


def _figures(round_folder: Path) -> list[Path]:
    """The files beside the model that hold figures, by name."""
    found = [*round_folder.glob("*.json"), *round_folder.glob("*.npz")]
    return sorted(path for path in found if not path.name.startswith(".") and path.name not in _OF_ATTEMPTS)


def _write_manifest(folder: Path, written: Mapping[str, bytes]) -> str:
    """Write the manifest of `written` (name -> content); the hash over all of it."""
    lines = "".join(f"{_sha256(data)}  {name}\n" for name, data in sorted(written.items()))
    digest = _sha256(lines.encode())
    files.write_private(folder / MANIFEST, f"{_HEAD}{digest}\n{lines}".encode())
    return digest


def _checked(folder: Path, *, own: bool = False) -> tuple[str, dict[str, bytes]]:
    """The hash over all and each file that the manifest names, compared with it; with `own` those alone that
    lie in the folder itself."""
    path, advice = folder / MANIFEST, _restore(folder.parent)
    head, _, lines = files.read(path, _ADVICE).partition(b"\n")
    digest = _sha256(lines)
    if head != (_HEAD + digest).encode():
        raise UsageError(
            "the manifest was changed after it was written",
            file=str(path),
            advice=advice,
            code=Code.MODEL_CHANGED,
        )
    written = {}
    for line in lines.decode("utf-8", "replace").splitlines():
        wanted, _, name = line.partition("  ")
        plain = name.removeprefix(_BESIDE)
        if not plain or Path(plain).name != plain:
            raise UsageError("this is not a manifest", file=str(path), advice=advice, code=Code.MODEL_CHANGED)
        if own and plain != name:
            continue
        place = folder / name if plain == name else folder.parent / plain
        data = files.read(place, advice)
        if _sha256(data) != wanted:
            raise UsageError(
                "this file was changed after the model was saved",
                file=str(place),
                advice=advice,
                code=Code.MODEL_CHANGED,
            )
        written[name] = data
    return digest, written


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
