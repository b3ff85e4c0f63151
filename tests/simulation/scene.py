"""What a clip has besides the person: light, camera, hand, company; and what cheats do to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.script import Script

if TYPE_CHECKING:
    from tests.simulation.person import SimulatedPerson


@dataclass(frozen=True, slots=True)
class Scene:
    """Where, and with what, a clip is taken.

    Attributes:
        exposure: factor on linear light; 0.02 is too dark to see anybody.
        beside: another person at the first one's left hand.
        beside_during: seconds (from, until) in which that person is there.
        ambient: light of the room. 1.0 is an indoor evening, where a white screen adds about a
            fifth to the light on the cheeks; 3 a bright room; 50 daylight, in which the screen
            drowns. Plays a part only where the screen does.
        ambient_colour: red, green and blue of that light, linear; (1, 1, 1) is the portrait's.
        latency_s: how late the screen shows what the script says.
        auto_white_balance: part (0 to 1) of a change of colour in the whole picture that the
            camera takes back.
        auto_exposure: part (0 to 1) of a change of brightness that it takes back.
        auto_s: time constant of both, seconds.
        noise: standard deviation of the sensor's noise in 8-bit sRGB steps. It is the same at
            every level: shot noise grows with the root of the light, and the sRGB curve about
            undoes that.
        shake: factor on what the hand that holds the camera does; 0 is a tripod.
    """

    exposure: float = 1.0
    beside: SimulatedPerson | None = None
    beside_during: tuple[float, float] = (0.0, float("inf"))
    ambient: float = 1.0
    ambient_colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    latency_s: float = 0.0
    auto_white_balance: float = 0.0
    auto_exposure: float = 0.0
    auto_s: float = 2.0
    noise: float = 2.0
    shake: float = 1.0

    def __post_init__(self) -> None:
        if not (self.ambient > 0 and self.auto_s > 0 and min(self.ambient_colour) > 0):
            raise ValueError("ambient light, its colour and the camera's time must be positive")
        if not (0 <= self.auto_white_balance <= 1 and 0 <= self.auto_exposure <= 1):
            raise ValueError("a camera takes back between nothing and all of a change")
        if not (self.latency_s >= 0 and self.noise >= 0 and self.shake >= 0):
            raise ValueError("latency, noise and shake can't be negative")


@dataclass(frozen=True, slots=True)
class Cheat:
    """What an attacker does to a clip that only rendering can make.

    The real-time avatar needs none of it: that is `SimulatedPerson.answer` itself.

    Attributes:
        lit_by: the script whose light falls on the person, instead of the one that is answered;
            an empty one is a screen that stays neutral.
        light_delay_s: how much later the light comes than it should (the person's own delay is
            `delay_s` of `answer`).
        swap: another person who takes over, in the same pose and light.
        swap_during: seconds (from, until) of it.
    """

    lit_by: Script | None = None
    light_delay_s: float = 0.0
    swap: SimulatedPerson | None = None
    swap_during: tuple[float, float] = (0.0, 0.0)

    def person_at(self, t: float, person: SimulatedPerson) -> SimulatedPerson:
        """Who is to be seen at second `t`."""
        there = self.swap_during[0] <= t < self.swap_during[1]
        return self.swap if self.swap is not None and there else person


NO_CHEAT = Cheat()
