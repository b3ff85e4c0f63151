from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.pad.__main__ import main
from benchmarks.pad.catalogue import INSTRUMENTS, SPECIES, VARIANTS
from benchmarks.pad.evaluation import STATEMENT, evaluate
from benchmarks.pad.folder import BonaFide, Label
from benchmarks.pad.plan import Options, fresh_script, plan, session_parameters
from benchmarks.pad.plots import draw
from benchmarks.pad.report import markdown, percent
from identity.prompts import Kind


def row(kind: str, outcome: str, face: str, species: str | None, value: float) -> dict[str, Any]:
    names = ("depth", "recapture")
    signals = [
        {"name": n, "value": value, "outcome": "pass", "why": "ok", "threshold": 0, "n": 1}
        for n in names
    ]
    return {
        "kind": kind,
        "origin": "simulated",
        "level": "standard",
        "face": face,
        "species": species,
        "instrument": species and f"{species}-0",
        "parameters": {},
        "outcome": outcome,
        "reasons": [],
        "soft": value,
        "signals": signals,
        "without_light": {"outcome": "pass", "reasons": []},
    }


def some() -> list[dict[str, Any]]:
    rows = [row("bona_fide", "pass", f"person-{n}", None, 2 + 0.1 * n) for n in range(7)]
    rows += [row("attack", "fail", f"person-{n}", "still", -1 - 0.1 * n) for n in range(7)]
    rows += [row("attack", "pass", "person-0", "bent", 2.5)]
    return [*rows, row("own_line", "pass", "person-0", "avatar", 3.0)]


def test_the_report_states_plainly_what_it_is_not(tmp_path: Path) -> None:
    report = evaluate(some(), {}, ["--out", "out", "--people", "7"])
    pictures = draw(report, some(), tmp_path)
    page = markdown(report, pictures)
    assert STATEMENT in page
    assert "not an ISO/IEC 30107-3 evaluation" in STATEMENT
    assert "ynthetic instruments, injected digitally" in STATEMENT
    assert "morphs of one portrait" in STATEMENT
    assert "`python -m benchmarks.pad --out out --people 7`" in page
    assert all((tmp_path / name).stat().st_size > 5000 for name in pictures)
    assert {"scores.png", "det.png", "apcer-1.png"} <= set(pictures)


def test_the_worst_species_is_the_headline_and_the_avatar_stands_alone() -> None:
    report = evaluate(some(), {}, [])
    first, without = report["sections"]
    assert first["worst"] == "bent"
    assert set(first["species"]) == {"still", "bent"}
    assert first["own_line"]["avatar"]["count"] == 1
    assert without["species"]["still"]["count"] == 7
    page = markdown(report, [])
    assert "Worst species: **bent**" in page
    assert "avatar (own line" in page
    assert "average over species" in page
    assert "| left out |" in page


def test_a_command_names_no_place_of_the_machine(tmp_path: Path) -> None:
    report = evaluate(some(), {}, ["--out", str(tmp_path / "deep" / "out")])
    assert report["about"]["command"] == "python -m benchmarks.pad --out out"


def test_every_species_has_six_instruments_that_differ() -> None:
    for species in SPECIES:
        own = [i for i in INSTRUMENTS if i.species == species]
        assert len(own) == (3 if own[0].own_line else VARIANTS)
        assert len({repr(i.parameters) for i in own}) == len(own)


def options(people: int, **more: Any) -> Options:
    return Options(None, people, "open", Path("models"), Path("cache"), **more)


def test_seven_people_make_42_attempts_of_each_species_and_42_sessions() -> None:
    tasks = plan(options(7, levels=("standard",)), [])
    made: dict[str, set[tuple[int, int]]] = {}
    for task in tasks:
        for number in task.instruments:
            made.setdefault(INSTRUMENTS[number].species, set()).add((task.face, number))
    own = {i.species for i in INSTRUMENTS if i.own_line}
    assert {species: len(pairs) for species, pairs in made.items() if species not in own} == {
        species: 42 for species in SPECIES if species not in own
    }
    assert sum(task.kind == "session" for task in tasks) == 42


def test_nobody_is_swapped_in_where_there_is_nobody_else(tmp_path: Path) -> None:
    clips = [BonaFide(tmp_path / f"{name}.mp4", Label()) for name in ("alice", "bob")]
    for count, expected in ((1, False), (2, True)):
        numbers = {n for task in plan(options(0), clips[:count]) for n in task.instruments}
        assert any(INSTRUMENTS[n].species == "swap" for n in numbers) is expected


def test_nothing_of_light_or_simulation_is_made_of_real_clips(tmp_path: Path) -> None:
    numbers = {
        number
        for task in plan(options(0), [BonaFide(tmp_path / "alice.mp4", Label())])
        for number in task.instruments
    }
    assert not any(INSTRUMENTS[n].needs_light or INSTRUMENTS[n].own_line for n in numbers)


def test_sessions_are_spread_over_rates_sizes_and_codecs() -> None:
    tasks = [t for t in plan(options(7), []) if t.kind == "session" and t.level == "standard"]
    taken = [session_parameters(task) for task in tasks]
    assert {p["fps"] for p in taken} == {15, 24, 25, 30, 60}
    assert {p["codec"] for p in taken} == {"h264", "vp8", "vp9"}
    assert {min(p["size"]) for p in taken} >= {480, 720, 1080}
    assert taken == [session_parameters(task) for task in tasks]


def test_light_is_asked_at_standard_alone() -> None:
    for level, asked in (("standard", True), ("basic", False)):
        script = fresh_script(level, "alice")
        assert any(p.kind is Kind.LIGHT for p in script.prompts) is asked
        assert script == fresh_script(level, "alice")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "OUT"],
        ["NONE", "--out", "OUT"],
        ["--people", "9", "--out", "OUT"],
        ["--people", "1", "--species", "unicorn", "--out", "OUT"],
        ["--people", "1", "--measure", "", "--out", "OUT"],
    ],
)
def test_what_cannot_be_done_is_a_usage_error(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / a) if a in ("OUT", "NONE") else a for a in arguments])
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err
    assert not (tmp_path / "OUT").exists()


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.0, "0.0 %"), (0.0688, "6.9 %"), (0.0003, "0.03 %")]
)
def test_small_shares_are_shown_with_their_digits(value: float | None, shown: str) -> None:
    assert percent(value) == shown
