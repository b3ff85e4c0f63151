from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from django.conf import settings

from benchmarks.pad.__main__ import main

pytestmark = [pytest.mark.pack, pytest.mark.slow, pytest.mark.timeout(900)]


def test_one_person_and_three_species_from_end_to_end_and_again_from_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--out", str(tmp_path), "--people", "1", "--limit", "1", "--levels", "standard"]
    arguments += ["--species", "still,second_face,avatar", "--processes", "1", "--json"]
    arguments += ["--models-dir", str(settings.CAMEO_MODELS_DIR)]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    section = first["sections"][0]
    for species in ("still", "second_face"):
        assert (section["species"][species]["count"], section["species"][species]["n"]) == (0, 1)
    assert section["own_line"]["avatar"]["n"] == 1
    assert section["bona_fide"]["as taken"]["bpcer"]["n"] == 1
    assert first["crashed"] == []
    assert "not an ISO/IEC 30107-3 evaluation" in (tmp_path / "pad.md").read_text("utf-8")
    assert (tmp_path / "scores.png").is_file()

    started = time.monotonic()
    assert main(arguments) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["sections"] == first["sections"]
    assert time.monotonic() - started < 60
