"""Clients that know the service by its address only: people with an app, and a generator."""

from __future__ import annotations

import base64
import email
import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field
from email import policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

CALLBACK = "http://127.0.0.1/callback"
DECISION_SECONDS = 90.0
_HIDDEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_CODE = re.compile(r"^\s*([A-Z0-9]{3,6}-[A-Z0-9]{3,6})\s*$", re.MULTILINE)


class UnexpectedAnswer(Exception):
    """The service answered something else than the story needs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))

    def __str__(self) -> str:
        wrong = [f"{entry['pointer']} {entry['code']}" for entry in self.body.get("errors", [])]
        return " ".join([str(self.status), self.code, *wrong])

    def expect(self, *statuses: int) -> dict[str, Any]:
        """The body, if the status is one of these.

        Raises:
            UnexpectedAnswer: otherwise; says status and code, nothing of the body.
        """
        if self.status not in statuses:
            raise UnexpectedAnswer(f"expected {statuses}, got {self}")
        return self.body


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.json() if response.content else {})


@dataclass(slots=True)
class Person:
    """Somebody with a browser, a mailbox, and apps that act for them.

    Attributes:
        name: for the story; the address is made from it.
        url: of the service.
        mailbox: folder that the service's mail goes to.
    """

    name: str
    url: str
    mailbox: Path
    account: str = ""
    _browser: httpx.Client = field(init=False)
    _tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._browser = httpx.Client(base_url=self.url, timeout=60, follow_redirects=True)

    @property
    def address(self) -> str:
        return f"{self.name.lower()}@example.org"

    def close(self) -> None:
        self._browser.close()

    def sign_up(self) -> None:
        """Make an account, and prove the address with the code that was mailed to it."""
        password = secrets.token_urlsafe(18)
        page = self._browser.get("/accounts/signup/")
        form = {"email": self.address, "password1": password, "password2": password}
        page = self._post(page, form)
        page = self._post(page, {"code": self._mailed_code()})
        if page.status_code != 200:
            raise UnexpectedAnswer(f"sign-up ended with {page.status_code}")

    def authorise(self, client_id: str, *, scope: str, secret: str | None = None) -> str:
        """Let an app act for this person: authorization code with PKCE; gives its access token."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        state = secrets.token_urlsafe(16)
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": state,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        page = self._browser.get("/oauth/authorize", params=query)
        response = self._post(page, {"answer": "allow"}, follow=False)
        if response.status_code not in (302, 303):
            raise UnexpectedAnswer(f"authorisation ended with {response.status_code}")
        found = parse_qs(urlsplit(response.headers["location"]).query)
        if found.get("state") != [state] or "code" not in found:
            raise UnexpectedAnswer("authorisation gave no code")
        body = {
            "grant_type": "authorization_code",
            "code": found["code"][0],
            "redirect_uri": CALLBACK,
            "client_id": client_id,
            "code_verifier": verifier,
        }
        if secret is not None:
            body["client_secret"] = secret
        token = str(
            _answer(httpx.post(f"{self.url}/oauth/token", data=body)).expect(200)["access_token"]
        )
        self._tokens[client_id] = token
        return token

    def app(self, client_id: str) -> httpx.Client:
        """An HTTP client that acts for this person through that app."""
        headers = {"Authorization": f"Bearer {self._tokens[client_id]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def _post(
        self, page: httpx.Response, form: dict[str, str], *, follow: bool = True
    ) -> httpx.Response:
        hidden = _HIDDEN.search(page.text)
        if page.status_code != 200 or hidden is None:
            raise UnexpectedAnswer(f"a page with a form was expected, got {page.status_code}")
        return self._browser.post(
            str(page.url),
            data={**form, "csrfmiddlewaretoken": hidden[1]},
            headers={"Referer": str(page.url), "Origin": self.url},
            follow_redirects=follow,
        )

    def _mailed_code(self) -> str:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for file in sorted(self.mailbox.glob("*"), reverse=True):
                message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
                text = message.get_content() if self.address in str(message["To"]) else ""
                found = _CODE.search(text)
                if found:
                    return found[1]
            time.sleep(0.05)
        raise UnexpectedAnswer("no code was mailed")


