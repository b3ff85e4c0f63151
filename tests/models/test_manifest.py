from __future__ import annotations

from pathlib import Path

import pytest

from models.blazeface import SIZE as DETECTOR_SIZE
from models.errors import ManifestError, UnknownPack
from models.face_mesh import SIZE as MESH_SIZE
from models.manifest import (
    PACKS,
    RegistrySource,
    WebFile,
    load_manifest,
    pack_names,
    parse_manifest,
)

OPEN = (PACKS / "open" / "manifest.toml").read_text()
PAD = (PACKS / "minifasnet" / "manifest.toml").read_text()
LITTLE = (PACKS / "buffalo_sc" / "manifest.toml").read_text()


def test_every_pack_of_the_project_has_a_valid_manifest() -> None:
    assert pack_names() == (
        "antelopev2",
        "buffalo_l",
        "buffalo_m",
        "buffalo_sc",
        "insightface_liveness",
        "minifasnet",
        "open",
    )
    for name in pack_names():
        manifest = load_manifest(name)
        assert manifest.name == name
        assert all(file.training_data and file.licence.permits for file in manifest.files)


def test_the_default_pack_permits_commercial_use_and_says_on_what_it_was_trained() -> None:
    manifest = load_manifest("open")

    assert manifest.commercial_use
    assert [file.licence.spdx for file in manifest.files] == [
        "Apache-2.0",
        "Apache-2.0",
        "CC0-1.0",
        "Apache-2.0",
    ]
    assert "VGGFace2" in manifest.files[3].training_data
    assert "scraped" in manifest.files[2].training_data


def test_the_forbidden_68_point_predictor_is_named_nowhere() -> None:
    members = [
        source.member
        for file in load_manifest("open").files
        for ingredient in file.made_from
        for source in ingredient.sources
        if isinstance(source, RegistrySource)
    ]

    assert members
    assert not any("68" in member for member in members)


def test_packs_for_research_only_say_so_and_carry_no_invented_calibration() -> None:
    for name in ("antelopev2", "buffalo_l", "buffalo_m", "buffalo_sc"):
        manifest = load_manifest(name)
        assert not manifest.commercial_use
        assert manifest.tracker == "open"
        calibration = manifest.calibration
        assert calibration is not None
        assert not calibration.measured
        assert calibration.picture_threshold > 1, "no cosine may reach it"
        assert calibration.template_threshold > 1
        assert calibration.continuity_threshold > 1


@pytest.mark.parametrize("name", ["minifasnet", "insightface_liveness"])
def test_a_pack_that_only_fills_the_role_pad_compares_nothing(name: str) -> None:
    manifest = load_manifest(name)

    assert {file.role for file in manifest.files} == {"pad"}
    assert manifest.calibration is None
    assert manifest.commercial_use == (name == "minifasnet")


def test_a_pad_pack_with_a_calibration_or_half_a_tracker_is_refused() -> None:
    calibration = OPEN[OPEN.index("[calibration]") : OPEN.index("[[files]]")]
    for changed in (
        PAD.replace("[[files]]", f"{calibration}[[files]]", 1),
        PAD.replace('role = "pad"', 'role = "detector"', 1),
        PAD.replace('role = "pad"', 'role = "embedder"\ndimensions = 3', 1),
        PAD.replace('role = "pad"', 'role = "mesh"', 1).replace(
            "commercial_use = true", 'commercial_use = true\ntracker = "open"'
        ),
        PAD.replace("commercial_use = true", 'commercial_use = true\ntracker = "minifasnet"'),
    ):
        assert changed != PAD
        with pytest.raises(ManifestError):
            parse_manifest(changed.encode())


def test_the_sources_of_minifasnet_are_pinned_to_a_commit() -> None:
    sources = [
        source
        for file in load_manifest("minifasnet").files
        for ingredient in file.made_from
        for source in ingredient.sources
    ]

    assert len(sources) == 2
    for source in sources:
        assert isinstance(source, WebFile)
        assert "/b6d5f04ad78778917853b25c778acef6d5626d15/" in source.address


