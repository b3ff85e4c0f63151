"""What a pack consists of: each file's digest, licence, sources and preparation.

A manifest lies in `models/packs/<name>/manifest.toml` and is part of the project, so that
nothing a network delivers can change what counts as the right file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from models.engine import Calibration
from models.errors import ManifestError, UnknownPack
from models.tables import Table

PACKS: Final = Path(__file__).parent / "packs"
ROLES: Final = ("detector", "mesh", "embedder", "pad")
RUNTIMES: Final = ("onnx", "litert")
COLOUR_ORDERS: Final = ("rgb", "bgr")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MEMBER: Final = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._/-]{0,255}")
_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z.+-]{0,31}")
_PACKAGE: Final = re.compile(r"(@[a-z0-9-]+/)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ADDRESS: Final = re.compile(r"https://[A-Za-z0-9.-]+/[\x21-\x7e]+")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Licence:
    """SPDX identifier (or LicenseRef-…), link, and one sentence on what it permits."""

    spdx: str
    link: str
    permits: str


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """A member of an archive in a package registry.

    Attributes:
        registry: `pypi` or `npm`.
        package: its name there.
        version: exact.
        archive: the archive's file name.
        archive_sha256: of the archive.
        archive_bytes: its length.
        member: path inside it.
    """

    registry: str
    package: str
    version: str
    archive: str
    archive_sha256: str
    archive_bytes: int
    member: str


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file at an https address."""

    address: str


@dataclass(frozen=True, slots=True)
class WebArchive:
    """A member of a zip archive at an https address; `member` may lie in a folder of it."""

    address: str
    archive_sha256: str
    member: str


Source = RegistrySource | WebFile | WebArchive


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file as its publisher gives it; `sources` are tried in order."""

    name: str
    sha256: str
    bytes: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a picture becomes a network's input: (aligned crop − mean) · scale.

    Attributes:
        input_size: side of the square, pixels.
        colour_order: `rgb` or `bgr`, of the input and of `mean`.
        mean: one number a channel, on the scale 0 to 255.
        scale: after the mean is taken off.
        alignment: name of the crop's geometry (models/alignment.py).
    """

    input_size: int
    colour_order: str
    mean: tuple[float, float, float]
    scale: float
    alignment: str


