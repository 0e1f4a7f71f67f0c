"""The thin bundle: what a run carries instead of code.

Flower ships every run with a bundle (a FAB, a zip file) which by default is unpacked, put first on
`sys.path` and executed, at every party. Isthmus ships one file that names the *installed* apps, and an
executor runs nothing unless the bundle is, byte for byte, the one that its own installation would have
sent. Nothing of a bundle is ever written to disk or imported.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile

from crypto.codes import Code
from crypto.version import installed_version
from federation.errors import BundleRefused

SERVER_APP = "federation.flower.server_app:app"
CLIENT_APP = "parties.client_app:app"
#: The one key of a run's configuration: which plan of the coordinator this run is for.
PLAN_KEY = "plan-id"

_MANIFEST = "pyproject.toml"
#: Flower's own builder adds this list of hashes; it holds no code.
_HARMLESS = frozenset({_MANIFEST, ".info/CONTENT"})
_NAMES_SHOWN = 5
#: Flower's own limit for a bundle (`FAB_MAX_SIZE`), in bytes.
_LARGEST = 10 * 1024 * 1024
#: The earliest date that a zip file can hold: equal input gives equal bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@functools.cache
def bundle() -> bytes:
    """The bundle of this installation. Stored, not deflated: the bytes do not depend on zlib."""
    manifest = "\n".join(
        [
            "[project]",
            'name = "isthmus"',
            f'version = "{installed_version()}"',
            'description = "Runs what the parties have installed; brings no code."',
            'license = "Apache-2.0"',
            "dependencies = []",
            "",
            "[tool.flwr.app]",
            'publisher = "isthmus"',
            "",
            "[tool.flwr.app.components]",
            f'serverapp = "{SERVER_APP}"',
            f'clientapp = "{CLIENT_APP}"',
            "",
            "[tool.flwr.app.config]",
            f'{PLAN_KEY} = ""',
            "",
        ]
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo(_MANIFEST, _EPOCH)
        entry.create_system = 3  # The same on every platform.
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, manifest)
    return packed.getvalue()


@functools.cache
def bundle_digest() -> str:
    """SHA-256 of `bundle()`, in lower-case hexadecimal: the only bundle that this installation runs."""
    return hashlib.sha256(bundle()).hexdigest()


def check_bundle(content: bytes) -> None:
    """Raise `BundleRefused` unless `content` is this installation's own bundle.

    The error names the foreign files (names only, a few) or says that it is another version. Only the
    zip file's directory is read, in memory.
    """
    if hashlib.sha256(content).hexdigest() == bundle_digest():
        return
    foreign = _foreign_files(content)
    if foreign:
        more = f" and {len(foreign) - _NAMES_SHOWN} more" if len(foreign) > _NAMES_SHOWN else ""
        raise BundleRefused(
            f"the bundle brings files of its own: {', '.join(foreign[:_NAMES_SHOWN])}{more}",
            advice="A party runs only what it installed. Ask the coordinator who submitted this run.",
        )
    raise BundleRefused(
        f"the bundle was made by another version of Isthmus; installed here is {installed_version()}",
        code=Code.BUNDLE_VERSION,
    )


def _foreign_files(content: bytes) -> list[str]:
    if len(content) > _LARGEST:
        raise BundleRefused("the bundle is larger than Flower allows")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise BundleRefused("the bundle cannot be read") from None
    return [_printable(name) for name in names if name not in _HARMLESS]


def _printable(name: str) -> str:
    # The sender chose the name, and the text will be shown on a terminal.
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])
