"""Loads a pack: every digest first, then the engines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import rfc8785

from models.blazeface import BlazeFaceDetector
from models.digests import verify_bytes
from models.embedder import MeshAlignedEmbedder
from models.engine import Calibration, Detector, Embedder, Engines, MeshEngine, PadEngine
from models.errors import FilesMissing, ManifestError, PackError
from models.face_mesh import FaceMeshEngine
from models.manifest import Manifest, PackFile, load_manifest, parse_calibration
from models.minifasnet import MiniFasNetPad
from models.tables import Table

CALIBRATION_FILE: Final = "calibration.toml"
_FORMAT_LENGTH: Final = 16

Contents = Mapping[str, bytes]


def load_engines(name: str, models_dir: Path, *, threads: int = 1) -> Engines:
    """Returns the engines of the pack `name`.

    All files are read and their digests compared before the first is loaded, and what is
    loaded are the bytes that were compared (an InsightFace pack's library reads its files
    again by itself).

    Args:
        name: of the pack.
        models_dir: folder that holds a folder for each installed pack.
        threads: threads for each network to compute on.

    Raises:
        UnknownPack: there is no such pack.
        FilesMissing: a file isn't there; the error names it and how to install it.
        DigestMismatch: a file is another one; the error names it and both digests.
        PackError: the pack can't be used for another reason.
    """
    manifest = load_manifest(name)
    shipped = _shipped_calibration(manifest)
    tracker = load_manifest(manifest.tracker) if manifest.tracker else manifest
    needed = [*tracker.with_role("detector"), *tracker.with_role("mesh")]
    contents = _read(models_dir / name, manifest, manifest.files)
    tracking = (
        contents if tracker is manifest else _read(models_dir / tracker.name, tracker, needed)
    )
    calibration = _calibration(models_dir / name, manifest, shipped)
    return Engines(
        pack=name,
        template_format=template_format(manifest, calibration),
        detector=_detector(tracker, tracking, threads),
        mesh=_mesh(tracker, tracking, threads),
        embedders=_embedders(models_dir / name, manifest, contents, threads),
        calibration=calibration,
    )


def load_pad(name: str, models_dir: Path, *, threads: int = 1) -> PadEngine:
    """Returns the PAD engine of the pack `name`, which may fill other roles as well.

    As in `load_engines`, the bytes whose digests were compared are the bytes that are loaded.

    Args:
        name: of the pack.
        models_dir: folder that holds a folder for each installed pack.
        threads: threads for each network to compute on.

    Raises:
        UnknownPack: there is no such pack.
        FilesMissing: a file isn't there; the error names it and how to install it.
        DigestMismatch: a file is another one; the error names it and both digests.
        PackError: the pack has no PAD engine, or can't be used for another reason.
    """
    manifest = load_manifest(name)
    files = manifest.with_role("pad")
    if not files:
        raise PackError(f"Pack {name} doesn't fill the role pad.")
    contents = _read(models_dir / name, manifest, files)
    match sorted({file.engine for file in files}):
        case ["minifasnet"]:
            networks = [(file, contents[file.name]) for file in files]
            return MiniFasNetPad(name, networks, threads=threads)
        case ["insightface_liveness"] if len(files) == 1:
            # Imported only for packs that need it: it brings scikit-image and SciPy.
            from models.insightface_liveness import InsightFaceLivenessPad

            tracker = load_manifest(manifest.tracker) if manifest.tracker else manifest
            needed = tracker.with_role("mesh")
            mesh = _mesh(tracker, _read(models_dir / tracker.name, tracker, needed), threads)
            return InsightFaceLivenessPad(name, contents[files[0].name], mesh, threads=threads)
        case other:
            raise ManifestError(f"manifest {name}: no PAD engine is made of {', '.join(other)}.")


def template_format(manifest: Manifest, calibration: Calibration | None = None) -> str:
    """Returns the short hash of everything that a template of this pack depends on.

    That is, for each embedder: digest, dimensions, preparation and weight (a stored
    template carries it); and the digest of what places the points it is aligned by.

    Args:
        manifest: of the pack.
        calibration: the one in use, where it isn't the manifest's.

    Raises:
        PackError: the pack has no embedders.
    """
    weights = (calibration or _shipped_calibration(manifest)).weights
    aligner = manifest.with_role("detector") if manifest.tracker else manifest.with_role("mesh")
    described: dict[str, Any] = {
        "version": 1,
        "aligner": [[file.sha256, file.preparation.input_size] for file in aligner],
        "embedders": [
            {
                "sha256": file.sha256,
                "dimensions": file.dimensions,
                "weight": weight,
                "input_size": file.preparation.input_size,
                "colour_order": file.preparation.colour_order,
                "mean": list(file.preparation.mean),
                "scale": file.preparation.scale,
                "alignment": file.preparation.alignment,
            }
            for file, weight in zip(manifest.with_role("embedder"), weights, strict=True)
        ],
    }
    return hashlib.sha256(rfc8785.dumps(described)).hexdigest()[:_FORMAT_LENGTH]


def _read(folder: Path, manifest: Manifest, files: Sequence[PackFile]) -> Contents:
    missing = tuple(file.name for file in files if not (folder / file.name).is_file())
    if missing:
        raise FilesMissing(
            f"Pack {manifest.name} lacks {', '.join(missing)} in {folder}: "
            f"run `manage.py models install {manifest.name}`.",
            files=missing,
        )
    return {
        file.name: verify_bytes(file.name, (folder / file.name).read_bytes(), file.sha256)
        for file in files
    }


def _shipped_calibration(manifest: Manifest) -> Calibration:
    if manifest.calibration is None:
        raise PackError(
            f"Pack {manifest.name} has no embedders: it fills only the role pad, beside another."
        )
    return manifest.calibration


def _calibration(folder: Path, manifest: Manifest, shipped: Calibration) -> Calibration:
    """The deployer's own calibration where there is one, else the manifest's."""
    path = folder / CALIBRATION_FILE
    if not path.is_file():
        return shipped
    where = f"{CALIBRATION_FILE} of pack {manifest.name}"
    calibration, _ = parse_calibration(Table.parse(path.read_bytes(), where))
    if len(calibration.weights) != len(manifest.with_role("embedder")):
        raise ManifestError(f"{where} needs one weight for each embedder.")
    return calibration


def _detector(manifest: Manifest, contents: Contents, threads: int) -> Detector:
    file = _only(manifest, "detector", "blazeface")
    return BlazeFaceDetector(contents[file.name], threads=threads)


def _mesh(manifest: Manifest, contents: Contents, threads: int) -> MeshEngine:
    file = _only(manifest, "mesh", "face_mesh")
    return FaceMeshEngine(contents[file.name], threads=threads)


def _embedders(
    folder: Path, manifest: Manifest, contents: Contents, threads: int
) -> tuple[Embedder, ...]:
    embedders: list[Embedder] = []
    for file in manifest.with_role("embedder"):
        match file.engine:
            case "mesh_aligned":
                embedders.append(MeshAlignedEmbedder(file, contents[file.name], threads=threads))
            case "insightface":
                # Imported only for packs that need it: it brings scikit-image and SciPy.
                from models.insightface_engine import InsightFaceEmbedder

                detector = _only(manifest, "detector", "insightface")
                embedders.append(InsightFaceEmbedder(folder, detector, file, threads=threads))
            case other:
                raise ManifestError(f"manifest {manifest.name}: no engine is called {other}.")
    return tuple(embedders)


def _only(manifest: Manifest, role: str, engine: str) -> PackFile:
    files = manifest.with_role(role)
    if len(files) != 1 or files[0].engine != engine:
        raise ManifestError(f"manifest {manifest.name} needs one {role} for engine {engine}.")
    return files[0]
