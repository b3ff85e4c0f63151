from __future__ import annotations

from pathlib import Path

import pytest

from models.cli import main
from models.manifest import pack_names
from tests.models.small_packs import ShelfFetcher


class Terminal:
    """Runs commands and keeps what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []

    def run(self, *argv: str, models_dir: Path | None = None) -> int:
        self.lines.clear()
        return main(
            argv,
            models_dir=models_dir or self.folder / "models",
            say=self.lines.append,
            fetcher=ShelfFetcher(),
            cache=self.folder / "cache",
        )

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_list_says_which_packs_there_are_and_what_they_permit(terminal: Terminal) -> None:
    assert terminal.run("list") == 0

    assert [line.split()[0] for line in terminal.lines] == list(pack_names())
    assert "non-commercial only" in terminal.lines[0]
    assert "any use" in terminal.lines[-1]
    assert all("not installed" in line for line in terminal.lines)


@pytest.mark.parametrize("name", pack_names())
def test_show_says_digests_licences_training_data_and_sources(
    terminal: Terminal, name: str
) -> None:
    assert terminal.run("show", name) == 0

    pad_only = name in ("insightface_liveness", "minifasnet")
    compares = ("only the role pad",) if pad_only else ("template format", "calibration:")
    for word in ("sha256", "trained on:", "from ", *compares):
        assert word in terminal.text


def test_an_unknown_pack_is_an_error_with_a_code(terminal: Terminal) -> None:
    assert terminal.run("show", "nothing") == 1
    assert terminal.text.startswith("pack_unknown: ")


def test_install_without_a_network_says_how_to_bring_the_files(terminal: Terminal) -> None:
    assert terminal.run("install", "open") == 1

    assert "pack_source_unreachable: " in terminal.text
    assert "models import open PATH" in terminal.text


def test_install_of_a_non_commercial_pack_asks_for_acceptance(terminal: Terminal) -> None:
    assert terminal.run("install", "buffalo_l") == 1
    assert "licence_not_accepted: " in terminal.text

    assert terminal.run("install", "buffalo_l", "--accept-licence") == 1
    assert "pack_source_unreachable: " in terminal.text


def test_verify_without_any_pack_is_an_error(terminal: Terminal) -> None:
    assert terminal.run("verify") == 1
    assert terminal.text.startswith("pack_files_missing: ")
    assert terminal.run("verify", "open") == 1
    assert "face_landmark.tflite" in terminal.text


@pytest.mark.pack
def test_verify_of_an_installed_pack_says_so(terminal: Terminal, models_dir: Path) -> None:
    assert terminal.run("verify", "open", models_dir=models_dir) == 0
    assert "every file" in terminal.text


@pytest.mark.pack
def test_import_installs_from_the_prepared_files_of_another_machine(
    terminal: Terminal, models_dir: Path
) -> None:
    assert terminal.run("import", "open", str(models_dir / "open")) == 0
    assert terminal.lines[-1] == "Pack open is installed."
    assert terminal.run("verify", "open") == 0


def test_import_of_nothing_names_what_is_missing(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert terminal.run("import", "open", str(tmp_path / "empty")) == 1
    assert "pack_files_missing: " in terminal.text
    assert "faceres.bin" in terminal.text


@pytest.mark.parametrize("argv", [[], ["explode"], ["install"], ["import", "open"]])
def test_a_command_that_is_not_understood_ends_with_usage(
    terminal: Terminal, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        terminal.run(*argv)

    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err
