"""What the tests of the model packs share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from models.digests import sha256_of
from models.engine import Engines, FaceMesh, region_from_detection, region_from_points
from models.manifest import Ingredient, Manifest, load_manifest
from models.runtime import load_engines
from models.store import cache_folder
from tests.models.small_packs import ARCHIVE, NAME, Declare, ShelfFetcher, tiny_manifest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of installed packs; skips where pack `open` isn't there."""
    folder = Path(os.environ.get("CAMEO_MODELS_DIR", ROOT / ".cameo" / "models"))
    if not (folder / "open").is_dir():
        pytest.skip("model pack `open` is not installed (manage.py models install open)")
    return folder


@pytest.fixture(scope="session")
def engines(models_dir: Path) -> Engines:
    return load_engines("open", models_dir)


@pytest.fixture(scope="session")
def portrait() -> NDArray[np.uint8]:
    """A public-domain picture of one person, RGB, (512, 512, 3)."""
    return np.asarray(astronaut(), dtype=np.uint8)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="session")
def portrait_mesh(engines: Engines, portrait: NDArray[np.uint8]) -> FaceMesh:
    face = engines.detector.detect(portrait)[0]
    rough = engines.mesh.landmarks(portrait, region_from_detection(face))
    return engines.mesh.landmarks(portrait, region_from_points(rough.points))


@pytest.fixture(scope="session")
def raw_weights() -> Callable[[str], bytes]:
    """Returns a publisher's file of pack `open` by name, from the user's cache, else skips."""
    ingredients: dict[str, Ingredient] = {
        ingredient.name: ingredient
        for file in load_manifest("open").files
        for ingredient in file.made_from
    }

    def read(name: str) -> bytes:
        ingredient = ingredients[name]
        path = cache_folder() / ingredient.sha256
        if not path.is_file() or sha256_of(path) != ingredient.sha256:
            pytest.skip(f"{name} is not in the cache (manage.py models install open)")
        return path.read_bytes()

    return read


@pytest.fixture(scope="session")
def pad_weights() -> Callable[[str], bytes]:
    """Returns a publisher's file of pack `minifasnet` by name, else skips."""
    shared = Path(os.environ.get("CAMEO_SHARED_MODELS", ROOT.parent / "shared" / "models"))
    ingredients = {i.name: i for f in load_manifest("minifasnet").files for i in f.made_from}

    def read(name: str) -> bytes:
        wanted = ingredients[name].sha256
        for path in (shared / name, cache_folder() / wanted):
            if path.is_file() and sha256_of(path) == wanted:
                return path.read_bytes()
        pytest.skip(f"{name} is not there (manage.py models install minifasnet)")

    return read


@pytest.fixture(scope="session")
def real_scrfd() -> Path:
    """A real InsightFace detector, for tests only; skips where it isn't there."""
    folder = Path(os.environ.get("CAMEO_SHARED_MODELS", ROOT.parent / "shared" / "models"))
    path = folder / "scrfd_500m_kps.onnx"
    if not path.is_file():
        pytest.skip("scrfd_500m_kps.onnx is not there ($CAMEO_SHARED_MODELS)")
    return path


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Makes manifests the known ones."""
    known: dict[str, Manifest] = {}
    monkeypatch.setattr("models.install.load_manifest", known.__getitem__)

    def add(manifest: Manifest) -> None:
        known[manifest.name] = manifest

    return add


@pytest.fixture
def tiny(declare: Declare) -> Manifest:
    manifest = tiny_manifest()
    declare(manifest)
    return manifest


@pytest.fixture
def shelf() -> ShelfFetcher:
    return ShelfFetcher({NAME: ARCHIVE})
