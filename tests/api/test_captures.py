"""Capture sessions over HTTP: beginning one, sending the clip raw, and waiting for the end."""

from __future__ import annotations

import io
import secrets
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from accounts.models import User
from common.clock import utcnow
from identity.models import CaptureSession
from tests.api.conftest import Answer, Api, Cast


def _clip(size: int) -> bytes:
    """The boxes of an MP4 around noise; an upload isn't looked into any further."""
    head = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00\x00\x00\x08moov"
    return head + (size + 8).to_bytes(4, "big") + b"mdat" + secrets.token_bytes(size)


@pytest.fixture
def alice(cast: Cast) -> Api:
    return cast.api(cast.alice)


def _begin(api: Api, **headers: Any) -> Any:
    answer = api("POST", "/v1/capture-sessions", {"purpose": "enrol"}, **headers)
    assert answer.status == 201, answer.response.content
    return answer.json


def _send(api: Api, session: Any, clip: bytes, method: str = "POST", **headers: Any) -> Answer:
    path = f"/v1/capture-sessions/{session['id']}/clip"
    return api(method, path, raw=clip, **({"content_type": "video/mp4"} | headers))


def test_a_session_has_a_script_and_a_place(alice: Api) -> None:
    answer = alice("POST", "/v1/capture-sessions", {})
    body = answer.json
    assert answer.response["Location"] == f"/v1/capture-sessions/{body['id']}"
    assert body["state"] == "open"
    assert body["outcome"] is None
    assert {prompt["kind"] for prompt in body["script"]} >= {"hold", "turn"}
    assert alice("GET", answer.response["Location"]).json == body


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_clip_is_taken_raw_whatever_its_content_type(alice: Api, method: str) -> None:
    clip = _clip(settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 2)
    session = _begin(alice)
    answer = _send(alice, session, clip, method, content_type="multipart/form-data; boundary=x")
    assert answer.status == 202
    assert answer.json["state"] == "queued"
    again = _send(alice, session, clip, method)
    assert (again.status, again.code) == (409, "capture_session_answered")


def test_a_clip_that_was_seen_is_refused(cast: Cast, alice: Api) -> None:
    clip = _clip(1000)
    assert _send(alice, _begin(alice), clip).status == 202
    mallory = cast.api(cast.mallory)
    answer = _send(mallory, _begin(mallory), clip)
    assert (answer.status, answer.code) == (409, "clip_already_used")


def test_a_late_clip_is_refused(alice: Api) -> None:
    session = _begin(alice)
    CaptureSession.objects.update(expires=utcnow() - timedelta(seconds=1))
    answer = _send(alice, session, b"late")
    assert (answer.status, answer.code) == (409, "capture_session_expired")
    assert alice("GET", f"/v1/capture-sessions/{session['id']}").json["state"] == "expired"


def test_a_large_clip_is_refused_by_its_announced_length(alice: Api) -> None:
    session = _begin(alice)
    answer = _send(alice, session, b"x", content_length=str(60 * 1024 * 1024))
    assert (answer.status, answer.code) == (413, "clip_too_large")


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [
        ("", 411, "length_required"),
        ("many", 400, "malformed_input"),
        ("-1", 400, "malformed_input"),
        ("9" * 30, 400, "malformed_input"),
        ("0", 422, "clip_empty"),
    ],
)
def test_lengths_that_are_refused(alice: Api, length: str, status: int, code: str) -> None:
    answer = _send(alice, _begin(alice), b"abc", content_length=length)
    assert (answer.status, answer.code) == (status, code)


def test_a_broken_connection_is_told_as_such(alice: Api) -> None:
    path = f"/v1/capture-sessions/{_begin(alice)['id']}/clip"
    headers = {"authorization": f"Bearer {alice.token}"}
    broken: dict[str, Any] = {"CONTENT_LENGTH": "5000", "wsgi.input": io.BytesIO(_clip(10))}
    response = alice.http.generic("POST", path, b"", headers=headers, **broken)
    answer = Answer(response)
    assert (answer.status, answer.code) == (400, "body_incomplete")
    assert CaptureSession.objects.get().state == "open"


def test_bytes_that_are_no_video_are_refused(alice: Api) -> None:
    session = _begin(alice)
    answer = _send(alice, session, b"<html>hello</html>" * 100)
    assert (answer.status, answer.code) == (415, "not_a_video")
    assert _send(alice, session, _clip(100)).status == 202


