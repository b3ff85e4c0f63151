"""Going through OAuth's endpoints as a browser and a client do."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from django.test import Client

from accounts.interface import Registered
from accounts.models import User
from tests.api.conftest import PERSON

FORM = "application/x-www-form-urlencoded"
BACK = "http://127.0.0.1:7123/back"


def post(http: Client, path: str, headers: dict[str, str] | None = None, **form: Any) -> Any:
    return http.post(path, urlencode(form), content_type=FORM, headers=headers or {})


def basic(client_id: str, secret: str) -> dict[str, str]:
    text = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def own(gen: Registered) -> dict[str, str]:
    assert gen.client_secret is not None
    return basic(gen.generator.client_id, gen.client_secret)


class Flow:
    """An app on a person's machine, with the person's browser."""

    def __init__(self, http: Client, client_id: str, who: User) -> None:
        self.http, self.client_id, self.who = http, client_id, who
        self.verifier = secrets.token_urlsafe(48)

    def question(self, **changes: str | None) -> str:
        challenge = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": BACK,
            "scope": PERSON,
            "state": "s1",
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        } | changes
        given = {name: value for name, value in asked.items() if value is not None}
        return f"/oauth/authorize?{urlencode(given)}"

    def code(self, answer: str = "allow", **changes: str | None) -> dict[str, str]:
        """What comes back to the app."""
        self.http.force_login(self.who)
        path = self.question(**changes)
        page = self.http.get(path)
        assert page.status_code == 200, page.content
        response = self.http.post(path, {"answer": answer})
        assert response.status_code == 302, response.content
        location = urlsplit(response["Location"])
        assert f"{location.scheme}://{location.netloc}{location.path}" == BACK
        return {name: values[0] for name, values in parse_qs(location.query).items()}

    def tokens(self, code: str, **changes: str) -> Any:
        form: dict[str, Any] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
        } | changes
        return post(self.http, "/oauth/token", **form)
