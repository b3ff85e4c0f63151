"""What a generator asks to render, in the form that is read, hashed and decided on.

`parse_request` judges the form only. Whether a purpose or label is known is the decision's
business, since unknown must deny there, wherever a request comes from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from common.canonical import canonical_digest
from common.errors import FieldError
from common.ids import is_id
from consent.errors import RequestInvalid

MAX_LIKENESSES = 8
MAX_LABELS = 32
MAX_WORD = 40
MAX_COUNT = 100
MAX_SECONDS = 3600.0

_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z][a-z0-9_]*")


class Purpose(StrEnum):
    """What a render is for."""

    PERSONAL = "personal"
    PARODY = "parody"
    EDUCATION = "education"
    NEWS = "news"
    ADVERTISING = "advertising"
    POLITICAL = "political"
    OTHER = "other"


class Label(StrEnum):
    """What a render shows, as the generator's own classifier declares it."""

    SEXUAL = "sexual"
    NUDITY = "nudity"
    VIOLENCE = "violence"
    HATE = "hate"
    SELF_HARM = "self_harm"
    POLITICAL = "political"
    RELIGIOUS = "religious"
    DRUGS = "drugs"
    GAMBLING = "gambling"
    MEDICAL = "medical"
    ENDORSEMENT = "endorsement"
    DECEPTIVE_REALISM = "deceptive_realism"
    MINORS_PRESENT = "minors_present"


@dataclass(frozen=True, slots=True)
class Outputs:
    """How much is to be rendered: `count` pictures or clips of `seconds` each (0: a still)."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What is to be rendered of whom.

    Attributes:
        likenesses: cameo ids, 1 to `MAX_LIKENESSES`, each once.
        purpose: a `Purpose`.
        labels: `Label`s of what will be shown; empty says "none of them", None says nothing.
        prompt_digest: SHA-256 of the prompt's UTF-8 bytes, lower-case hexadecimal.
        inputs_digest: SHA-256 over whatever else goes in, or None if nothing does.
        outputs: how much.
    """

    likenesses: tuple[str, ...]
    purpose: str
    labels: frozenset[str] | None
    prompt_digest: str
    inputs_digest: str | None
    outputs: Outputs

    def document(self) -> dict[str, Any]:
        """The JSON form; equal requests give equal documents, whatever order they came in."""
        return {
            "inputs_digest": self.inputs_digest,
            "labels": None if self.labels is None else sorted(self.labels),
            "likenesses": sorted(self.likenesses),
            "outputs": {"count": self.outputs.count, "seconds": self.outputs.seconds},
            "prompt_digest": self.prompt_digest,
            "purpose": self.purpose,
        }

    def digest(self) -> str:
        """The `request_hash`: SHA-256 over the RFC 8785 bytes of `document()`, in hexadecimal."""
        return canonical_digest(self.document())


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """A request to render, with who asks through which generator, and when.

    Attributes:
        requester: account id.
        generator: the generator's client id.
        at: the moment it is decided for, aware.
        render: what is to be rendered.
    """

    requester: str
    generator: str
    at: datetime
    render: RenderRequest


def is_digest(value: object) -> bool:
    """Whether `value` is a SHA-256 in lower-case hexadecimal."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def is_count(value: object) -> bool:
    """Whether `value` is an integer that `Outputs.count` may be."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_COUNT


def is_seconds(value: object) -> bool:
    """Whether `value` is a number that `Outputs.seconds` may be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_SECONDS and math.isfinite(value)


class _Reader:
    """Collects what is wrong with a document, so that all of it is told at once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.fields: list[FieldError] = []

    def fault(self, pointer: str, code: str, message: str) -> None:
        self.fields.append(FieldError(pointer, code, message))

    def get(self, name: str) -> Any:
        if self._document.get(name) is None:
            self.fault(f"/{name}", "missing", "This member is required.")
        return self._document.get(name)

    def word(self, value: object, pointer: str) -> str:
        if isinstance(value, str) and len(value) <= MAX_WORD and _WORD.fullmatch(value):
            return value
        self.fault(pointer, "not_a_word", "Lower-case letters, digits and _ are taken.")
        return ""

    def listed(self, value: object, pointer: str, most: int) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            self.fault(pointer, "not_a_list", f"A list of at most {most} is taken.")
            return []
        if len({repr(item) for item in value}) != len(value):
            self.fault(pointer, "repeated", "Each may be named once.")
        return value