def test_another_persons_session_is_not_there(cast: Cast, alice: Api) -> None:
    session, mallory = _begin(alice), cast.api(cast.mallory)
    missing = {"id": "cap_" + "a" * 26}

    def read(one: Any) -> Answer:
        return mallory("GET", f"/v1/capture-sessions/{one['id']}", x_request_id="same")

    def send(one: Any) -> Answer:
        return _send(mallory, one, b"clip", x_request_id="same")

    for ask in (read, send):
        theirs, nobodys = ask(session), ask(missing)
        assert theirs.status == 404
        assert theirs.response.content == nobodys.response.content
    assert CaptureSession.objects.get().state == "open"


def test_unknown_purposes_and_members_are_refused(alice: Api) -> None:
    answer = alice("POST", "/v1/capture-sessions", {"purpose": "fun"})
    assert (answer.status, answer.code) == (422, "unknown_purpose")
    answer = alice("POST", "/v1/capture-sessions", {"purpose": "enrol", "a/b~": 1})
    assert answer.json["errors"][0]["pointer"] == "/a~1b~0"


def test_waiting_ends_with_the_decision_or_the_time(alice: Api) -> None:
    session = _begin(alice)
    path = f"/v1/capture-sessions/{session['id']}"
    began = time.monotonic()
    answer = alice("GET", path, prefer="respond-async, wait=1")
    assert 0.9 <= time.monotonic() - began < 5
    assert answer.response["Preference-Applied"] == "wait=1"
    CaptureSession.objects.update(state="decided", outcome="retry", progress=1.0, advice=[])
    began = time.monotonic()
    answer = alice("GET", path, prefer="wait=10000")
    assert time.monotonic() - began < 1
    assert answer.response["Preference-Applied"] == "wait=10"
    assert answer.json["outcome"] == "retry"
    for senseless in ("wait=x", "await=5", "wait=-1", "wait=99999999999"):
        assert "Preference-Applied" not in alice("GET", path, prefer=senseless).response


def test_too_many_captures_say_when_to_come_back(alice: Api, settings: Settings) -> None:
    settings.CAMEO_CAPTURE_UNANSWERED = 1
    _begin(alice)
    answer = alice("POST", "/v1/capture-sessions", {})
    assert (answer.status, answer.code) == (429, "too_many_captures")
    assert int(answer.response["Retry-After"]) > 0


def test_a_closed_account_captures_nothing(cast: Cast, alice: Api) -> None:
    User.objects.filter(id=cast.alice.id).update(is_active=False)
    answer = alice("POST", "/v1/capture-sessions", {})
    assert (answer.status, answer.code) == (401, "invalid_token")


def test_what_a_person_cannot_take_part_in_is_left_out(alice: Api) -> None:
    for without in ("light", ["light"], ["light", "light"]):
        answer = alice("POST", "/v1/capture-sessions", {"without": without})
        assert (answer.status, answer.json["without"]) == (201, ["light"])
        assert "light" not in {prompt["kind"] for prompt in answer.json["script"]}
    both = alice("POST", "/v1/capture-sessions", {"without": ["light", "motion"]})
    assert (both.status, both.code) == (422, "capture_unsupported")
    assert "staff" in both.json["detail"]
    senseless: list[Any] = ["sound", ["sound"], 7, {}, [["light"]], [None], ["light"] * 11]
    for wrong in senseless:
        answer = alice("POST", "/v1/capture-sessions", {"without": wrong})
        assert (answer.status, answer.code) == (422, "invalid_input"), wrong


@pytest.mark.parametrize("purpose", ["re-enrol", "step-up"])
def test_there_must_be_a_template_to_compare_with(alice: Api, purpose: str) -> None:
    answer = alice("POST", "/v1/capture-sessions", {"purpose": purpose})
    assert (answer.status, answer.code) == (409, "not_enrolled")


def test_an_attestation_that_does_not_hold_refuses_the_clip(alice: Api) -> None:
    session = _begin(alice)
    for statement in ("", "x", "a.b.c", "x" * 5000):
        answer = _send(alice, session, _clip(100), capture_attestation=statement)
        assert (answer.status, answer.code) == (422, "attestation_invalid")
    assert len(session["nonce_hash"]) == 64
    assert _send(alice, session, _clip(100)).status == 202
