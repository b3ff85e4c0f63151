"""The page that asks a person whether an app may act for them (RFC 6749, 4.1.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.views.base import BaseAuthorizationView

from accounts.interface import SCOPES, oauth_server, read_generator

SERVER_CLASS, VALIDATOR_CLASS = oauth_server()
MAX_PARAMETER = 2000


class Authorize(BaseAuthorizationView):  # type: ignore[misc]
    """Asks every time: a public client's earlier consent proves nothing (RFC 8252, 8.6).

    What is decided on is what stands in the address, at the question and at the answer; the
    form holds nothing but yes or no, so that it can't be changed in between.
    """

    http_method_names = ["get", "post"]
    server_class = SERVER_CLASS
    validator_class = VALIDATOR_CLASS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuses what the toolkit stumbles over before it sees it.

        Raises:
            BadRequest: for a parameter given twice, over-long, with a NUL, or ill-encoded.
        """
        for _, values in request.GET.lists():
            if len(values) > 1 or len(values[0]) > MAX_PARAMETER or "\x00" in values[0]:
                raise BadRequest
        try:
            answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        except ValueError as error:
            raise BadRequest from error
        answer["Cache-Control"] = "no-store"
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The question."""
        try:
            scopes, asked = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            return self._refused(request, error)
        address = urlsplit(asked["redirect_uri"])
        request.csp_form_targets = (f"{address.scheme}://{address.netloc}",)  # type: ignore[attr-defined]
        client = read_generator(asked["client_id"])
        context = {
            "client": client,
            "host": address.netloc,
            "scopes": [SCOPES[scope] for scope in scopes],
        }
        return render(request, "web/authorize.html", context)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The answer."""
        try:
            scopes, asked = self.validate_authorization_request(request)
            target, _, _, _ = self.create_authorization_response(
                request=request,
                scopes=" ".join(scopes),
                credentials=asked,
                allow=request.POST.get("answer") == "allow",
            )
        except OAuthToolkitError as error:
            return self._refused(request, error)
        return self._back(request, target)

    def _refused(self, request: HttpRequest, error: OAuthToolkitError) -> HttpResponseBase:
        """Back to the app if its address is known to be its own, else told to the person."""
        redirect, told = super(BaseAuthorizationView, self).error_response(error)
        if redirect and error.oauthlib_error.redirect_uri:
            return self._back(request, told["url"])
        return render(request, "web/refused.html", {"code": told["error"].error}, status=400)

    def _back(self, request: HttpRequest, target: str) -> HttpResponseBase:
        # The address was validated against the client's own; http is the loopback's alone.
        response = HttpResponse(status=302)
        response["Location"] = target
        return response