_MEMBERS = frozenset(
    {"likenesses", "purpose", "labels", "prompt_digest", "inputs_digest", "outputs"}
)


def parse_request(document: object) -> RenderRequest:
    """A request to render from its JSON object.

    Members: `likenesses` (list of cameo ids), `purpose`, `labels` (list; left out or null means
    undeclared, which a decision denies), `prompt_digest`, `inputs_digest` (may be left out or
    null), `outputs` (`count`, `seconds`). No others.

    Raises:
        RequestInvalid: with a field error for everything that is wrong.
    """
    if not isinstance(document, dict):
        raise RequestInvalid(fields=(FieldError("", "not_an_object", "An object is taken."),))
    reader = _Reader(document)
    for name in sorted(set(document) - _MEMBERS):
        reader.fault(_pointer(name), "unknown_member", "There is no such member.")
    likenesses = reader.listed(reader.get("likenesses"), "/likenesses", MAX_LIKENESSES)
    if document.get("likenesses") == []:
        reader.fault("/likenesses", "empty", "One likeness at least is needed.")
    for index, likeness in enumerate(likenesses):
        if not (isinstance(likeness, str) and is_id("cam", likeness)):
            reader.fault(f"/likenesses/{index}", "not_an_id", "This is not a cameo's id.")
    purpose = reader.word(reader.get("purpose"), "/purpose")
    labels = _labels(reader, document.get("labels"))
    prompt_digest = reader.get("prompt_digest")
    if prompt_digest is not None and not is_digest(prompt_digest):
        reader.fault("/prompt_digest", "not_a_digest", "A SHA-256 in hexadecimal is taken.")
    inputs_digest = document.get("inputs_digest")
    if inputs_digest is not None and not is_digest(inputs_digest):
        reader.fault("/inputs_digest", "not_a_digest", "A SHA-256 in hexadecimal is taken.")
    outputs = _outputs(reader, reader.get("outputs"))
    if reader.fields:
        raise RequestInvalid(fields=tuple(reader.fields))
    return RenderRequest(
        likenesses=tuple(likenesses),
        purpose=purpose,
        labels=labels,
        prompt_digest=prompt_digest,
        inputs_digest=inputs_digest,
        outputs=outputs,
    )


def _labels(reader: _Reader, value: object) -> frozenset[str] | None:
    if value is None:
        return None
    found = reader.listed(value, "/labels", MAX_LABELS)
    return frozenset(reader.word(item, f"/labels/{index}") for index, item in enumerate(found))


def _outputs(reader: _Reader, value: object) -> Outputs:
    if isinstance(value, dict) and set(value) == {"count", "seconds"}:
        if not is_count(value["count"]):
            reader.fault("/outputs/count", "out_of_range", f"1 to {MAX_COUNT} are taken.")
        if not is_seconds(value["seconds"]):
            reader.fault("/outputs/seconds", "out_of_range", "0 to 3600 seconds are taken.")
        if not reader.fields:
            return Outputs(value["count"], float(value["seconds"]))
    elif value is not None:
        reader.fault("/outputs", "not_outputs", "An object with count and seconds is taken.")
    return Outputs(1, 0.0)


def _pointer(name: str) -> str:
    # A member's name is somebody else's text: what it adds to an answer is bounded.
    return "/" + name[:MAX_WORD].replace("~", "~0").replace("/", "~1")
