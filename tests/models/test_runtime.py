from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import DigestMismatch, FilesMissing, ManifestError, PackError, UnknownPack
from models.manifest import load_manifest
from models.runtime import load_engines, template_format

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own_copy(models_dir: Path, tmp_path: Path) -> Path:
    """A packs' folder with a copy of pack `open`, to be damaged."""
    shutil.copytree(models_dir / "open", tmp_path / "open")
    (tmp_path / "open" / "calibration.toml").unlink(missing_ok=True)
    return tmp_path


@pytest.mark.pack
def test_the_default_pack_loads_with_the_calibration_of_its_manifest(models_dir: Path) -> None:
    engines = load_engines("open", models_dir, threads=2)

    assert engines.pack == "open"
    assert [e.name for e in engines.embedders] == ["dlib_resnet.onnx", "hse_mobilenet.onnx"]
    assert engines.calibration.weights == (22.3, 24.9)
    assert engines.calibration.bias == -34.0
    assert engines.calibration.picture_threshold == 1.84
    assert engines.calibration.template_threshold == 3.0
    assert engines.calibration.continuity_threshold == 4.0
    assert engines.template_format == template_format(load_manifest("open"))


@pytest.mark.pack
@pytest.mark.parametrize("name", [f.name for f in load_manifest("open").files])
def test_a_changed_file_stops_the_start_by_name_and_both_digests(own_copy: Path, name: str) -> None:
    path = own_copy / "open" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    expected = next(f.sha256 for f in load_manifest("open").files if f.name == name)

    with pytest.raises(DigestMismatch) as caught:
        load_engines("open", own_copy)

    assert caught.value.file == name
    assert caught.value.expected == expected
    assert caught.value.found != expected
    for part in (name, caught.value.expected, caught.value.found):
        assert part in caught.value.message
    assert isinstance(caught.value, PackError)


@pytest.mark.pack
def test_a_missing_file_is_named_with_the_command_that_brings_it(own_copy: Path) -> None:
    (own_copy / "open" / "hse_mobilenet.onnx").unlink()

    with pytest.raises(FilesMissing, match=r"models install open") as caught:
        load_engines("open", own_copy)

    assert caught.value.files == ("hse_mobilenet.onnx",)


def test_a_pack_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(FilesMissing):
        load_engines("open", tmp_path / "nowhere")


def test_a_pack_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(UnknownPack):
        load_engines("closed", tmp_path)


@pytest.mark.pack
def test_a_deployers_own_calibration_is_used_and_is_another_format(own_copy: Path) -> None:
    (own_copy / "open" / "calibration.toml").write_text(
        "weights = [10.0, 12.0]\nbias = -9.0\npicture_threshold = 1.0\n"
        "template_threshold = 2.0\ncontinuity_threshold = 3.0\n"
        'measured = true\nbasis = "1,000 pairs of our own."\n'
    )

    engines = load_engines("open", own_copy)

    assert engines.calibration.weights == (10.0, 12.0)
    assert engines.template_format != template_format(load_manifest("open"))


@pytest.mark.pack
@pytest.mark.parametrize("text", ["", "weights = [1.0]", "nonsense", "weights = [1.0, 2.0]\nx = 1"])
def test_a_calibration_of_the_wrong_form_stops_the_start(own_copy: Path, text: str) -> None:
    (own_copy / "open" / "calibration.toml").write_text(text)

    with pytest.raises(ManifestError, match=r"calibration\.toml"):
        load_engines("open", own_copy)


@pytest.mark.pack
def test_a_calibration_for_another_number_of_embedders_stops_the_start(own_copy: Path) -> None:
    (own_copy / "open" / "calibration.toml").write_text(
        "weights = [10.0]\nbias = -9.0\npicture_threshold = 1.0\n"
        'template_threshold = 2.0\ncontinuity_threshold = 3.0\nmeasured = true\nbasis = "x"\n'
    )

    with pytest.raises(ManifestError, match="one weight"):
        load_engines("open", own_copy)


@pytest.mark.pack
@pytest.mark.parametrize("place", [0, 1, 2], ids=["detector", "mesh", "embedder"])
def test_an_engine_that_there_is_not_stops_the_start(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    manifest = load_manifest("open")
    files = list(manifest.files)
    files[place] = replace(files[place], engine="steam")
    changed = replace(manifest, files=tuple(files))
    monkeypatch.setattr("models.runtime.load_manifest", {"open": changed}.__getitem__)

    with pytest.raises(ManifestError):
        load_engines("open", models_dir)


@pytest.mark.pack
def test_an_alignment_or_a_size_that_does_not_fit_stops_the_start(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = load_manifest("open")
    for change in ({"alignment": "by_eye"}, {"input_size": 151}):
        preparation = replace(manifest.files[2].preparation, **change)
        file = replace(manifest.files[2], preparation=preparation)
        changed = replace(manifest, files=(*manifest.files[:2], file, manifest.files[3]))
        monkeypatch.setattr("models.runtime.load_manifest", {"open": changed}.__getitem__)
        with pytest.raises(PackError):
            load_engines("open", models_dir)


def test_the_template_format_changes_with_all_that_a_template_depends_on() -> None:
    manifest = load_manifest("open")
    before = template_format(manifest)
    dlib = manifest.files[2]
    changed = [
        replace(dlib, sha256="0" * 64),
        replace(dlib, dimensions=64),
        replace(dlib, preparation=replace(dlib.preparation, input_size=112)),
        replace(dlib, preparation=replace(dlib.preparation, colour_order="bgr")),
        replace(dlib, preparation=replace(dlib.preparation, mean=(0.0, 0.0, 0.0))),
        replace(dlib, preparation=replace(dlib.preparation, scale=1.0)),
        replace(dlib, preparation=replace(dlib.preparation, alignment="arcface_five_wider")),
    ]
    formats = {
        template_format(replace(manifest, files=(*manifest.files[:2], file, manifest.files[3])))
        for file in changed
    }
    mesh = replace(manifest.files[1], sha256="1" * 64)
    formats.add(
        template_format(replace(manifest, files=(manifest.files[0], mesh, *manifest.files[2:])))
    )

    assert len(before) == 16
    assert len(formats) == len(changed) + 1
    assert before not in formats


def test_the_template_format_keeps_still_while_words_change() -> None:
    manifest = load_manifest("open")

    assert template_format(manifest) == template_format(replace(manifest, summary="Other words."))
    assert template_format(manifest) == "93ac44fed3d09f91"


def test_all_packs_have_formats_of_their_own() -> None:
    formats = [template_format(load_manifest(n)) for n in ("open", "buffalo_l", "buffalo_sc")]

    assert len(set(formats)) == 3


def test_telemetry_is_off_before_onnx_runtime_is_imported_anywhere() -> None:
    program = """
import builtins, os, sys
seen = []
true_import = builtins.__import__
def watching(name, *args, **kwargs):
    if name.split(".")[0] == "onnxruntime" and "onnxruntime" not in sys.modules:
        seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
    return true_import(name, *args, **kwargs)
builtins.__import__ = watching
import models.runtime, models.insightface_engine, models.insightface_liveness, models.cli
assert "onnxruntime" in sys.modules
print(seen)
"""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert set(done.stdout.strip()[1:-1].split(", ")) == {"'1'"}


def test_the_types_of_engines_need_no_runtime() -> None:
    program = "import sys, models.engine; print('onnxruntime' in sys.modules, 'cv2' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "False"]
