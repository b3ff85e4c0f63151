from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.converters import minifasnet
from models.engine import Engines
from models.errors import DigestMismatch, FilesMissing, ManifestError, PackError, UnknownPack
from models.install import import_files, is_installed
from models.manifest import Manifest, PackFile, load_manifest
from models.runtime import load_engines, load_pad, template_format
from tests.models.insightface_files import mean_red_liveness
from tests.models.small_packs import Declare, digest, setting_in
from tests.models.torch_files import random_minifasnet, torch_file

ROOT = Path(__file__).parents[2]
RAW = [torch_file(random_minifasnet(seed, squeeze_excite=bool(seed))) for seed in range(2)]
BOX = (40.0, 30.0, 80.0, 70.0)


def _made_of(file: PackFile, raw: bytes, content: bytes) -> PackFile:
    ingredient = replace(file.made_from[0], sha256=digest(raw), bytes=len(raw))
    return replace(file, sha256=digest(content), bytes=len(content), made_from=(ingredient,))


@pytest.fixture
def manifest(monkeypatch: pytest.MonkeyPatch, declare: Declare) -> Manifest:
    """The manifest of minifasnet, with the digests of networks made here."""
    real = load_manifest("minifasnet")
    made = replace(
        real,
        files=tuple(
            _made_of(file, raw, minifasnet.convert(raw))
            for file, raw in zip(real.files, RAW, strict=True)
        ),
    )
    declare(made)
    monkeypatch.setattr("models.runtime.load_manifest", {"minifasnet": made}.__getitem__)
    return made


@pytest.fixture
def installed(manifest: Manifest, tmp_path: Path) -> Path:
    """The packs' folder after `models import` of the publisher's files."""
    brought = tmp_path / "brought"
    brought.mkdir()
    for number, raw in enumerate(RAW):
        (brought / f"{number}.pth").write_bytes(raw)
    import_files("minifasnet", [brought], setting_in(tmp_path, None))
    return tmp_path / "models"


def _noise() -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (120, 120, 3), dtype=np.uint8)


def test_the_publishers_files_become_a_pack_that_scores(
    installed: Path, manifest: Manifest
) -> None:
    assert is_installed(manifest, installed)

    pad = load_pad("minifasnet", installed)

    assert pad.name == "minifasnet"
    assert 0 < pad.score(_noise(), BOX) < 1


def test_a_changed_file_stops_the_start_by_name(installed: Path, manifest: Manifest) -> None:
    for file in manifest.files:
        path = installed / "minifasnet" / file.name
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(DigestMismatch, match=file.name):
            load_pad("minifasnet", installed)
        path.write_bytes(before)


def test_a_missing_file_is_named_with_the_command_that_brings_it(
    installed: Path, manifest: Manifest
) -> None:
    (installed / "minifasnet" / manifest.files[1].name).unlink()

    with pytest.raises(FilesMissing, match="models install minifasnet"):
        load_pad("minifasnet", installed)


def test_one_of_two_networks_alone_is_not_enough(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "one.pth").write_bytes(RAW[0])

    with pytest.raises(FilesMissing) as caught:
        import_files("minifasnet", [tmp_path / "one.pth"], setting_in(tmp_path, None))

    assert caught.value.files == ("4_0_0_80x80_MiniFASNetV1SE.pth",)


def test_a_pad_pack_is_no_pack_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="only the role pad"):
        load_engines("minifasnet", tmp_path)
    with pytest.raises(PackError, match="only the role pad"):
        template_format(load_manifest("minifasnet"))


def test_a_pack_without_the_role_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="role pad"):
        load_pad("open", tmp_path)
    with pytest.raises(UnknownPack):
        load_pad("nothing", tmp_path)


@pytest.mark.parametrize("engines", [("steam", "steam"), ("minifasnet", "insightface_liveness")])
def test_an_engine_that_there_is_not_stops_the_start(
    installed: Path,
    manifest: Manifest,
    monkeypatch: pytest.MonkeyPatch,
    engines: tuple[str, str],
) -> None:
    files = tuple(replace(f, engine=e) for f, e in zip(manifest.files, engines, strict=True))
    changed = {"minifasnet": replace(manifest, files=files)}
    monkeypatch.setattr("models.runtime.load_manifest", changed.__getitem__)

    with pytest.raises(ManifestError):
        load_pad("minifasnet", installed)


@pytest.mark.pack
def test_the_liveness_addon_stands_beside_the_default_pack(
    models_dir: Path,
    engines: Engines,
    portrait: NDArray[np.uint8],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = load_manifest("insightface_liveness")
    addon = mean_red_liveness()
    made = replace(real, files=(_made_of(real.files[0], addon, addon),))
    known = {"open": load_manifest("open"), made.name: made}
    monkeypatch.setattr("models.runtime.load_manifest", known.__getitem__)
    (tmp_path / made.name).mkdir()
    (tmp_path / made.name / "liveness.onnx").write_bytes(addon)

    with pytest.raises(FilesMissing, match="models install open"):
        load_pad(made.name, tmp_path)

    shutil.copytree(models_dir / "open", tmp_path / "open")
    pad = load_pad(made.name, tmp_path)
    assert pad.name == "insightface_liveness"
    assert 0 < pad.score(portrait, engines.detector.detect(portrait)[0].box) < 1


@pytest.mark.slow
def test_the_real_files_are_imported_to_the_digests_of_the_manifest(
    pad_weights: Callable[[str], bytes], tmp_path: Path
) -> None:
    real = load_manifest("minifasnet")
    for file in real.files:
        (tmp_path / file.made_from[0].name).write_bytes(pad_weights(file.made_from[0].name))

    import_files("minifasnet", [tmp_path], setting_in(tmp_path, None))

    assert is_installed(real, tmp_path / "models")
    assert 0 <= load_pad("minifasnet", tmp_path / "models").score(_noise(), BOX) <= 1


def test_torch_is_never_imported() -> None:
    program = "import sys, models.install, models.runtime; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"
