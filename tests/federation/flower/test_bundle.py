"""The bundle is the same bytes everywhere, and nothing else passes for it."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
from flwr.clientapp import ClientApp
from flwr.common.config import get_fab_config
from flwr.serverapp import ServerApp

from crypto.version import installed_version
from federation.errors import BundleRefused
from federation.flower.bundle import bundle, bundle_digest, check_bundle


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def manifest() -> bytes:
    with zipfile.ZipFile(io.BytesIO(bundle())) as archive:
        assert archive.namelist() == ["pyproject.toml"]
        return archive.read("pyproject.toml")


def test_two_processes_make_the_same_bundle() -> None:
    code = "from federation.flower.bundle import bundle_digest; print(bundle_digest())"
    root = Path(__file__).parents[3]
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=300
    )
    assert other.stdout.strip() == bundle_digest() == hashlib.sha256(bundle()).hexdigest()


def test_flower_takes_the_bundle_and_it_names_the_installed_apps() -> None:
    config = get_fab_config(bundle())
    assert config == tomllib.loads(manifest().decode())
    assert config["project"]["version"] == installed_version()
    app = config["tool"]["flwr"]["app"]
    assert app["publisher"] == "isthmus"
    assert app["config"] == {"plan-id": ""}
    for name, kind in (("serverapp", ServerApp), ("clientapp", ClientApp)):
        module, attribute = app["components"][name].split(":")
        assert isinstance(getattr(import_module(module), attribute), kind)


def test_the_own_bundle_passes() -> None:
    check_bundle(bundle())


def test_files_of_its_own_are_named_and_bounded() -> None:
    files = {f"parties/m{number}.py": b"SECRET" for number in range(7)}
    with pytest.raises(BundleRefused) as caught:
        check_bundle(packed({"pyproject.toml": manifest(), **files}))
    assert caught.value.what.endswith(
        "parties/m0.py, parties/m1.py, parties/m2.py, parties/m3.py, parties/m4.py and 2 more"
    )
    assert "SECRET" not in str(caught.value)


def test_a_files_name_cannot_write_to_the_terminal() -> None:
    with pytest.raises(BundleRefused) as caught:
        check_bundle(packed({"pyproject.toml": manifest(), "a\x1b[2J\n" + "b" * 500: b""}))
    assert caught.value.what.isprintable()
    assert len(caught.value.what) < 200


@pytest.mark.parametrize(
    "content",
    [
        packed({"pyproject.toml": b'[project]\nname = "isthmus"\nversion = "9.9.9"\n'}),
        packed({"pyproject.toml": b"", ".info/CONTENT": b""}),
    ],
)
def test_another_version_is_called_that(content: bytes) -> None:
    with pytest.raises(
        BundleRefused, match=f"another version of Isthmus; installed here is {installed_version()}"
    ):
        check_bundle(content)


def test_equal_files_in_other_bytes_are_not_the_bundle() -> None:
    for other in (packed({"pyproject.toml": manifest()}, zipfile.ZIP_DEFLATED), bundle() + b"\x00"):
        with pytest.raises(BundleRefused):
            check_bundle(other)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00" * 1000])
def test_noise_is_not_a_bundle(content: bytes) -> None:
    with pytest.raises(BundleRefused, match="cannot be read"):
        check_bundle(content)


def test_a_bundle_that_is_too_large_is_not_opened() -> None:
    with pytest.raises(BundleRefused, match="larger"):
        check_bundle(bytes(10 * 1024 * 1024 + 1))
