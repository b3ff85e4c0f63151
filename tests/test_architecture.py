"""What the linter can't see: that every room is placed, and that files stay small."""

from __future__ import annotations

import subprocess
import tomllib
from typing import Any

import pytest

from common.version import VERSION
from tests.conftest import PROJECT

BESIDE_THE_ROOMS = {"benchmarks", "tests", "sdk"}
LINES = 400
LINES_OF_TESTS = 450


def tracked(*patterns: str) -> list[str]:
    """Files that git tracks, or would."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in done.stdout.splitlines() if (PROJECT / name).exists()]


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))


def test_every_top_level_package_is_placed_in_the_contract(configuration: dict[str, Any]) -> None:
    contract = configuration["tool"]["importlinter"]
    packages = {name.split("/")[0] for name in tracked("*/__init__.py")}
    rooms = packages - BESIDE_THE_ROOMS
    assert rooms == set(contract["root_packages"])
    layers = contract["contracts"][0]["layers"]
    placed = [room.strip() for layer in layers for room in layer.split("|")]
    assert sorted(placed) == sorted(rooms)


def test_every_app_has_one_door_and_a_contract_that_guards_it(
    configuration: dict[str, Any],
) -> None:
    guarded = {
        contract["protected_modules"][0]
        for contract in configuration["tool"]["importlinter"]["contracts"]
        if contract["type"] == "protected"
    }
    assert guarded == {name.split("/")[0] for name in tracked("*/interface.py")}


def test_no_file_has_grown_into_two() -> None:
    long = {
        name: count
        for name in tracked("*.py")
        if "/migrations/" not in name
        and (count := len((PROJECT / name).read_text("utf-8").splitlines()))
        > (LINES_OF_TESTS if name.startswith("tests/") else LINES)
    }
    assert long == {}


def test_the_version_is_the_same_everywhere(configuration: dict[str, Any]) -> None:
    assert configuration["project"]["version"] == VERSION


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {name.rpartition("/")[0] for name in tracked("tests/*.py")}
    assert [folder for folder in folders if not (PROJECT / folder / "__init__.py").exists()] == []


def test_locked_requirements_name_no_registry() -> None:
    for name in tracked("requirements/*.txt"):
        text = (PROJECT / name).read_text("utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in line for line in lines)
        assert text.count("--hash=sha256:") >= len(lines)


def test_no_weights_are_committed() -> None:
    assert tracked("*.onnx", "*.tflite", "*.dat", "*.pth", "*.bin", "*.mp4", "*.webm") == []
