"""What is wrong with a request by itself, whoever asks and whomever it is about."""

from __future__ import annotations

from collections.abc import Iterator

from consent.reasons import Reason
from consent.request import (
    MAX_LIKENESSES,
    Label,
    Purpose,
    RenderRequest,
    is_count,
    is_digest,
    is_seconds,
)


def own_faults(render: RenderRequest) -> Iterator[Reason]:
    """Everything that denies a request whatever is known of its likenesses."""
    if not render.likenesses:
        yield Reason.NO_LIKENESS
    if len(render.likenesses) > MAX_LIKENESSES:
        yield Reason.TOO_MANY_LIKENESSES
    if len(set(render.likenesses)) != len(render.likenesses):
        yield Reason.LIKENESS_REPEATED
    if render.purpose not in set(Purpose):
        yield Reason.PURPOSE_UNKNOWN
    if render.labels is None:
        yield Reason.LABELS_UNDECLARED
    else:
        if not render.labels <= set(Label):
            yield Reason.LABEL_UNKNOWN
        if _is_always_denied(render.labels):
            yield Reason.LABEL_ALWAYS_DENIED
    if not is_digest(render.prompt_digest) or not (
        render.inputs_digest is None or is_digest(render.inputs_digest)
    ):
        yield Reason.DIGEST_INVALID
    if not (is_count(render.outputs.count) and is_seconds(render.outputs.seconds)):
        yield Reason.OUTPUTS_INVALID


def _is_always_denied(labels: frozenset[str]) -> bool:
    minors_unclothed = Label.MINORS_PRESENT in labels and Label.NUDITY in labels
    return Label.SEXUAL in labels or minors_unclothed
