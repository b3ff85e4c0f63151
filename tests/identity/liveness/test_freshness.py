"""Freshness on tracks made by hand: which frames repeat what, by the numbers of a Track."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from identity.liveness.freshness import WHY, freshness
from identity.types import Changes, Signal, Track
from tests.identity.liveness.build import a_track
from tests.identity.liveness.whole import noisy_changes

SECONDS = 6.0
FRAMES = 180


def said(signal: Signal) -> tuple[str, str]:
    assert signal.name == "freshness"
    assert signal.why in WHY
    return signal.outcome.value, signal.why


def swaying() -> Track:
    """Somebody who leans aside all along, so that no two moments have one place."""
    track = a_track(SECONDS)
    meshes = track.meshes.copy()
    meshes[:, :, 0] += 20.0 * track.times[:, None].astype(np.float32)
    return replace(track, meshes=meshes, changes=noisy_changes(FRAMES))


def stopped(track: Track, begin: int, end: int) -> Track:
    """The mesh stands still from one frame to another as well."""
    meshes = track.meshes.copy()
    meshes[begin:end] = meshes[begin - 1]
    return replace(track, meshes=meshes)


def with_changes(**parts: np.ndarray) -> Track:
    track = swaying()
    assert track.changes is not None
    return replace(track, changes=replace(track.changes, **parts))


def sizes(*still: tuple[int, int], size: float = 0.0) -> np.ndarray:
    """Sizes of change; in each part from one frame to another there is next to none."""
    usual = noisy_changes(FRAMES).face
    for begin, end in still:
        usual[begin:end] = size
    return usual


def played(order: list[int]) -> Track:
    """What is seen when a clip's frames are shown in another order: the prints of each step."""
    looks = np.random.default_rng(5).normal(size=(FRAMES, 32)).cumsum(axis=0)
    looks += 2.0 * np.random.default_rng(6).normal(size=looks.shape)
    meshes = swaying().meshes[order]
    prints = np.diff(looks[order], axis=0, prepend=looks[order][:1]).astype(np.float32)
    n = len(order)
    track = a_track(n / 30)
    changes = noisy_changes(n)
    return replace(track, meshes=meshes, changes=replace(changes, prints=prints))


def test_a_cameras_clip_is_fresh() -> None:
    signal = freshness(swaying())
    assert said(signal) == ("pass", "ok")
    assert (signal.value, signal.n) == (0.0, FRAMES)
    assert said(freshness(played(list(range(FRAMES))))) == ("pass", "ok")


@pytest.mark.parametrize(("frames", "outcome"), [(3, "pass"), (12, "pass"), (15, "fail")])
def test_a_frozen_part_of_half_a_second_fails(frames: int, outcome: str) -> None:
    still = with_changes(face=sizes((60, 60 + frames), size=0.02))
    signal = freshness(stopped(still, 60, 60 + frames))
    assert signal.outcome.value == outcome
    if outcome == "fail":
        assert signal.why == "frozen"
        assert signal.value == pytest.approx(frames / 30)


def test_a_frozen_face_before_a_moving_room_fails() -> None:
    assert said(freshness(stopped(with_changes(face=sizes((60, 80))), 60, 80))) == (
        "fail",
        "frozen",
    )


def test_a_face_that_an_encoder_leaves_out_while_it_moves_is_fresh() -> None:
    """At low bit rates: nothing changes for 0.7 s, and the mesh, all the same, moves on."""
    assert said(freshness(with_changes(face=sizes((60, 80))))) == ("pass", "ok")


def test_nothing_may_stand_still_for_good() -> None:
    assert said(freshness(with_changes(face=sizes((60, 110))))) == ("fail", "frozen")


def test_a_phone_that_repeats_up_to_three_frames_is_fresh() -> None:
    parts = [(k, k + 3) for k in range(10, 170, 9)]
    assert said(freshness(with_changes(face=sizes(*parts)))) == ("pass", "ok")


def test_every_frame_shown_twice_is_fresh() -> None:
    parts = [(k, k + 1) for k in range(1, FRAMES, 2)]
    assert said(freshness(with_changes(face=sizes(*parts)))) == ("pass", "ok")


def test_a_still_picture_is_frozen() -> None:
    still = stopped(with_changes(face=sizes((0, FRAMES))), 1, FRAMES)
    assert said(freshness(still)) == ("fail", "frozen")


def test_while_nobody_is_there_the_picture_counts() -> None:
    away = noisy_changes(FRAMES).face
    away[60:90] = np.nan
    track = with_changes(face=away, picture=sizes((60, 90)))
    meshes, present = track.meshes.copy(), track.present.copy()
    meshes[60:90], present[60:90] = np.nan, False
    track = replace(track, meshes=meshes, present=present)
    assert said(freshness(track)) == ("fail", "frozen")


def test_in_the_dark_nothing_can_be_told() -> None:
    track = with_changes(face=sizes((60, 90)))
    dark = replace(a_track(SECONDS, light=6.0, samples=[]), changes=track.changes)
    dark = stopped(dark, 60, 90)
    assert said(freshness(dark)) == ("abstain", "too_dark")


def test_half_a_second_without_a_frame_is_a_gap() -> None:
    track = swaying()
    times = track.times + np.where(np.arange(FRAMES) >= 90, 0.6, 0.0)
    assert said(freshness(replace(track, times=times))) == ("fail", "gap")


@pytest.mark.parametrize("length", [36, 60])
def test_a_part_played_again_is_a_loop(length: int) -> None:
    part = list(range(20, 20 + length))
    signal = freshness(played([*range(20), *part, *part, *part]))
    assert said(signal) == ("fail", "loop")
    assert signal.value is not None
    assert signal.value >= 0.55


