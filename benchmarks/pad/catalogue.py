"""All attack instruments: a species and its parameters, six of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from benchmarks.pad import builders
from benchmarks.pad.builders import Build, Made, Parameters
from benchmarks.pad.frames import noisy, shaken
from benchmarks.pad.material import Material

VARIANTS: Final = 6


@dataclass(frozen=True, slots=True)
class Instrument:
    """A way to attack.

    Attributes:
        species: what kind it is.
        number: from 0, within the species.
        parameters: what makes it another instrument than its siblings. `noise` (sigma of a
            sensor that sees it again), `shake` (parts of the width) and `codec` are common.
        build: makes the frames, and says what script the session asks.
        own_line: whether it follows the script by software in real time; such are counted on a
            line of their own.
        needs_light, simulated_only: where it can be made.
    """

    species: str
    number: int
    parameters: Parameters
    build: Build = field(repr=False, compare=False)
    own_line: bool = False
    needs_light: bool = False
    simulated_only: bool = False

    @property
    def name(self) -> str:
        """Species and number."""
        return f"{self.species}-{self.number}"

    @property
    def codec(self) -> str:
        """What the clip is encoded with."""
        return str(self.parameters.get("codec", "h264"))

    def make(self, material: Material, chance: np.random.Generator) -> Made:
        """The frames of the attack, and the script that it is judged by."""
        frames, script = self.build(material, chance, self.parameters)
        frames = shaken(frames, material.fps, chance, float(self.parameters.get("shake", 0.0)))
        return noisy(frames, chance, float(self.parameters.get("noise", 0.0))), script


_N: Final = {"noise": 2.0}
_H: Final = {"noise": 2.0, "shake": 0.004}
_SCREENS: Final[tuple[dict[str, Any], ...]] = (
    {"pitch": 1.6, "contrast": 0.35},
    {"pitch": 0.95, "contrast": 0.6, "roll": 1.0, "flicker": 0.05},
    {"pitch": 2.05, "contrast": 0.25, "gamma": 1.25},
    {"pitch": 1.6, "contrast": 0.3, "cover": 0.85, "bezel": 0.03},
    {"pitch": 1.3, "contrast": 0.4, "cover": 0.75, "bezel": 0.05, "roll": 0.5, "gamma": 0.9},
    {"pitch": 2.7, "contrast": 0.1, "roll": 4.0, "flicker": 0.0, "gamma": 1.0, "black": 4.0},
)  # fmt: skip
_LAMP: Final = [0.8, 1.0, 1.3]


def _plan() -> dict[str, tuple[Build, list[dict[str, Any]]]]:
    """Builders and parameters by species, in the report's order."""
    return {
        "still": (builders.still, [
            {}, _N, {"noise": 2.0, "breath": 0.06}, _H,
            {"noise": 3.0, "shake": 0.01, "codec": "vp8"}, {**_H, "album": True},
        ]),
        "panned": (builders.moving("panned"), [
            {**_N, "reach": 0.05, "album": False}, {**_H, "reach": 0.1, "album": False},
            {**_H, "reach": 0.15}, {**_H, "reach": 0.1, "zoom": 1.3},
            {**_H, "reach": 0.2, "zoom": 1.1, "shear": 0.5}, {**_H, "reach": 0.08, "shear": -0.5},
        ]),
        "turned": (builders.moving("turned"), [
            {**_N, "yaw": 20, "pitch": 15}, {**_H, "yaw": 30, "pitch": 22},
            {**_H, "yaw": 40, "pitch": 30}, {**_H, "yaw": 50, "pitch": 38, "focal": 1.1},
            {**_H, "yaw": 40, "pitch": 30, "cover": 0.8, "wall": True},
            {**_H, "yaw": 35, "pitch": 26, "codec": "vp8", "focal": 2.5},
        ]),
        "bent": (builders.moving("bent"), [
            {**_H, "yaw": 30, "pitch": 22, "radius": 1.5},
            {**_H, "yaw": 35, "pitch": 25, "radius": 0.8},
            {**_H, "yaw": 40, "pitch": 28, "radius": 0.5},
            {**_H, "yaw": 30, "pitch": 25, "radius": 0.35},
            {**_H, "yaw": 35, "pitch": 25, "radius": -0.8},
            {**_H, "yaw": 35, "pitch": 28, "radius": 0.6, "upright": False},
        ]),
        "recapture": (builders.recaptured, [{**_N, "screen": one} for one in _SCREENS]),
        "freeze": (builders.frozen, [
            {"at": [0.01], "seconds": 0.6}, {"at": [0.5], "seconds": 1.0},
            {"at": [0.05], "seconds": 1.5, "waits": True},
            {"at": [0.6], "seconds": 0.8, "noise": 1.5},
            {"at": [0.98], "seconds": 2.0},
            {"at": [0.2, 0.7], "seconds": 0.7, "noise": 2.0, "codec": "vp8"},
        ]),
        "loop": (builders.looped, [
            {"at": 0.0, "seconds": 1.0, "times": 3}, {"at": 0.3, "seconds": 2.0, "times": 2},
            {"at": 0.0, "seconds": 0.9, "times": 2, "bounce": True},
            {"at": 0.5, "seconds": 1.0, "times": 3, "noise": 2.0},
            {"at": 0.0, "seconds": 4.0, "times": 2},
            {"at": 0.7, "seconds": 0.8, "times": 2, "shake": 0.004},
        ]),
        "other_session": (builders.avatar, [{"session": k} for k in range(VARIANTS)]),
        "reordered": (builders.reordered, [
            {"fade": 0}, {"fade": 2}, {"fade": 4}, {"fade": 3, "noise": 2.0},
            {"fade": 3, **_H}, {"fade": 2, "codec": "vp8"},
        ]),
        "reversed": (builders.turned_round, [
            {"how": "all"}, {"how": "all", "noise": 2.0}, {"how": "windows"},
            {"how": "windows", "noise": 2.0}, {"how": "pieces"}, {"how": "pieces", "noise": 2.0},
        ]),
        "swap": (builders.swapped, [
            {"how": "cut", "seconds": 0.5}, {"how": "mesh", "seconds": 0.5},
            {"how": "similar", "seconds": 0.6}, {"how": "mesh", "seconds": 1.0},
            {"how": "similar", "seconds": 1.5}, {"how": "cut", "seconds": 2.0},
        ]),
        "second_face": (builders.poster, [
            {"scale": 0.35, "place": [0.14, 0.25], "seconds": 30.0},
            {"scale": 0.3, "place": [0.88, 0.2], "seconds": 0.7},
            {"scale": 0.45, "place": [0.15, 0.75], "seconds": 1.5},
            {"scale": 0.35, "place": [0.86, 0.7], "seconds": 30.0, "own": True},
            {"scale": 0.25, "place": [0.12, 0.15], "seconds": 1.0, "own": True},
            {"scale": 0.5, "place": [0.85, 0.4], "seconds": 0.8, "noise": 2.0},
        ]),
        "wrong_light": (builders.wrong_light, [
            {"how": "random"}, {"how": "random", "draw": 2}, {"how": "shifted"},
            {"how": "backwards"}, {"how": "complement"}, {"how": "whole_frame", "strength": 0.2},
        ]),
        "no_light": (builders.no_light, [
            {}, {"noise": 2.0}, {"scene": {"ambient": 0.5}}, {"scene": {"ambient": 3.0}},
            {"scene": {"ambient_colour": _LAMP}},
            {"scene": {"auto_white_balance": 0.8, "auto_exposure": 0.5}},
        ]),
        "late": (builders.late, [{"seconds": s} for s in (2.0, 2.2, 2.5, 3.0, 3.5, -2.0)]),
        "avatar": (builders.avatar, [{"session": k} for k in range(3)]),
        "avatar_screen": (builders.recaptured, [
            {**_N, "live": True, "screen": one} for one in _SCREENS[:3]
        ]),
        "avatar_tint": (builders.tinted_face, [{"strength": s} for s in (0.1, 0.17, 0.25)]),
    }  # fmt: skip


LIGHT: Final = frozenset({"wrong_light", "no_light", "avatar_tint"})
OWN_LINE: Final = frozenset({"avatar", "avatar_screen", "avatar_tint"})
INSTRUMENTS: Final = tuple(
    Instrument(
        species,
        number,
        parameters,
        build,
        own_line=species in OWN_LINE,
        needs_light=species in LIGHT,
        simulated_only=species in LIGHT | OWN_LINE,
    )
    for species, (build, variants) in _plan().items()
    for number, parameters in enumerate(variants)
)
SPECIES: Final = tuple(dict.fromkeys(instrument.species for instrument in INSTRUMENTS))
