"""Does a task: makes its clips, has them judged, and gives a row for each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import av
import cv2
import numpy as np

from benchmarks.pad.cache import Cache
from benchmarks.pad.catalogue import INSTRUMENTS, Instrument
from benchmarks.pad.errors import FolderUnusable
from benchmarks.pad.folder import BonaFide, read_folder
from benchmarks.pad.frames import Picture, decode, encode
from benchmarks.pad.judging import NOT_MADE, judge_clip, judge_track
from benchmarks.pad.material import Material, RealMaterial
from benchmarks.pad.plan import (
    ATTACK_FPS,
    ATTACK_SIZE,
    REAL_SECONDS,
    Options,
    Task,
    fresh_script,
    generator,
    instrument_parameters,
    session_parameters,
)
from benchmarks.pad.simulated import SimulatedMaterial
from common.errors import CameoError
from identity.prompts import Script
from identity.types import Track
from models.engine import Engines
from tests.simulation.encoding import Timing
from tests.simulation.morphs import IDENTITIES
from tests.simulation.person import SimulatedPerson
from tests.simulation.scene import Scene

Row = dict[str, Any]
Make = Callable[[], tuple[bytes, Script]]
_T = TypeVar("_T")
_REUSED = frozenset({"other_session", "avatar"})
_STRESS: tuple[dict[str, Any], ...] = (
    {"codec": "h264", "crf": 32},
    {"codec": "vp8", "crf": 20},
    {"codec": "vp9", "crf": 36},
    {"codec": "h264", "crf": 23, "part": 0.75},
    {"codec": "h264", "crf": 23, "every": 2},
)
"""How bona fide clips are encoded once more; `part` of the size, `every` so many frames."""


class Lazy(Generic[_T]):
    """A value that is made when it is first needed."""

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._made: _T | None = None

    def __call__(self) -> _T:
        if self._made is None:
            self._made = self._make()
        return self._made


class Worker:
    """What a process keeps between tasks: engines, people, and the folder's frames."""

    def __init__(self, options: Options, engines: Engines, cache: Cache) -> None:
        self.options, self.engines, self.cache = options, engines, cache
        self._people: dict[int, SimulatedPerson] = {}
        self._decoded: dict[Path, tuple[list[Picture], float]] = {}
        self._clips: list[BonaFide] | None = None
        self._digest: str | None = None
        self._last: tuple[str, Row, Track | None] | None = None

    def person(self, place: int) -> SimulatedPerson:
        """A simulated person by their place in `IDENTITIES`."""
        place %= len(IDENTITIES)
        if place not in self._people:
            number = IDENTITIES[place]
            self._people[place] = SimulatedPerson.from_portrait(self.engines, identity=number)
        return self._people[place]

    @property
    def clips(self) -> list[BonaFide]:
        """The folder's clips."""
        if self._clips is None:
            self._clips = [] if self.options.folder is None else read_folder(self.options.folder)
        return self._clips

    @property
    def folder(self) -> str:
        """Digest of the folder's clips and labels."""
        if self._digest is None:
            whole = hashlib.sha256()
            for clip in self.clips:
                whole.update(clip.path.read_bytes() + repr(clip.label).encode())
            self._digest = whole.hexdigest()
        return self._digest

    def decoded(self, clip: BonaFide) -> tuple[list[Picture], float]:
        """The first seconds of a clip and its frame rate; the last three clips are kept.

        Raises:
            FolderUnusable: the clip can't be decoded.
        """
        if clip.path not in self._decoded:
            if len(self._decoded) >= 3:
                del self._decoded[next(iter(self._decoded))]
            try:
                self._decoded[clip.path] = decode(clip.path.read_bytes(), REAL_SECONDS)
            except (OSError, ValueError, av.FFmpegError) as error:
                raise FolderUnusable("A clip of the folder can't be decoded.") from error
        return self._decoded[clip.path]

    def do(self, task: Task) -> list[Row]:
        """The rows of a task."""
        if task.kind == "session":
            return [self._session(task)]
        material: Lazy[Material]
        if task.kind == "person":
            material = Lazy(lambda: self.simulated(task))
            name = f"person-{IDENTITIES[task.face]}"
            return list(self._attacks(task, name, "simulated", material))
        clip = self.clips[task.face]
        material = Lazy(lambda: self.real(task.face))
        name = face_of(task.face)
        rows = list(self._attacks(task, name, "real", material))
        return rows + (list(self._bona_fide(clip, name, material)) if task.index == 0 else [])

    def simulated(self, task: Task) -> SimulatedMaterial:
        """The material of a simulated person's script."""
        person = self.person(task.face)
        words = ("attack", person.identity, task.index)
        return SimulatedMaterial(
            self.engines,
            person,
            lambda which: self.person(task.face + 1 + which % (len(IDENTITIES) - 1)),
            fresh_script(task.level, *words),
            fps=ATTACK_FPS,
            size=ATTACK_SIZE,
            seed=int(generator(*words).integers(1, 1 << 30)),
            scene=Scene(),
        )

    def real(self, place: int) -> RealMaterial:
        """The material of a clip of the folder."""
        clip = self.clips[place]
        frames, fps = self.decoded(clip)
        others = [other for other in self.clips if other != clip][place % 2 :][:2]
        guests = [self.decoded(other) for other in others] or [(frames[::-1], fps)]
        script = clip.label.script(len(frames) / fps)
        return RealMaterial(self.engines, face_of(place), frames, fps, script, guests)

    def _session(self, task: Task) -> Row:
        parameters = session_parameters(task)
        script = fresh_script(task.level, "bona fide", task.face, task.index)

        def make() -> tuple[bytes, Script]:
            clip = self.person(task.face).answer(
                script.to_json(),
                fps=parameters["fps"],
                size=(parameters["size"][0], parameters["size"][1]),
                codec=parameters["codec"],
                seed=parameters["seed"],
                delay_s=parameters["delay"],
                scene=_scene(parameters),
                timing=Timing(parameters["jitter"], parameters["dropped"]),
            )
            return clip, script

        head = _head("bona_fide", "simulated", task.level, f"person-{parameters['identity']}")
        return {**head, "parameters": parameters, **self._judged(parameters, make)}

    def _bona_fide(self, clip: BonaFide, name: str, material: Lazy[Material]) -> Iterator[Row]:
        """A clip as it is, and encoded once more in some ways."""
        for number, how in enumerate(({}, *_STRESS)):

            def make(how: dict[str, Any] = how) -> tuple[bytes, Script]:
                data = again(material(), how) if how else clip.path.read_bytes()
                return data, material().script

            row = {**_head("bona_fide", "real", "basic", name), "parameters": how}
            row["labelled"] = {"turns": clip.label.turns, "deep": clip.label.deep}
            if number:
                row["species"], row["instrument"] = "re_encoded", f"re_encoded-{number - 1}"
            words = {"kind": "real", "face": name, "folder": self.folder, "encoded": how}
            yield {**row, **self._judged(words, make, own_file=True)}

    def _attacks(
        self, task: Task, name: str, origin: str, material: Lazy[Material]
    ) -> Iterator[Row]:
        for number in task.instruments:
            instrument = INSTRUMENTS[number]
            kind = "own_line" if instrument.own_line else "attack"
            row = _head(kind, origin, task.level, name)
            row |= {"species": instrument.species, "instrument": instrument.name}
            row["parameters"] = dict(instrument.parameters)
            if instrument.species in _REUSED:
                done = self._reused(task, instrument, name, material)
            else:
                done = self._attack(task, instrument, name, material)
            yield {**row, **done}

    def _attack(
        self, task: Task, instrument: Instrument, name: str, material: Lazy[Material]
    ) -> Row:
        def make() -> tuple[bytes, Script]:
            chance = generator("instrument", instrument.name, name, task.level)
            frames, script = instrument.make(material(), chance)
            return encode(frames, fps=material().fps, codec=instrument.codec), script

        words = instrument_parameters(task, instrument, name, self.folder)
        return self._judged(words, make, own_file=task.kind == "real")

    def _reused(
        self, task: Task, instrument: Instrument, name: str, material: Lazy[Material]
    ) -> Row:
        """The good answer, handed in here (an avatar's) or in another session."""

        def make() -> tuple[bytes, Script]:
            return encode(material().answer, fps=material().fps), material().script

        words = instrument_parameters(task, instrument, name, self.folder)
        key = self.cache.clip_key(words)
        done = self.cache.result(key)
        if done is not None:
            return done
        answer = {**words, "instrument": "answer", "parameters": {}}
        row, track = self.base(answer, make, own_file=task.kind == "real")
        if instrument.species != "avatar" and track is not None:
            script = fresh_script(task.level, "other", name, instrument.number)
            row = {**judge_track(track, script, self.engines), "frames": row["frames"]}
        if row["outcome"] != NOT_MADE:
            self.cache.keep(key, row)
        return row

    def base(self, words: Row, make: Make, *, own_file: bool) -> tuple[Row, Track | None]:
        """What becomes of a clip, and its track; the last one is remembered."""
        key = self.cache.clip_key(words)
        if self._last is None or self._last[0] != key:
            self._last = (key, *self._measured(key, make, own_file=own_file))
        return self._last[1], self._last[2]

    def _judged(self, words: Row, make: Make, *, own_file: bool = False) -> Row:
        key = self.cache.clip_key(words)
        done = self.cache.result(key)
        if done is None:
            done, _ = self._measured(key, make, own_file=own_file)
            if done["outcome"] != NOT_MADE:
                self.cache.keep(key, done)
        return done

    def _measured(self, key: str, make: Make, *, own_file: bool) -> tuple[Row, Track | None]:
        kept = self.cache.track(key)
        if kept is not None:
            track, script = kept
            row = judge_track(track, script, self.engines)
            return {**row, "frames": int(track.times.size)}, track
        started = time.perf_counter()
        try:
            data, script = make()
        except CameoError:
            raise
        except Exception as error:
            # One broken instrument must not cost an hour's run; the report lists it.
            name = type(error).__name__
            return {"outcome": NOT_MADE, "reasons": [name], "soft": None, "signals": []}, None
        made = time.perf_counter() - started
        row, measured = judge_clip(data, script, self.engines, own_file=own_file)
        if measured is not None:
            self.cache.keep_track(key, measured, script)
        return {**row, "making_s": round(made, 2)}, measured


def face_of(place: int) -> str:
    """What a clip of the folder is called in the report: no file's name goes in."""
    return f"clip-{place + 1}"


def _head(kind: str, origin: str, level: str, face: str) -> Row:
    return {
        "kind": kind,
        "origin": origin,
        "level": level,
        "face": face,
        "species": None,
        "instrument": None,
    }


def _scene(parameters: dict[str, Any]) -> Scene:
    red, green, blue = parameters["ambient_colour"]
    return Scene(
        exposure=parameters["exposure"],
        ambient=parameters["ambient"],
        ambient_colour=(red, green, blue),
        latency_s=parameters["latency"],
        auto_white_balance=parameters["white_balance"],
        auto_exposure=parameters["auto_exposure"],
        noise=parameters["noise"],
        shake=parameters["shake"],
    )


def again(material: Material, how: dict[str, Any]) -> bytes:
    """A real clip encoded once more."""
    every, part = how.get("every", 1), how.get("part", 1.0)
    frames = material.answer[::every]
    if part != 1.0:
        height, width = (2 * round(part * side / 2) for side in frames[0].shape[:2])
        frames = [
            np.asarray(cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            for f in frames
        ]
    return encode(frames, fps=material.fps / every, codec=how["codec"], crf=how["crf"])
