"""A strict Content-Security-Policy (CSP level 3): nothing is loaded but what is named here."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

HEADER = "Content-Security-Policy"
DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self' 'nonce-{nonce}'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action {forms}",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
)
PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"


class ContentSecurityPolicyMiddleware:
    """Gives each request a nonce (`request.csp_nonce`) and each answer the policy.

    A page that sends its form on to another place (the consent page redirects to the app that
    asked) names that place in `request.csp_form_targets`: Chromium holds redirects of a form
    against `form-action` too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        request.csp_form_targets = ()  # type: ignore[attr-defined]
        response = self._get_response(request)
        targets: tuple[str, ...] = request.csp_form_targets  # type: ignore[attr-defined]
        forms = " ".join(("'self'", *targets))
        policy = "; ".join(DIRECTIVES).format(nonce=nonce, forms=forms)
        response.setdefault(HEADER, policy)
        response.setdefault("Permissions-Policy", PERMISSIONS)
        return response
