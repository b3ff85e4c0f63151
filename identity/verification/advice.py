"""From what stood in the way of a pass to what the person can do better.

A person is told neither scores nor which signal objected, so that nobody learns from failures
how to get round a signal.
"""

from __future__ import annotations

from collections.abc import Iterable

from identity.summaries import Advice

FOLLOW_PROMPTS = Advice("follow_the_prompts", "Follow each prompt while it is shown, one by one.")
ONE_FACE = Advice("one_face_only", "Be alone in the picture, and stay in it the whole time.")
MORE_LIGHT = Advice("more_light", "Go where there is more light on your face.")
LESS_LIGHT = Advice("less_light", "Go where the light on your face is less strong.")
COME_CLOSER = Advice("come_closer", "Come closer to the camera.")
TURN_FURTHER = Advice("turn_further", "Turn your head a little further when you are asked to.")
HOLD_STEADY = Advice("hold_steady", "Hold the camera steady, and clean its lens.")
BRIGHTER_SCREEN = Advice(
    "brighter_screen", "Turn your screen's brightness up, and go where there is less other light."
)
STAY_INSIDE = Advice("stay_inside", "Keep your whole face inside the picture.")
SHOW_FACE = Advice("show_your_face", "Show your face to the camera.")
TRY_AGAIN = Advice("try_again", "Record a new clip in one go, with nothing in front of your face.")
COULD_NOT_CHECK = Advice("could_not_check", "The clip could not be checked; record a new one.")
NOT_REACHABLE = Advice(
    "assurance_not_reachable", "This service asks for more than this capture can show."
)
WAIT = Advice("wait_for_review", "A person will look at this capture.")

# The codes are those of docs/liveness.md; a test sees that each has its line here.
BY_WHY: dict[str, Advice] = {
    "no_face": SHOW_FACE,
    "face_missing": STAY_INSIDE,
    "outside_frame": STAY_INSIDE,
    "second_face": ONE_FACE,
    "too_dark": MORE_LIGHT,
    "low_contrast": MORE_LIGHT,
    "too_bright": LESS_LIGHT,
    "too_small": COME_CLOSER,
    "blurred": HOLD_STEADY,
    "not_still": HOLD_STEADY,
    "too_few_samples": TRY_AGAIN,
    "not_done": FOLLOW_PROMPTS,
    "wrong_direction": FOLLOW_PROMPTS,
    "out_of_order": FOLLOW_PROMPTS,
    "no_response": FOLLOW_PROMPTS,
    "not_seen": FOLLOW_PROMPTS,
    "clip_ends_early": FOLLOW_PROMPTS,
    "other_person": TRY_AGAIN,
    "two_people": TRY_AGAIN,
    "jump": TRY_AGAIN,
    "turn_not_seen": TURN_FURTHER,
    "not_followed": HOLD_STEADY,
    "flat": TRY_AGAIN,
    "bent": TRY_AGAIN,
    "drowned": BRIGHTER_SCREEN,
    "wrong_light": TRY_AGAIN,
    "behind": TRY_AGAIN,
    "too_few_frames": TRY_AGAIN,
    "frozen": TRY_AGAIN,
    "gap": TRY_AGAIN,
    "loop": TRY_AGAIN,
    "backwards": TRY_AGAIN,
    "reordered": TRY_AGAIN,
    "cut": TRY_AGAIN,
    "not_measured": COULD_NOT_CHECK,
}
# What a prompt falls short by is small in one signal and large in another.
BY_REASON: dict[str, Advice] = {"compliance:too_small": TURN_FURTHER}


def advise(reasons: Iterable[str]) -> tuple[Advice, ...]:
    """Advice for `signal:why` reasons, each once, in order; never none for a capture that failed.

    The general advice stands only where there is nothing more helpful to say.
    """
    found = dict.fromkeys(_advice(reason) for reason in reasons)
    found.pop(TRY_AGAIN, None)
    return tuple(found) or (TRY_AGAIN,)


def _advice(reason: str) -> Advice:
    return BY_REASON.get(reason) or BY_WHY.get(reason.partition(":")[2], TRY_AGAIN)
