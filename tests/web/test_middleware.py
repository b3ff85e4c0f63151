"""The content security policy."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from web.middleware import HEADER, ContentSecurityPolicyMiddleware


def test_a_page_knows_its_nonce_and_may_name_where_its_form_goes() -> None:
    def page(request: HttpRequest) -> HttpResponse:
        request.csp_form_targets = ("https://app.example",)  # type: ignore[attr-defined]
        return HttpResponse(request.csp_nonce)  # type: ignore[attr-defined]

    response = ContentSecurityPolicyMiddleware(page)(RequestFactory().get("/"))
    assert isinstance(response, HttpResponse)
    policy = response[HEADER]
    assert f"script-src 'self' 'nonce-{response.content.decode()}'" in policy
    assert "form-action 'self' https://app.example" in policy


def test_a_view_may_be_stricter() -> None:
    def page(_: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={HEADER: "default-src 'none'"})

    response = ContentSecurityPolicyMiddleware(page)(RequestFactory().get("/"))
    assert response[HEADER] == "default-src 'none'"
