"""What the screen shows when, and plain means of linear light on skin and wall."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest

from tests.simulation.light import Screen, to_linear
from tests.simulation.motion import Moment
from tests.simulation.person import Cheat, Scene, SimulatedPerson
from tests.simulation.portrait import Picture
from tests.simulation.rendering import shoot
from tests.simulation.script import NEUTRAL, PALETTE, Prompt, recoloured

RED_CYAN = Prompt("light", 1.0, 2.6, colours=("red", "cyan"))
SCRIPT: Final[list[dict[str, Any]]] = [
    {"kind": "hold", "start": 0.0, "end": 1.0},
    {"kind": "light", "start": 1.0, "end": 3.4, "colours": ["red", "cyan", "green"]},
]
CALM = Scene(noise=0.0, shake=0.0)
FPS = 10
IN_RED, IN_CYAN, IN_GREEN, BEFORE, AFTER = 15, 23, 31, 8, 37

# Points of the mesh; the frame's corner has the wall.
SKIN: Final = {"forehead": 151, "nose": 4, "right cheek": 205, "left cheek": 425}
SIDES: Final = (127, 356)


def places(alice: SimulatedPerson) -> dict[str, tuple[int, int]]:
    """Where skin and wall are (x, y) in a frame of 640 by 640 that nobody shakes."""
    stage = alice.stage((640, 640))
    margin = (stage.canvas.shape[1] - 640) / 2
    at = {name: stage.head.vertices[index, :2] - margin for name, index in SKIN.items()}
    found = {name: (round(float(x)), round(float(y))) for name, (x, y) in at.items()}
    return {**found, "wall": (60, 60)}


def light_on(frame: Picture, place: tuple[int, int], reach: int = 14) -> np.ndarray:
    """(3,) mean linear light in a square."""
    x, y = place
    patch = frame[y - reach : y + reach, x - reach : x + reach]
    return np.asarray(to_linear(patch).mean(axis=(0, 1)))


def swing(frames: list[Picture], place: tuple[int, int]) -> np.ndarray:
    """(3,) how much more there is of each colour under red than under cyan, as a part."""
    under_red, under_cyan = (
        np.mean([light_on(frames[i + k], place) for k in range(-2, 3)], axis=0)
        for i in (IN_RED, IN_CYAN)
    )
    return np.asarray(under_red / under_cyan - 1.0)


@pytest.fixture(scope="module")
def frames(alice: SimulatedPerson) -> list[Picture]:
    return list(alice.frames(SCRIPT, fps=FPS, seconds=4.0, scene=CALM))


@pytest.mark.parametrize(
    ("t", "srgb"),
    [
        (0.0, NEUTRAL),
        (0.999, NEUTRAL),
        (1.1, (207.5, 136.0, 136.0)),
        (1.2, PALETTE["red"]),
        (1.79, PALETTE["red"]),
        (1.9, (159.5, 183.5, 183.5)),
        (2.0, PALETTE["cyan"]),
        (2.6, PALETTE["cyan"]),
        (2.7, (112.0, 207.5, 207.5)),
        (2.8, NEUTRAL),
        (9.0, NEUTRAL),
    ],
)
@pytest.mark.parametrize("late", [0.0, 0.5])
def test_the_screen_ramps_to_each_colour_and_holds_it(
    t: float, srgb: tuple[float, float, float], late: float
) -> None:
    screen = Screen((RED_CYAN,), late)
    assert screen.changes
    assert np.allclose(screen.srgb(t + late), srgb)
    assert np.allclose(screen.linear(t + late), to_linear(np.array(srgb)))


def test_one_light_prompt_after_another_goes_from_colour_to_colour() -> None:
    screen = Screen((RED_CYAN, Prompt("light", 2.6, 3.4, colours=("green",))))
    assert np.allclose(screen.srgb(2.7), np.add(PALETTE["cyan"], PALETTE["green"]) / 2)


def test_a_script_without_light_leaves_the_screen_as_it_is() -> None:
    screen = Screen((Prompt("hold", 0.0, 1.0),))
    assert not screen.changes
    assert np.allclose(screen.srgb(0.5), NEUTRAL)


@pytest.mark.pack
def test_skin_that_faces_the_screen_gets_more_of_it_than_the_sides_and_the_wall_hardly_any(
    alice: SimulatedPerson,
) -> None:
    stage = alice.stage((640, 640))
    screen = shoot(stage, Moment(), lit=True).screen
    assert screen is not None
    assert screen.shape == (80, 80)
    margin = (stage.canvas.shape[1] - 640) / 2

    def at(index: int) -> float:
        x, y = (stage.head.vertices[index, :2] - margin) / 8
        return float(screen[round(float(y)), round(float(x))])

    assert min(at(index) for index in SKIN.values()) > 1.25 * max(at(side) for side in SIDES)
    assert float(screen[7, 7]) < 0.12 * at(SKIN["left cheek"])
    # No seam: from one cell to the next the light never changes by much.
    assert max(np.abs(np.diff(screen, axis=axis)).max() for axis in (0, 1)) < 0.25


@pytest.mark.pack
def test_a_cheek_turned_away_gets_less_and_one_turned_toward_the_screen_more(
    alice: SimulatedPerson,
) -> None:
    stage = alice.stage((640, 640))
    # Toward the picture's right edge: the cheek on the left comes to the front.
    rest, turned = (shoot(stage, Moment(yaw=yaw), lit=True).screen for yaw in (0.0, 25.0))
    assert rest is not None
    assert turned is not None
    assert turned[:, 32:38].mean() > rest[:, 32:38].mean()
    assert turned[30:45, 48:54].mean() < 0.8 * rest[30:45, 40:46].mean()


@pytest.mark.pack
@pytest.mark.parametrize(
    ("ambient", "least", "most"), [(1.0, 0.15, 0.25), (3.0, 0.05, 0.08), (50.0, 0.002, 0.005)]
)
def test_cheeks_answer_by_as_much_as_the_room_lets_them_and_the_wall_hardly(
    alice: SimulatedPerson, ambient: float, least: float, most: float
) -> None:
    scene = Scene(shake=0.0, ambient=ambient)
    frames = list(alice.frames(SCRIPT, fps=FPS, seconds=3.0, scene=scene))
    at = places(alice)
    for name in ("right cheek", "left cheek"):
        red, green, blue = swing(frames, at[name])
        # The head sways, which is most of what there is to see in daylight.
        assert least - 0.01 < red < most + 0.01, name
        assert red - (green + blue) / 2 > 1.2 * least
    red, green, blue = swing(frames, at["wall"])
    assert abs(red - (green + blue) / 2) < 0.15 * most


@pytest.mark.pack
def test_each_colour_is_seen_in_its_turn_and_neutral_before_and_after(
    alice: SimulatedPerson, frames: list[Picture]
) -> None:
    cheek = places(alice)["left cheek"]
    before = light_on(frames[BEFORE], cheek)
    shifts = [light_on(frames[i], cheek) / before for i in (IN_RED, IN_CYAN, IN_GREEN, AFTER)]
    red, cyan, green, after = (shift / shift.mean() for shift in shifts)
    assert np.argmax(red) == 0
    assert np.argmin(cyan) == 0
    assert np.argmax(green) == 1
    assert np.abs(after - 1.0).max() < 0.01


@pytest.mark.pack
def test_light_comes_late_by_the_latency_and_by_the_cheats_delay(
    alice: SimulatedPerson, frames: list[Picture]
) -> None:
    late = list(
        alice.frames(SCRIPT, fps=FPS, seconds=4.0, scene=Scene(noise=0, shake=0, latency_s=0.3))
    )
    later = list(
        alice.frames(SCRIPT, fps=FPS, seconds=4.0, scene=CALM, cheat=Cheat(light_delay_s=0.3))
    )
    assert all(np.array_equal(a, b) for a, b in zip(late, later, strict=True))
    cheek = places(alice)["left cheek"]

    def tint(clip: list[Picture]) -> np.ndarray:
        light = np.array([light_on(frame, cheek) for frame in clip])
        return np.asarray(light[:, 0] / light[:, 1])

    assert np.abs(tint(late)[3:] - tint(frames)[:-3]).max() < 0.02


@pytest.mark.pack
def test_a_late_person_is_lit_in_time(alice: SimulatedPerson, frames: list[Picture]) -> None:
    late = alice.frames(SCRIPT, fps=FPS, seconds=4.0, scene=CALM, delay_s=1.0)
    assert all(np.array_equal(a, b) for a, b in zip(late, frames, strict=True))


@pytest.mark.pack
def test_light_of_another_script_and_none_at_all_are_seen_as_such(
    alice: SimulatedPerson, frames: list[Picture]
) -> None:
    cheek = places(alice)["left cheek"]
    wrong = recoloured(SCRIPT, seed=4)
    lit = [
        list(alice.frames(SCRIPT, fps=FPS, seconds=3.0, scene=CALM, cheat=Cheat(lit_by=by)))
        for by in (wrong, [])
    ]
    right = list(alice.frames(wrong, fps=FPS, seconds=3.0, scene=CALM))
    assert all(np.array_equal(a, b) for a, b in zip(lit[0], right, strict=True))
    assert abs(swing(lit[1], cheek) - swing(lit[1], cheek).mean()).max() < 0.005
    assert np.array_equal(lit[1][0], frames[0])


@pytest.mark.pack
def test_without_a_light_prompt_the_screen_and_the_room_change_nothing(
    alice: SimulatedPerson,
) -> None:
    plain, other = (
        list(alice.frames(SCRIPT[:1], fps=5, seconds=1.0, scene=scene))
        for scene in (None, Scene(ambient=0.3, latency_s=0.4))
    )
    assert all(np.array_equal(a, b) for a, b in zip(plain, other, strict=True))


@pytest.mark.pack
def test_a_swap_shows_the_other_person_in_the_same_light_while_it_lasts(
    alice: SimulatedPerson, frames: list[Picture]
) -> None:
    mallory = SimulatedPerson(7, alice.portrait[:, ::-1].copy(), _mirror(alice), alice.reach)
    cheat = Cheat(swap=mallory, swap_during=(1.5, 2.0))
    swapped = list(alice.frames(SCRIPT, fps=FPS, seconds=4.0, scene=CALM, cheat=cheat))
    alone = list(mallory.frames(SCRIPT, fps=FPS, seconds=4.0, scene=CALM))
    for index, frame in enumerate(swapped):
        assert np.array_equal(frame, (alone if 15 <= index < 20 else frames)[index]), index


def _mirror(alice: SimulatedPerson) -> np.ndarray:
    """A mesh on the mirrored portrait; which point is whose plays no part here."""
    mesh = alice.mesh.copy()
    middle = alice.mesh[:, 0].mean()
    mesh[:, 0] += alice.portrait.shape[1] - 1 - 2 * middle
    return mesh
