"""Results that stay, so that a run that was stopped goes on where it was.

A clip is the same clip while the code that makes clips and its parameters are the same; its
result is the same while the code that judges is, too. Only results are kept (numbers and
words), never a frame; tracks, which hold meshes and embeddings, only where asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from common.errors import CameoError
from identity.prompts import Script
from identity.runtime.trackfile import dump_track, load_track
from identity.types import Track

PROJECT: Final = Path(__file__).resolve().parents[2]
_MAKING: Final = (
    *(f"benchmarks/pad/{name}.py" for name in (
        "builders", "catalogue", "cues", "folder", "frames", "judging", "material", "plan",
        "simulated", "tasks",
    )),
    "benchmarks/pad/species",
    "tests/simulation",
    "identity/capture/script.py",
    "identity/prompts.py",
)  # fmt: skip
_JUDGING: Final = ("identity", "models", "common")


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def making_code() -> str:
    """Digest of the code that makes clips."""
    return code_digest(_MAKING)


@cache
def judging_code() -> str:
    """Digest of the code that judges clips."""
    return code_digest(_JUDGING)


def code_digest(places: Iterable[str], root: Path = PROJECT) -> str:
    """Digest of Python files and folders of them, by name and content; tests are left out."""
    files: list[Path] = []
    for place in places:
        path = root / place
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for path in files:
        if path.name.startswith("test_"):
            continue
        whole.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of results by what made them.

    Attributes:
        folder: where; made when first written to.
        making, judging: digests of the code.
        tracks: whether tracks are kept beside the results.
        rejudge: whether a kept track may be judged again though the code that measures may
            have changed since: right where only signals have.
    """

    folder: Path
    making: str
    judging: str
    tracks: bool = False
    rejudge: bool = False

    def clip_key(self, parameters: Mapping[str, Any]) -> str:
        """What stands for a clip."""
        return digest([self.making, dict(parameters)])[:40]

    def result(self, clip_key: str) -> dict[str, Any] | None:
        """What is known of a clip under this code; None where nothing (readable) is."""
        try:
            body = json.loads(self._result_path(clip_key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return body if isinstance(body, dict) else None

    def keep(self, clip_key: str, result: Mapping[str, Any]) -> None:
        """Writes a result, whole or not at all."""
        _write(self._result_path(clip_key), json.dumps(result).encode())

    def track(self, clip_key: str) -> tuple[Track, Script] | None:
        """A kept track that may be judged, and the script that was asked; None without one."""
        path = self._track_path(clip_key)
        if not self.rejudge or not path.is_file():
            return None
        try:
            script = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            return load_track(path.read_bytes()), Script.from_json(script)
        except (OSError, ValueError, CameoError):
            return None

    def keep_track(self, clip_key: str, track: Track, script: Script) -> None:
        """Keeps a track, where that was asked for."""
        if self.tracks:
            path = self._track_path(clip_key)
            _write(path.with_suffix(".json"), json.dumps(script.to_json()).encode())
            _write(path, dump_track(track))

    def _result_path(self, clip_key: str) -> Path:
        return self.folder / "results" / self.judging[:12] / f"{clip_key}.json"

    def _track_path(self, clip_key: str) -> Path:
        return self.folder / "tracks" / f"{clip_key}.track"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_bytes(data)
    half.replace(path)
