"""Token and revocation endpoints over django-oauth-toolkit, and the metadata documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views import RevokeTokenView, TokenView

from accounts.interface import SCOPES, oauth_server
from api import problems
from common.clock import utcnow
from consent import interface as consent

SERVER_CLASS, VALIDATOR_CLASS = oauth_server()
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
CLIENT_METHODS = ("client_secret_basic", "client_secret_post")
JWKS_MAX_AGE_S = 60
FORM = "application/x-www-form-urlencoded"


def _error(code: str, description: str) -> JsonResponse:
    """An error in the form of RFC 6749, 5.2."""
    body = {"error": code, "error_description": description}
    return JsonResponse(body, status=400, headers={"Cache-Control": "no-store"})


def _form_fault(request: HttpRequest) -> str | None:
    """What keeps the body from being read as one form, in one way; None if nothing does."""
    if request.GET:
        return "Parameters belong into the body."
    if request.content_type != FORM:
        return f"The body must be {FORM}."
    try:
        form = request.POST
    except BadRequest:
        return "The form must be in UTF-8."
    if any("\x00" in name + "".join(values) for name, values in form.lists()):
        return "A parameter holds a NUL."
    if any(len(values) > 1 for name, values in form.lists() if name != "resource"):
        return "A parameter is given twice."
    return None


class _Endpoint(View):
    """What the toolkit's views lack: input that they stumble over is refused before them."""

    http_method_names = ["post"]
    server_class = SERVER_CLASS
    validator_class = VALIDATOR_CLASS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            fault = _form_fault(request) if request.method == "POST" else None
            if fault is not None:
                return _error("invalid_request", fault)
            response = self._answer(request, super().dispatch, *args, **kwargs)
        except ValueError:
            # The toolkit and what it calls say so of text they can't read.
            return _error("invalid_request", "A parameter or header can't be read.")
        except Exception as error:  # the toolkit's views have no handler of their own
            return problems.response_to(error)
        response["Cache-Control"] = "no-store"
        if response.status_code >= 400 and "json" not in response["Content-Type"]:
            # RFC 6749, 5.2: the toolkit gives some of its refusals no type.
            response["Content-Type"] = "application/json"
        return response

    def _answer(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = problems.response_to(problems.MethodNotAllowed())
        response["Allow"] = "POST"
        return response


@method_decorator(csrf_exempt, name="dispatch")
class Token(_Endpoint, TokenView):  # type: ignore[misc]
    """Tokens for a code (with PKCE), a refresh token, or a client's credentials."""

    def _answer(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponseBase:
        if request.method == "POST" and request.POST.get("grant_type") not in GRANT_TYPES:
            return _error("unsupported_grant_type", f"One of {', '.join(GRANT_TYPES)}.")
        # A code is used up in the same transaction that makes its tokens.
        with transaction.atomic():
            return view(request, *args, **kwargs)


@method_decorator(csrf_exempt, name="dispatch")
class Revoke(_Endpoint, RevokeTokenView):  # type: ignore[misc]
    """RFC 7009: revokes an access or refresh token of the client that asks."""


def _address(name: str) -> str:
    return f"{settings.CAMEO_PUBLIC_URL}{reverse(name)}"


def server_metadata(request: HttpRequest) -> HttpResponse:
    """RFC 8414."""
    if request.method not in {"GET", "HEAD"}:
        return _only_get()
    return JsonResponse(
        {
            "issuer": settings.CAMEO_PUBLIC_URL,
            "authorization_endpoint": _address("oauth-authorize"),
            "token_endpoint": _address("oauth-token"),
            "revocation_endpoint": _address("oauth-revoke"),
            "introspection_endpoint": _address("oauth-introspect"),
            "jwks_uri": _address("jwks"),
            "scopes_supported": sorted(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANT_TYPES),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [*CLIENT_METHODS, "none"],
            "revocation_endpoint_auth_methods_supported": [*CLIENT_METHODS, "none"],
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "bearer"],
            "authorization_details_types_supported": ["likeness"],
            "authorization_response_iss_parameter_supported": bool(
                oauth2_settings.COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS
            ),
            "service_documentation": _address("docs"),
        },
        headers={"Cache-Control": "max-age=3600"},
    )


def jwks(request: HttpRequest) -> HttpResponse:
    """The keys that likeness tokens are signed with: the next, the active, the lately retired."""
    if request.method not in {"GET", "HEAD"}:
        return _only_get()
    try:
        body = consent.jwks(now=utcnow())
    except Exception as error:  # a keyring that can't be read is told like all else
        return problems.response_to(error)
    return JsonResponse(body, headers={"Cache-Control": f"max-age={JWKS_MAX_AGE_S}"})


def _only_get() -> HttpResponse:
    response = problems.response_to(problems.MethodNotAllowed())
    response["Allow"] = "GET, HEAD"
    return response
