from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import (
    DigestMismatch,
    FilesMissing,
    HostileArchive,
)
from models.install import import_files, is_installed
from models.manifest import Manifest
from tests.models.small_packs import (
    ONE,
    TWO,
    digest,
    left_over,
    setting_in,
    tar_of,
    zip_of,
)


@pytest.mark.parametrize("make", [zip_of, tar_of], ids=["zip", "tar"])
def test_files_brought_in_an_archive_are_known_by_their_digest(
    tmp_path: Path, tiny: Manifest, make: Callable[[dict[str, bytes]], bytes]
) -> None:
    suffix = "zip" if make is zip_of else "tar.gz"
    path = tmp_path / f"brought.{suffix}"
    path.write_bytes(make({"any/name": ONE, "another": TWO, "third": b"3"}))

    import_files("tiny", [path], setting_in(tmp_path, None))

    assert is_installed(tiny, tmp_path / "models")


def test_files_brought_in_a_folder_may_come_in_several_steps(
    tmp_path: Path, tiny: Manifest
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "below").mkdir(parents=True)
    second.mkdir()
    (first / "below" / "one.bin").write_bytes(ONE)
    (second / "renamed").write_bytes(TWO)

    with pytest.raises(FilesMissing) as caught:
        import_files("tiny", [first], setting_in(tmp_path, None))
    assert caught.value.files == ("two.bin",)
    assert not is_installed(tiny, tmp_path / "models")

    import_files("tiny", [second], setting_in(tmp_path, None))
    assert is_installed(tiny, tmp_path / "models")


@pytest.mark.parametrize("content", [b"evil", b"eno" * 1000], ids=["length", "digest"])
def test_a_brought_file_of_a_known_name_must_be_the_known_file(
    tmp_path: Path, tiny: Manifest, content: bytes
) -> None:
    (tmp_path / "one.bin").write_bytes(content)

    with pytest.raises(DigestMismatch) as caught:
        import_files("tiny", [tmp_path / "one.bin"], setting_in(tmp_path, None))

    assert (caught.value.file, caught.value.found) == ("one.bin", digest(content))
    assert not is_installed(tiny, tmp_path / "models")


def test_a_hostile_archive_can_not_be_imported(tmp_path: Path, tiny: Manifest) -> None:
    (tmp_path / "brought.zip").write_bytes(zip_of({"../one.bin": ONE, "two.bin": TWO}))

    with pytest.raises(HostileArchive):
        import_files("tiny", [tmp_path / "brought.zip"], setting_in(tmp_path, None))
    assert left_over(tmp_path) == []


def test_a_path_that_is_not_there_can_not_be_imported(tmp_path: Path, tiny: Manifest) -> None:
    with pytest.raises(FilesMissing):
        import_files("tiny", [tmp_path / "nothing"], setting_in(tmp_path, None))


@pytest.mark.pack
@pytest.mark.slow
def test_the_default_pack_is_made_again_from_the_publishers_files(
    models_dir: Path, raw_weights: Callable[[str], bytes], tmp_path: Path
) -> None:
    brought = tmp_path / "brought"
    brought.mkdir()
    for name in ("dlib_face_recognition_resnet_model_v1.dat", "faceres.json", "faceres.bin"):
        (brought / name).write_bytes(raw_weights(name))
    for name in ("face_landmark.tflite", "face_detection_short_range.tflite"):
        shutil.copy(models_dir / "open" / name, brought)

    import_files("open", [brought], setting_in(tmp_path, None))

    for path in (models_dir / "open").glob("*.onnx"):
        assert (tmp_path / "models" / "open" / path.name).read_bytes() == path.read_bytes()
