"""A folder of bona fide clips, and the scripts that its labels stand for.

`labels.json` (optional) names events by clip: `{"clips": {"a.mp4": {"turns": [{"direction":
"left", "peak": 5.7, "yaw": 14}], "blinks": [1.6], "mouth_open": [10.5], "mouth_open_seen":
true}}}`; seconds from the first frame, degrees as the mesh reads them, the subject's own left.
A clip's name stands for its face: two clips of one person count as two faces.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.pad.errors import FolderUnusable, LabelsUnusable
from identity.prompts import Direction, Kind, Prompt, Script

SUFFIXES: Final = (".mp4", ".mov", ".webm", ".mkv")
AROUND: Final = 1.0
"""Seconds before and after a labelled event at which its prompt's window begins and ends."""
LEEWAY_DEGREES: Final = 3.0
"""Labels are good to so much."""
DEPTH_DEGREES: Final = 15.0
_MOST_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """One labelled movement: what it is, when it peaks, and how far a turn goes."""

    kind: Kind
    at: float
    direction: Direction | None = None
    degrees: float | None = None

    def prompt(self, around: float = AROUND) -> Prompt:
        """The prompt that this answers."""
        degrees = None if self.degrees is None else max(1.0, self.degrees - LEEWAY_DEGREES)
        count = 1 if self.kind is Kind.BLINK else None
        start, end = round(max(0.0, self.at - around), 3), round(self.at + around, 3)
        return Prompt(self.kind, start, end, self.direction, degrees, count)


@dataclass(frozen=True, slots=True)
class Label:
    """What is known to happen in a clip.

    Attributes:
        events: in the order of time.
        mouth_seen: whether the mouth is open at some time or other.
    """

    events: tuple[Event, ...] = ()
    mouth_seen: bool = False

    def script(self, seconds: float) -> Script:
        """The script that a clip of so many seconds answers; a mere hold where nothing is known."""
        prompts = [event.prompt() for event in self.events if event.at < seconds]
        if not prompts and self.mouth_seen:
            prompts = [Prompt(Kind.OPEN_MOUTH, 0.0, round(seconds, 3))]
        if not prompts:
            prompts = [Prompt(Kind.HOLD, 0.0, 1.0)]
        return Script(tuple(sorted(prompts, key=lambda p: (p.start, p.end))))

    @property
    def turns(self) -> bool:
        """Whether a turn is labelled."""
        return any(event.kind is Kind.TURN for event in self.events)

    @property
    def deep(self) -> bool:
        """Whether a labelled turn goes as far as `depth` needs."""
        return any((event.degrees or 0.0) >= DEPTH_DEGREES for event in self.events)


@dataclass(frozen=True, slots=True)
class BonaFide:
    """One clip of the folder: its file, and what is known of it."""

    path: Path = field(repr=False)
    label: Label

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def read_folder(folder: Path) -> list[BonaFide]:
    """The clips of a folder, by name.

    Raises:
        FolderUnusable: there is no such folder, or no clip in it, or one is over 200 MB.
        LabelsUnusable: `labels.json` is there and can't be understood; the message says where.
    """
    if not folder.is_dir():
        raise FolderUnusable("There is no such folder.")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise FolderUnusable("The folder holds no clip (mp4, mov, webm or mkv).")
    if any(path.stat().st_size > _MOST_BYTES for path in paths):
        raise FolderUnusable("A clip of the folder is larger than 200 MB.")
    labels = read_labels(folder / "labels.json")
    for name in labels:
        if not (folder / name).is_file():
            raise LabelsUnusable("labels.json names a clip that isn't in the folder.")
    return [BonaFide(path, labels.get(path.name, Label())) for path in paths]


def read_labels(path: Path) -> dict[str, Label]:
    """The labels of a folder by file name; none where there is no such file.

    Raises:
        LabelsUnusable: the file can't be understood; the message says where.
    """
    if not path.is_file():
        return {}
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise LabelsUnusable("labels.json is not JSON.") from error
    clips = body.get("clips") if isinstance(body, dict) else None
    if not isinstance(clips, dict):
        raise LabelsUnusable('labels.json needs an object "clips".')
    return {str(name): _label(index, entry) for index, (name, entry) in enumerate(clips.items())}


def _label(index: int, entry: object) -> Label:
    where = f"labels.json, clip {index + 1}"
    if not isinstance(entry, dict):
        raise LabelsUnusable(f"{where}: an object is needed.")
    events = [_turn(f"{where}, turns", turn) for turn in _list(where, entry, "turns")]
    for key, kind in (("blinks", Kind.BLINK), ("mouth_open", Kind.OPEN_MOUTH)):
        times = (_number(f"{where}, {key}", value) for value in _list(where, entry, key))
        events += [Event(kind, at) for at in times]
    seen = entry.get("mouth_open_seen", False)
    if not isinstance(seen, bool):
        raise LabelsUnusable(f"{where}: mouth_open_seen is true or false.")
    return Label(tuple(sorted(events, key=lambda event: event.at)), seen)


def _list(where: str, entry: Mapping[str, Any], key: str) -> list[Any]:
    value = entry.get(key, [])
    if not isinstance(value, list):
        raise LabelsUnusable(f"{where}: {key} is a list.")
    return value


def _turn(where: str, entry: object) -> Event:
    if not isinstance(entry, dict):
        raise LabelsUnusable(f"{where}: objects are needed.")
    known = {direction.value: direction for direction in Direction}
    direction = known.get(entry["direction"]) if isinstance(entry.get("direction"), str) else None
    if direction is None:
        raise LabelsUnusable(f"{where}: a direction is one of {', '.join(known)}.")
    degrees = entry.get("yaw", entry.get("pitch"))
    return Event(
        Kind.TURN,
        _number(where, entry.get("peak")),
        direction,
        _number(where, degrees, most=60.0),
    )


def _number(where: str, value: object, most: float = 60.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LabelsUnusable(f"{where}: numbers are needed.")
    if not 0.0 <= value <= most:
        raise LabelsUnusable(f"{where}: a number is out of range.")
    return float(value)