@dataclass(slots=True)
class Cameo:
    """A person's app for enrolling and consenting."""

    person: Person
    client_id: str
    _http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        scope = "cameo:enrol cameo:read consent:manage"
        self.person.authorise(self.client_id, scope=scope)
        self._http = self.person.app(self.client_id)
        self.person.account = str(self._get("/v1/me").expect(200)["id"])

    def begin_capture(self) -> dict[str, Any]:
        return self._send("POST", "/v1/capture-sessions", {"purpose": "enrol"}).expect(201)

    def send_clip(self, session: str, clip: bytes) -> Answer:
        headers = {"Content-Type": "video/mp4"}
        path = f"/v1/capture-sessions/{session}/clip"
        return _answer(self._http.put(path, content=clip, headers=headers))

    def decision(self, session: str) -> dict[str, Any]:
        """Wait for a capture's decision."""
        deadline = time.monotonic() + DECISION_SECONDS
        while time.monotonic() < deadline:
            answer = self._http.get(
                f"/v1/capture-sessions/{session}", headers={"Prefer": "wait=10"}
            )
            body = _answer(answer).expect(200)
            if body["state"] not in ("open", "queued", "processing"):
                return body
        raise UnexpectedAnswer("no decision in time")

    def cameo(self, cameo: str) -> dict[str, Any]:
        return self._get(f"/v1/cameos/{cameo}").expect(200)

    def grant(self, cameo: str, grantee: str, purposes: list[str]) -> dict[str, Any]:
        body = {"cameo": cameo, "grantee": grantee, "terms": {"purposes": purposes}}
        return self._send("POST", "/v1/grants", body).expect(201)

    def withdraw(self, grant: str) -> dict[str, Any]:
        return self._send("POST", f"/v1/grants/{grant}/withdraw", {}).expect(200)

    def uses(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("/v1/uses").expect(200)["items"]
        return found

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str) -> Answer:
        return _answer(self._http.get(path))

    def _send(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        return _answer(self._http.request(method, path, json=body))


@dataclass(slots=True)
class Generator:
    """A generator: asks in people's names with their tokens, redeems with its own."""

    url: str
    client_id: str
    audience: str
    secret: str
    _own: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        body = {"grant_type": "client_credentials", "scope": "likeness:redeem"}
        answer = _answer(
            httpx.post(f"{self.url}/oauth/token", data=body, auth=(self.client_id, self.secret))
        )
        token = answer.expect(200)["access_token"]
        self._own = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def ask(self, requester: Person, request: dict[str, Any]) -> Answer:
        """Ask for a likeness token with the requester's own access token."""
        with requester.app(self.client_id) as http:
            return _answer(http.post("/v1/likeness-tokens", json={"request": request}))

    def redeem(self, token: str, request: dict[str, Any]) -> Answer:
        body = {"token": token, "request": request}
        return _answer(self._own.post("/v1/likeness-tokens/redeem", json=body))

    def introspect(self, token: str) -> dict[str, Any]:
        return _answer(
            httpx.post(
                f"{self.url}/oauth/introspect",
                data={"token": token},
                auth=(self.client_id, self.secret),
            )
        ).expect(200)

    def keys(self) -> dict[str, Any]:
        return _answer(self._own.get("/.well-known/jwks.json")).expect(200)

    def close(self) -> None:
        self._own.close()


def render_request(cameo: str, prompt: str, purpose: str = "personal") -> dict[str, Any]:
    """A request to render one likeness in a ten-second clip."""
    return {
        "likenesses": [cameo],
        "purpose": purpose,
        "labels": [],
        "prompt_digest": hashlib.sha256(prompt.encode()).hexdigest(),
        "inputs_digest": None,
        "outputs": {"count": 1, "seconds": 10},
    }