def test_the_manifest_and_the_trackers_code_agree_on_input_sizes() -> None:
    sizes = [file.preparation.input_size for file in load_manifest("open").files[:2]]

    assert sizes == [DETECTOR_SIZE, MESH_SIZE]


def test_a_pack_that_does_not_exist_is_not_found() -> None:
    for name in ("nothing", "", "../open", "open/../open"):
        with pytest.raises(UnknownPack):
            load_manifest(name)


def test_a_manifest_under_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.toml").write_text(OPEN)
    monkeypatch.setattr("models.manifest.PACKS", tmp_path)

    with pytest.raises(ManifestError):
        load_manifest("other")


@pytest.mark.parametrize(
    "place",
    [
        "[calibration]\n",
        "[[files]]\n",
        "[[files.made_from]]\n",
        "[[files.made_from.sources]]\n",
        "licence = { ",
        "preparation = { ",
        "",
    ],
)
def test_an_unknown_key_is_refused_wherever_it_stands(place: str) -> None:
    key = "surprise = 1, " if place.endswith("{ ") else "surprise = 1\n"
    changed = OPEN.replace(place, place + key, 1)

    with pytest.raises(ManifestError, match="surprise"):
        parse_manifest(changed.encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('role = "mesh"', 'role = "meshes"'),
        ('runtime = "onnx"', 'runtime = "torch"'),
        ("bbff11ce", "BBFF11CE"),
        ("bytes = 229714", "bytes = 0"),
        ("bytes = 229714", "bytes = true"),
        ("bytes = 229714", 'bytes = "229714"'),
        ("dimensions = 128\n", ""),
        ('link = "https://', 'link = "http://'),
        ('address = "https://', 'address = "file://'),
        ('name = "face_landmark.tflite"', 'name = "../face_landmark.tflite"'),
        ('member = "mediapipe/', 'member = "../mediapipe/'),
        ('member = "mediapipe/', 'member = "/mediapipe/'),
        ('kind = "pypi"', 'kind = "ftp"'),
        ('version = "0.10.21"', 'version = "latest"'),
        ('package = "mediapipe"', 'package = "--index-url=x"'),
        ("weights = [22.3, 24.9]", "weights = [22.3]"),
        ("weights = [22.3, 24.9]", "weights = [22.3, -1.0]"),
        ("weights = [22.3, 24.9]", "weights = []"),
        ("bias = -34.0", "bias = nan"),
        ("bias = -34.0", "bias = inf"),
        ("measured = true", 'measured = "yes"'),
        ('colour_order = "rgb"', 'colour_order = "grey"'),
        ("mean = [127.5, 127.5, 127.5]", "mean = [127.5]"),
        ('role = "mesh"', 'role = "pad"'),
        ('name = "face_landmark.tflite"', 'name = "face_detection_short_range.tflite"'),
        ("commercial_use = true", 'commercial_use = true\ntracker = "open"'),
        ('summary = "', 'summary = ""\nx = "'),
        ("[calibration]", "[calibration"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(old: str, new: str) -> None:
    changed = OPEN.replace(old, new, 1)
    assert changed != OPEN

    with pytest.raises(ManifestError):
        parse_manifest(changed.encode())


def test_a_file_used_as_it_comes_must_have_one_digest() -> None:
    changed = OPEN.replace('sha256 = "1055cb9d', 'sha256 = "2055cb9d', 1)

    with pytest.raises(ManifestError, match="digests differ"):
        parse_manifest(changed.encode())


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = ", b"", b"files = 3"])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(content)


def test_the_smaller_manifests_are_strict_too() -> None:
    with pytest.raises(ManifestError):
        parse_manifest(LITTLE.replace('tracker = "open"\n', "").encode())
