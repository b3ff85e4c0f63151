"""`/v1/capture-sessions`: a challenge, the clip that answers it, and what became of it."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any, Final

from django.http.request import UnreadablePostError
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import person
from api.errors import BodyIncomplete, LengthRequired
from api.idempotency import headers_of, once
from api.permissions import of_person
from api.schema import IDEMPOTENCY_CODES, IDEMPOTENCY_KEY, opaque_id, operation
from api.v1.endpoint import Endpoint
from api.v1.examples import SESSION_BODY
from api.v1.fields import Body, Moment, OneOrSome, OrNull, Text, Written, read_body
from common.clock import utcnow
from common.errors import MalformedInput
from identity import interface as identity

MAX_WAIT_S: Final = 10
_POLL_S: Final = 0.1
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])")
_DONE = frozenset({"decided", "expired"})


class AdviceShape(serializers.Serializer[Any]):
    """What a person can do better."""

    code = serializers.CharField()
    message = serializers.CharField()


class PromptShape(Written):
    """One thing asked of the person; seconds count from the first frame."""

    kind = serializers.CharField(help_text="hold, turn, blink, open_mouth or light.")
    start = serializers.FloatField()
    end = serializers.FloatField()
    direction = serializers.CharField(
        required=False, help_text="Of a turn: the subject's own left, right, up or down."
    )
    min_degrees = serializers.FloatField(required=False)
    count = serializers.IntegerField(required=False)
    colours = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Of light: what the screen shows, 0.8 s each.",
    )


class SessionShape(serializers.Serializer[Any]):
    """A capture session as the person who answers it sees it."""

    id = serializers.CharField()
    cameo = serializers.CharField(source="cameo_id")
    purpose = serializers.CharField()
    without = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField(
        help_text="open, queued, processing, duplicate_check_pending, decided or expired."
    )
    nonce_hash = serializers.CharField(help_text="What an attestation of the clip must name.")
    script = PromptShape(many=True)
    created = Moment()
    expires = Moment()
    stage = OrNull(allow_null=True)
    progress = serializers.FloatField(help_text="0 to 1.")
    outcome = OrNull(allow_null=True, help_text="pass, review, retry, fail or unsupported.")
    advice = AdviceShape(many=True)


ATTESTATION: Final = "Capture-Attestation"
_CLIP_OPERATION: dict[str, Any] = {
    "request": {
        "video/mp4": OpenApiTypes.BINARY,
        "video/webm": OpenApiTypes.BINARY,
        "application/octet-stream": OpenApiTypes.BINARY,
    },
    "raw": True,
    "answers": {
        202: (
            SessionShape,
            "The clip was taken and waits to be checked; Location has the status.",
            SESSION_BODY | {"state": "queued", "stage": "queued"},
        )
    },
    "errors": [
        "not_found",
        "capture_session_expired",
        "capture_session_answered",
        "clip_already_used",
        "clip_too_large",
        "clip_empty",
        "not_a_video",
        "clip_truncated",
        "attestation_invalid",
        "length_required",
        "body_incomplete",
        "malformed_input",
        "clip_store_unavailable",
    ],
    "parameters": [
        opaque_id("session_id", "cap"),
        OpenApiParameter(
            ATTESTATION,
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="A registered capture client's statement about this clip: a compact JWS "
            "(Ed25519, typ capture-attestation+jws) over session, nonce_sha256, clip_sha256, iat.",
        ),
    ],
}


class SessionRequest(Body):
    """What the session is for, and what the person can't take part in."""

    purpose = Text(default="enrol", max_length=20, help_text="enrol, re-enrol or step-up.")
    without = OneOrSome(
        default=list, help_text="light (photosensitivity) or motion (mobility); one of them."
    )


