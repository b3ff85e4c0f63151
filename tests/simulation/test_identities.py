"""The people found by search are different people, and all of them can answer a script."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from models.engine import Engines
from tests.simulation.morphs import IDENTITIES, draw_looks, morphed_portrait
from tests.simulation.oracle import Vectors, score
from tests.simulation.person import SimulatedPerson
from tests.simulation.portrait import source_picture
from tests.simulation.reading import find_mesh
from tests.simulation.search import clip_template

pytestmark = [pytest.mark.pack, pytest.mark.slow]


@pytest.fixture(scope="module")
def clips(engines: Engines) -> dict[int, tuple[Vectors, list[str]]]:
    """For each identity the template of its clip, and what is wrong with the clip."""
    return {
        identity: clip_template(engines, SimulatedPerson.from_portrait(engines, identity=identity))
        for identity in IDENTITIES
    }


@pytest.mark.timeout(600)
def test_every_pair_scores_below_the_threshold_for_templates(
    engines: Engines,
    clips: dict[int, tuple[Vectors, list[str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = {(a, b): score(clips[a][0], clips[b][0]) for a, b in combinations(IDENTITIES, 2)}
    with capsys.disabled():
        lines = [f"  {a:>4} {b:>4} {value:6.2f}" for (a, b), value in scores.items()]
        print("\ntemplate scores of simulated people:", *lines, sep="\n")  # noqa: T201
    assert max(scores.values()) < engines.calibration.template_threshold


def test_every_identity_answers_every_kind_of_prompt(
    clips: dict[int, tuple[Vectors, list[str]]],
) -> None:
    assert {identity: wrong for identity, (_, wrong) in clips.items() if wrong} == {}


def test_there_are_at_least_six_people_and_the_first_is_the_portrait() -> None:
    assert len(set(IDENTITIES)) >= 6
    assert IDENTITIES[0] == 0


def test_a_number_always_stands_for_the_same_person(engines: Engines) -> None:
    picture = source_picture()
    mesh = find_mesh(engines, picture)
    assert mesh is not None
    points = np.asarray(mesh.points, dtype=np.float64)
    one, same, other = (morphed_portrait(picture, points, number) for number in (7, 7, 8))
    assert np.array_equal(one, same)
    assert one.shape != other.shape or not np.array_equal(one, other)
    assert draw_looks(7).eye_spacing == draw_looks(7).eye_spacing != draw_looks(8).eye_spacing