@dataclass(frozen=True, slots=True)
class PackFile:
    """One file that the engines load.

    Attributes:
        name: file name in the pack's folder.
        role: one of ROLES.
        engine: name of the code that runs it (models/runtime.py).
        runtime: one of RUNTIMES.
        sha256: of the prepared file.
        bytes: of the prepared file.
        dimensions: length of an embedder's vector; None for other roles.
        licence: of the weights.
        training_data: what they were trained on.
        preparation: of its input.
        converter: name of the conversion (models/converters), or None for a file that is
            used as it comes.
        made_from: what the conversion reads, in its order; else the file itself.
    """

    name: str
    role: str
    engine: str
    runtime: str
    sha256: str
    bytes: int
    dimensions: int | None
    licence: Licence
    training_data: str
    preparation: Preparation
    converter: str | None
    made_from: tuple[Ingredient, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A pack.

    Attributes:
        name: the folder's name.
        summary: one sentence.
        commercial_use: whether the licences of all files permit it.
        tracker: name of the pack whose detector and mesh follow the face, or None where
            this pack has its own or needs none.
        files: in the manifest's order.
        calibration: of the comparison score; None in a pack without embedders, which fills
            only the role `pad` and stands beside another.
        calibration_basis: what it rests on; empty where there is none.
    """

    name: str
    summary: str
    commercial_use: bool
    tracker: str | None
    files: tuple[PackFile, ...]
    calibration: Calibration | None
    calibration_basis: str

    def with_role(self, role: str) -> tuple[PackFile, ...]:
        """Returns the files that fill a role, in order."""
        return tuple(file for file in self.files if file.role == role)


def pack_names() -> tuple[str, ...]:
    """Returns the names of all packs that the project knows, sorted."""
    return tuple(sorted(path.parent.name for path in PACKS.glob("*/manifest.toml")))


def load_manifest(name: str) -> Manifest:
    """Returns the manifest of the pack `name`.

    Raises:
        UnknownPack: there is none.
        ManifestError: it is not valid.
    """
    if name not in pack_names():
        raise UnknownPack(f"There is no model pack of this name; known: {', '.join(pack_names())}.")
    manifest = parse_manifest((PACKS / name / "manifest.toml").read_bytes())
    if manifest.name != name:
        raise ManifestError(f"The manifest in folder {name} calls itself {manifest.name}.")
    return manifest


def parse_manifest(content: bytes) -> Manifest:
    """Returns the manifest in a TOML document.

    Raises:
        ManifestError: it is not valid; unknown keys are refused.
    """
    root = Table.parse(content, "manifest")
    name = _matching(root, "name", _NAME)
    root.where = f"manifest {name}"
    tracker = _matching(root, "tracker", _NAME) if "tracker" in root else None
    files = tuple(_file(table) for table in root.tables("files"))
    calibration: Calibration | None = None
    basis = ""
    if "calibration" in root:
        calibration, basis = parse_calibration(root.table("calibration"))
    manifest = Manifest(
        name=name,
        summary=root.text("summary"),
        commercial_use=root.flag("commercial_use"),
        tracker=tracker,
        files=files,
        calibration=calibration,
        calibration_basis=basis,
    )
    root.done()
    _check(manifest)
    return manifest


def parse_calibration(table: Table) -> tuple[Calibration, str]:
    """Returns a calibration and the sentence on what it rests on.

    Raises:
        ManifestError: the table is not valid.
    """
    calibration = Calibration(
        weights=table.numbers("weights"),
        bias=table.number("bias"),
        picture_threshold=table.number("picture_threshold"),
        template_threshold=table.number("template_threshold"),
        continuity_threshold=table.number("continuity_threshold"),
        measured=table.flag("measured"),
    )
    basis = table.text("basis")
    table.done()
    if min(calibration.weights) <= 0:
        raise ManifestError(f"{table.where}: weights must be positive.")
    return calibration, basis


def _check(manifest: Manifest) -> None:
    where = f"manifest {manifest.name}"
    names = [file.name for file in manifest.files]
    if len(set(names)) != len(names):
        raise ManifestError(f"{where} names a file twice.")
    weights = manifest.calibration.weights if manifest.calibration is not None else ()
    if len(manifest.with_role("embedder")) != len(weights):
        raise ManifestError(f"{where} needs one weight for each embedder.")
    if manifest.tracker == manifest.name:
        raise ManifestError(f"{where} can't be its own tracker.")
    if len(manifest.with_role("pad")) == len(manifest.files):
        return
    own = (len(manifest.with_role("detector")), len(manifest.with_role("mesh")))
    if manifest.tracker is None and own != (1, 1):
        raise ManifestError(f"{where} needs one detector and one mesh, or a tracker.")
    if manifest.calibration is None:
        raise ManifestError(f"{where} has neither embedders nor only the role pad.")


def _file(table: Table) -> PackFile:
    name = _matching(table, "name", _NAME)
    table.where = f"manifest, {name}"
    role = _one_of(table, "role", ROLES)
    file = PackFile(
        name=name,
        role=role,
        engine=_matching(table, "engine", _NAME),
        runtime=_one_of(table, "runtime", RUNTIMES),
        sha256=_matching(table, "sha256", _DIGEST),
        bytes=table.integer("bytes"),
        dimensions=table.integer("dimensions") if role == "embedder" else None,
        licence=_whole(table.table("licence"), _licence),
        training_data=table.text("training_data"),
        preparation=_whole(table.table("preparation"), _preparation),
        converter=_matching(table, "converter", _NAME) if "converter" in table else None,
        made_from=tuple(_whole(entry, _ingredient) for entry in table.tables("made_from")),
    )
    table.done()
    digests = [ingredient.sha256 for ingredient in file.made_from]
    if file.converter is None and digests != [file.sha256]:
        raise ManifestError(f"{table.where} is used as it comes, but its digests differ.")
    return file


def _licence(table: Table) -> Licence:
    return Licence(
        spdx=_matching(table, "spdx", _NAME),
        link=_matching(table, "link", _ADDRESS),
        permits=table.text("permits"),
    )


def _preparation(table: Table) -> Preparation:
    mean = table.numbers("mean")
    if len(mean) != 3:
        raise ManifestError(f"{table.where}: `mean` must be three numbers.")
    return Preparation(
        input_size=table.integer("input_size"),
        colour_order=_one_of(table, "colour_order", COLOUR_ORDERS),
        mean=(mean[0], mean[1], mean[2]),
        scale=table.number("scale"),
        alignment=_matching(table, "alignment", _NAME),
    )


def _ingredient(table: Table) -> Ingredient:
    return Ingredient(
        name=_matching(table, "name", _NAME),
        sha256=_matching(table, "sha256", _DIGEST),
        bytes=table.integer("bytes"),
        sources=tuple(_whole(entry, _source) for entry in table.tables("sources")),
    )


def _source(table: Table) -> Source:
    match _one_of(table, "kind", ("pypi", "npm", "file", "zip")):
        case "file":
            return WebFile(address=_matching(table, "address", _ADDRESS))
        case "zip":
            return WebArchive(
                address=_matching(table, "address", _ADDRESS),
                archive_sha256=_matching(table, "archive_sha256", _DIGEST),
                member=_member(table),
            )
        case registry:
            return RegistrySource(
                registry=registry,
                package=_matching(table, "package", _PACKAGE),
                version=_matching(table, "version", _VERSION),
                archive=_matching(table, "archive", _NAME),
                archive_sha256=_matching(table, "archive_sha256", _DIGEST),
                archive_bytes=table.integer("archive_bytes"),
                member=_member(table),
            )


def _member(table: Table) -> str:
    member = _matching(table, "member", _MEMBER)
    if ".." in member.split("/"):
        raise ManifestError(f"{table.where}: `member` leaves the archive.")
    return member


def _whole(table: Table, read: Callable[[Table], _T]) -> _T:
    value = read(table)
    table.done()
    return value


def _matching(table: Table, key: str, pattern: re.Pattern[str]) -> str:
    value = table.text(key)
    if pattern.fullmatch(value) is None:
        raise ManifestError(f"{table.where}: `{key}` is not of the right form.")
    return value


def _one_of(table: Table, key: str, allowed: tuple[str, ...]) -> str:
    value = table.text(key)
    if value not in allowed:
        raise ManifestError(f"{table.where}: `{key}` must be one of {', '.join(allowed)}.")
    return value