class Captures(Endpoint):
    """Where capture sessions are begun."""

    needs = {"POST": (of_person("cameo:enrol"),)}

    @operation(
        id="create_capture_session",
        summary="Begin a capture session: a challenge to be answered once, within 180 s",
        tag="capture-sessions",
        request=SessionRequest,
        sends={"purpose": "enrol"},
        answers={201: (SessionShape, "The session and its script.", SESSION_BODY)},
        errors=[
            "invalid_input",
            "unknown_purpose",
            "too_young",
            "guardian_needed",
            "age_unknown",
            "capture_unsupported",
            "already_enrolled",
            "cameo_held",
            "not_enrolled",
            "capture_in_progress",
            "too_many_captures",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked, account_id, now = read_body(request, SessionRequest), person(request), utcnow()
        view, replayed = once(
            request,
            operation="create_capture_session",
            body=asked,
            now=now,
            do=lambda: identity.create_session(
                account_id=account_id,
                purpose=asked["purpose"],
                without=asked["without"],
                now=now,
            ),
            name=lambda made: made.id,
            again=lambda made: identity.session_view(
                account_id=account_id, session_id=made, now=now
            ),
        )
        headers = headers_of(reverse("capture-session", args=[view.id]), replayed=replayed)
        return Response(SessionShape(view).data, 201, headers=headers)


class Capture(Endpoint):
    """One capture session."""

    needs = {"GET": (of_person("cameo:enrol"), of_person("cameo:read"))}

    @operation(
        id="read_capture_session",
        summary="A capture session: its state, progress and outcome",
        tag="capture-sessions",
        answers={
            200: (
                SessionShape,
                "The session.",
                SESSION_BODY
                | {"state": "decided", "stage": "done", "progress": 1.0, "outcome": "pass"},
            )
        },
        errors=["not_found"],
        parameters=[
            opaque_id("session_id", "cap"),
            OpenApiParameter(
                "Prefer",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="`wait=N` (RFC 7240): wait up to N seconds, at most 10, for the end.",
            ),
        ],
    )
    def get(self, request: Request, session_id: str) -> Response:
        account_id = person(request)
        wait = _wait(request.headers.get("Prefer", ""))
        headers = {} if wait is None else {"Preference-Applied": f"wait={wait}"}
        until = time.monotonic() + (wait or 0)
        while True:
            view = identity.session_view(account_id=account_id, session_id=session_id, now=utcnow())
            left = until - time.monotonic()
            if view.state in _DONE or left <= 0:
                return Response(SessionShape(view).data, headers=headers)
            time.sleep(min(_POLL_S, left))


class CaptureClip(Endpoint):
    """The clip that answers a session."""

    needs = {"PUT": (of_person("cameo:enrol"),), "POST": (of_person("cameo:enrol"),)}
    parser_classes = ()

    @operation(
        id="put_capture_clip",
        summary="Send the clip that answers a session (same as POST)",
        tag="capture-sessions",
        **_CLIP_OPERATION,
    )
    def put(self, request: Request, session_id: str) -> Response:
        return self._take(request, session_id, utcnow())

    @operation(
        id="send_capture_clip",
        summary="Send the clip that answers a session, once, as the raw body",
        tag="capture-sessions",
        **_CLIP_OPERATION,
    )
    def post(self, request: Request, session_id: str) -> Response:
        return self._take(request, session_id, utcnow())

    def _take(self, request: Request, session_id: str, now: datetime) -> Response:
        view = identity.receive_clip(
            account_id=person(request),
            session_id=session_id,
            stream=_Upload(request),
            length=_length(request),
            now=now,
            attestation=request.headers.get(ATTESTATION),
        )
        headers = {"Location": reverse("capture-session", args=[view.id])}
        return Response(SessionShape(view).data, 202, headers=headers)


class _Upload:
    """The body as it comes in: neither Django nor the framework keeps it in memory."""

    def __init__(self, request: Request) -> None:
        self._stream = request._request
        self._left = _length(request)

    def read(self, size: int, /) -> bytes:
        try:
            piece: bytes = self._stream.read(min(size, self._left)) if self._left else b""
        except (UnreadablePostError, OSError) as error:
            raise BodyIncomplete from error
        if self._left and not piece:
            raise BodyIncomplete
        self._left -= len(piece)
        return piece


def _length(request: Request) -> int:
    text = request.headers.get("Content-Length", "")
    if not text:
        raise LengthRequired
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise MalformedInput
    return int(text)


def _wait(preference: str) -> int | None:
    found = _WAIT.search(preference)
    return min(int(found[1]), MAX_WAIT_S) if found else None
