"""The pages: what they say, whom to, under which policy; and signing up by hand."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from common.clock import utcnow
from identity.models import Cameo

PASSWORD = "a-long-pass-phrase-of-mine"


class _Inline(HTMLParser):
    """Collects what the policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(tag)
        self.found += [name for name in given if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            if re.match(r"(https?:)?//", given.get(name) or ""):
                self.found.append(str(given[name]))


def _page(response: Any) -> str:
    """The page's text, of which nothing needs more than the policy allows."""
    page: str = response.content.decode()
    parser = _Inline()
    parser.feed(page)
    assert parser.found == []
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy
    return page


@pytest.fixture
def http() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.org", PASSWORD)


def test_a_stranger_reads_what_this_is(db: None, http: Client) -> None:
    page = _page(http.get("/"))
    assert "/accounts/signup/" in page
    assert "Sign in" in page


@pytest.mark.parametrize("state", ["pending", "in_review", "active", "suspended", "expired"])
def test_a_person_sees_how_their_cameo_stands(alice: User, http: Client, state: str) -> None:
    cameo = Cameo.objects.create(owner=alice, state=state, created=utcnow())
    http.force_login(alice)
    page = _page(http.get("/"))
    assert cameo.id in page
    assert state in page
    assert alice.email not in page


def test_a_person_without_a_cameo_is_told_so(alice: User, http: Client) -> None:
    http.force_login(alice)
    page = _page(http.get("/"))
    assert "You have none yet" in page
    assert alice.id in page


def test_a_nonce_is_used_once(db: None, http: Client) -> None:
    policies = {http.get("/")["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


def test_the_consent_page_may_send_its_form_on_to_the_app_alone(alice: User, http: Client) -> None:
    from accounts.interface import register_generator

    made = register_generator(
        name="App",
        renders=False,
        redirect_addresses=["http://127.0.0.1/back"],
        by="test",
        now=utcnow(),
    )
    http.force_login(alice)
    query = (
        f"response_type=code&client_id={made.generator.client_id}&scope=cameo:read"
        "&redirect_uri=http://127.0.0.1:7000/back&code_challenge=" + "a" * 43
    )
    response = http.get(f"/oauth/authorize?{query}&code_challenge_method=S256")
    page = _page(response)
    assert "See the state of your cameo" in page
    assert "127.0.0.1:7000" in page
    policy = response["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:7000;" in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["Cache-Control"] == "no-store"


def test_a_person_signs_up_confirms_signs_out_and_in(db: None, http: Client) -> None:
    _page(http.get("/accounts/signup/"))
    form = {"email": "Carol@Example.org", "password1": PASSWORD, "password2": PASSWORD}
    response = http.post("/accounts/signup/", form)
    assert response.status_code == 302
    assert response["Location"] == "/accounts/confirm-email/"
    page = _page(http.get("/accounts/confirm-email/"))
    assert "Enter the code" in page
    code = re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})$", str(mail.outbox[0].body), re.MULTILINE)
    assert code is not None, mail.outbox[0].body
    wrong = http.post("/accounts/confirm-email/", {"action": "verify", "code": "AAAAAA"})
    assert wrong.status_code == 200
    done = http.post("/accounts/confirm-email/", {"action": "verify", "code": code[1]})
    assert (done.status_code, done["Location"]) == (302, "/")
    assert "You have none yet" in _page(http.get("/"))
    _page(http.get("/accounts/logout/"))
    assert http.post("/accounts/logout/").status_code == 302
    _page(http.get("/accounts/login/"))
    form = {"login": "carol@example.org", "password": PASSWORD}
    assert http.post("/accounts/login/", form).status_code == 302
    assert User.objects.get().email == "carol@example.org"


def test_a_wrong_password_and_an_unknown_address_look_alike(alice: User, http: Client) -> None:
    texts = []
    for login in ("alice@example.org", "nobody@example.org"):
        response = http.post("/accounts/login/", {"login": login, "password": "wrong"})
        assert response.status_code == 200
        page = re.sub(r'(csrfmiddlewaretoken" value="|value=")[^"]*"', "", _page(response))
        texts.append(page)
    assert texts[0] == texts[1]


def test_signing_up_twice_tells_nothing(alice: User, http: Client) -> None:
    form = {"email": "alice@example.org", "password1": PASSWORD, "password2": PASSWORD}
    response = http.post("/accounts/signup/", form)
    assert (response.status_code, response["Location"]) == (302, "/accounts/confirm-email/")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "path",
    ["/accounts/password/reset/", "/accounts/login/?next=/docs", "/accounts/signup/?next=/"],
)
def test_pages_for_strangers_open(db: None, http: Client, path: str) -> None:
    assert http.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/password/change/"])
def test_pages_of_the_account_need_a_person(alice: User, http: Client, path: str) -> None:
    assert http.get(path).status_code == 302
    http.force_login(alice)
    assert http.get(path).status_code == 200


def test_nobody_is_sent_to_another_site_after_signing_in(alice: User, http: Client) -> None:
    form = {"login": "alice@example.org", "password": PASSWORD, "next": "https://evil.example/"}
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    response = http.post("/accounts/login/", form)
    assert (response.status_code, response["Location"]) == (302, "/")


def test_after_signing_in_a_person_comes_back_to_the_question(alice: User, http: Client) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    question = "/oauth/authorize?response_type=code&client_id=x"
    login = http.get(question)["Location"]
    page = _page(http.get(login))
    hidden = re.search(r'name="next" value="([^"]+)"', page)
    assert hidden is not None
    form = {"login": alice.email, "password": PASSWORD, "next": unescape(hidden[1])}
    response = http.post("/accounts/login/", form)
    assert (response.status_code, response["Location"]) == (302, question)


def test_forms_without_their_mark_are_refused(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert response.status_code == 403
    assert "out of date" in _page(response)


def test_unknown_pages_are_told_to_people_as_a_page(db: None, http: Client) -> None:
    for path in ("/nothing", "/accounts/nothing", "/static/nothing.css", "/static/../manage.py"):
        response = http.get(path)
        assert response.status_code == 404
        assert "There is no such page" in _page(response)


def test_mistakes_are_told_to_people_as_a_page(
    db: None, http: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("web.views.home.render", broken)
    response = http.get("/")
    assert response.status_code == 500
    assert "went wrong on our side" in _page(response)


def test_the_documentation_lists_every_operation(db: None, http: Client) -> None:
    page = _page(http.get("/docs"))
    for text in ("create_grant", "/v1/likeness-tokens/redeem", "consent:manage"):
        assert text in page
    assert http.post("/docs").status_code == 405


def test_static_files_are_found_by_name_alone(db: None, http: Client) -> None:
    response = http.get("/static/web/site.css")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/css"
    etag = response["ETag"]
    assert http.get("/static/web/site.css", headers={"if-none-match": etag}).status_code == 304
    for path in ("web/../web/site.css", "web//site.css", "web/", "rest_framework/css/default.css"):
        assert http.get(f"/static/{path}").status_code == 404
