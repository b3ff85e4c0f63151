"""Small packs, archives and a fetcher that serves them, for tests that must not go out."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.digests import verify_file
from models.engine import Calibration
from models.errors import SourceUnreachable
from models.install import Setting
from models.manifest import (
    Ingredient,
    Licence,
    Manifest,
    PackFile,
    Preparation,
    RegistrySource,
    Source,
    WebArchive,
    WebFile,
)
from models.sources import describe
from models.store import Cache

Declare = Callable[[Manifest], None]

CALIBRATION = Calibration(
    weights=(1.0,),
    bias=0.0,
    picture_threshold=0.5,
    template_threshold=0.5,
    continuity_threshold=0.5,
)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def tar_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def registry_source(
    archive: bytes, member: str, *, name: str = "tiny-1.0-py3-none-any.whl"
) -> RegistrySource:
    return RegistrySource(
        registry="pypi",
        package="tiny",
        version="1.0",
        archive=name,
        archive_sha256=digest(archive),
        archive_bytes=len(archive),
        member=member,
    )


def pack_file(name: str, content: bytes, *sources: Source, role: str = "detector") -> PackFile:
    return PackFile(
        name=name,
        role=role,
        engine="blazeface",
        runtime="litert",
        sha256=digest(content),
        bytes=len(content),
        dimensions=None,
        licence=Licence("CC0-1.0", "https://example.org/licence", "Any use."),
        training_data="Nothing; these are test bytes.",
        preparation=Preparation(8, "rgb", (0.0, 0.0, 0.0), 1.0, "letter_box"),
        converter=None,
        made_from=(Ingredient(name, digest(content), len(content), sources),),
    )


def manifest_of(*files: PackFile, name: str = "tiny", commercial_use: bool = True) -> Manifest:
    return Manifest(
        name=name,
        summary="A pack for tests.",
        commercial_use=commercial_use,
        tracker=None,
        files=files,
        calibration=CALIBRATION,
        calibration_basis="None.",
    )


def with_other_digest(file: PackFile) -> PackFile:
    ingredient = replace(file.made_from[0], sha256="0" * 64)
    return replace(file, sha256="0" * 64, made_from=(ingredient,))


@dataclass
class ShelfFetcher:
    """Serves archives by their file name or address; remembers what it was asked for."""

    shelf: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def fetch(self, source: Source, folder: Path) -> Path:
        self.asked.append(describe(source))
        match source:
            case RegistrySource():
                return verify_file(self._put(folder, source.archive), source.archive_sha256)
            case WebArchive():
                path = self._put(folder, source.address, "archive.zip")
                return verify_file(path, source.archive_sha256)
            case WebFile():
                return self._put(folder, source.address, "file")

    def _put(self, folder: Path, key: str, name: str | None = None) -> Path:
        if key not in self.shelf:
            raise SourceUnreachable("No network in this test.")
        path = folder / (name or key)
        path.write_bytes(self.shelf[key])
        return path


ONE, TWO = b"one" * 1000, b"two" * 2000
ARCHIVE = zip_of({"pkg/one.bin": ONE, "pkg/two.bin": TWO, "pkg/other.bin": b"left out"})
NAME = "tiny-1.0-py3-none-any.whl"


def tiny_manifest() -> Manifest:
    """A pack of two files that come in one archive."""
    return manifest_of(
        pack_file("one.bin", ONE, registry_source(ARCHIVE, "pkg/one.bin")),
        pack_file("two.bin", TWO, registry_source(ARCHIVE, "pkg/two.bin"), role="mesh"),
    )


def setting_in(
    folder: Path, fetcher: ShelfFetcher | None, *, accept_licence: bool = False
) -> Setting:
    return Setting(
        models_dir=folder / "models",
        cache=Cache(folder / "cache"),
        fetcher=fetcher,
        accept_licence=accept_licence,
    )


def left_over(folder: Path) -> list[str]:
    """What lies in the packs' folder, its lock left out."""
    return sorted(path.name for path in (folder / "models").iterdir() if path.name != ".lock")