def test_a_loop_is_found_under_frames_shown_twice() -> None:
    part = list(range(20, 80))
    order = [*range(20), *part, *part]
    doubled = [k for k in order for _ in (0, 1)]
    track = played(doubled)
    assert track.changes is not None
    still = sizes()
    face = np.concatenate([still, still])[: len(doubled)]
    face[1::2] = 0.0
    track = replace(track, changes=replace(track.changes, face=face))
    assert said(freshness(track)) == ("fail", "loop")


def test_a_part_played_back_is_backwards() -> None:
    part = list(range(20, 80))
    assert said(freshness(played([*range(20), *part, *part[::-1]]))) == ("fail", "backwards")


def test_the_same_movement_elsewhere_is_no_loop() -> None:
    """Prints alone aren't enough: honest people do alike things twice, not in one place."""
    track = played([*range(60), *range(60)])
    meshes = track.meshes.copy()
    meshes[60:, :, :2] += 6.0
    assert said(freshness(replace(track, meshes=meshes))) == ("pass", "ok")


def test_neighbours_that_are_exchanged_are_reordered() -> None:
    track = swaying()
    assert track.changes is not None
    steady = np.tile(track.changes.prints[5], (FRAMES, 1))
    steady += 0.2 * noisy_changes(FRAMES, 3).prints
    assert said(freshness(with_changes(prints=steady))) == ("pass", "ok")
    for k in range(10, 170, 12):
        steady[k] *= -1
    assert said(freshness(with_changes(prints=steady))) == ("fail", "reordered")


def leaping(track: Track, by: float) -> Track:
    """From the middle on the face is elsewhere, in parts of the distance of the eyes."""
    meshes = track.meshes.copy()
    meshes[90:, :, 1] += by * 0.64 * 300.0
    return replace(track, meshes=meshes)


def test_one_sudden_change_in_which_the_face_leaps_is_a_cut() -> None:
    jumping = noisy_changes(FRAMES).picture
    jumping[90] = 20.0
    track = with_changes(picture=jumping)
    assert said(freshness(leaping(track, 0.15))) == ("fail", "cut")
    assert said(freshness(leaping(track, 0.02))) == ("pass", "ok")


def test_a_key_frame_is_no_cut() -> None:
    jumping = noisy_changes(FRAMES).picture
    jumping[90] = 20.0
    assert said(freshness(with_changes(picture=jumping))) == ("pass", "ok")


def test_a_path_taken_twice_is_a_loop_whatever_the_pictures_show() -> None:
    track = with_changes()
    meshes = track.meshes.copy()
    walk = np.cumsum(np.random.default_rng(3).normal(size=(60, 2)), axis=0) * 3.0
    walk = np.concatenate([walk, walk, walk]).astype(np.float32)
    meshes[:, :, :2] = meshes[:1, :, :2] + walk[:, None]
    signal = freshness(replace(track, meshes=meshes))
    assert said(signal) == ("fail", "loop")
    assert signal.threshold == 0.18


def test_a_larger_step_over_dropped_frames_is_no_cut() -> None:
    jumping = noisy_changes(FRAMES).picture
    jumping[90] = 10.0
    track = with_changes(picture=jumping)
    times = track.times + np.where(np.arange(FRAMES) >= 90, 0.2, 0.0)
    assert said(freshness(replace(track, times=times))) == ("pass", "ok")


def test_light_that_fades_over_is_no_cut() -> None:
    fading = noisy_changes(FRAMES).picture
    fading[90:96] = 12.0
    assert said(freshness(with_changes(picture=fading))) == ("pass", "ok")


def test_without_measurements_it_abstains() -> None:
    track = replace(swaying(), changes=None)
    assert said(freshness(track)) == ("abstain", "not_measured")
    other = replace(swaying(), changes=noisy_changes(7))
    assert said(freshness(other)) == ("abstain", "not_measured")


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_with_few_frames_it_abstains(seconds: float) -> None:
    track = a_track(seconds, samples=[])
    track = replace(track, changes=noisy_changes(track.times.size))
    assert said(freshness(track)) == ("abstain", "too_few_frames")


def test_without_a_face_it_abstains() -> None:
    track = a_track(SECONDS, missing=lambda t: True, samples=[])
    track = replace(track, changes=noisy_changes(FRAMES))
    assert said(freshness(track)) == ("abstain", "no_face")


def test_the_same_track_gives_the_same_signal() -> None:
    assert freshness(swaying()) == freshness(swaying())


def test_numbers_that_are_none_stop_nothing() -> None:
    empty = np.full(FRAMES, np.nan, dtype=np.float32)
    changes = Changes(empty, empty, np.zeros((FRAMES, 32), dtype=np.float32))
    assert freshness(replace(swaying(), changes=changes)).why in WHY


def test_a_short_loop_is_found_by_the_face_s_shape_however_the_picture_shakes() -> None:
    part = list(range(20, 44))
    track = played([*range(20), *part, *part, *part, *range(44, FRAMES)])
    wave = np.sin(np.random.default_rng(1).normal(0, 1, FRAMES).cumsum() / 3.0)
    order = [*range(20), *part, *part, *part, *range(44, FRAMES)]
    meshes = track.meshes.copy()
    meshes[:, :234, 1] += (12.0 * wave[order])[:, None].astype(np.float32)
    shake = np.random.default_rng(2).normal(0.0, 2.0, (len(order), 1, 2)).astype(np.float32)
    meshes[:, :, :2] += shake
    assert track.changes is not None
    prints = np.random.default_rng(4).normal(size=track.changes.prints.shape).astype(np.float32)
    shaken = replace(track, meshes=meshes, changes=replace(track.changes, prints=prints))
    assert said(freshness(shaken)) == ("fail", "loop")
