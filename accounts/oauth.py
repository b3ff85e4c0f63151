"""The OAuth server: authorization code with PKCE, refresh, and client credentials. Nothing else.

oauthlib's ready-made server also has the implicit, password and device grants; they are not
mounted here, rather than refused later (RFC 9700, 2.1.2 and 2.4).
"""

from __future__ import annotations

import logging
from typing import Any

from oauth2_provider.models import get_grant_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    AuthorizationEndpoint,
    BearerToken,
    ClientCredentialsGrant,
    RefreshTokenGrant,
    ResourceEndpoint,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749.errors import (
    CustomOAuth2Error,
    UnsupportedCodeChallengeMethodError,
)

from accounts.scopes import FIRST_PARTY_SCOPES, PERSON_SCOPES, RENDERER_SCOPES

# Below INFO oauthlib writes codes and access tokens out in full.
logging.getLogger("oauthlib").setLevel(logging.INFO)


class RequestValidator(OAuth2Validator):  # type: ignore[misc]
    """Stricter than the toolkit's: S256 only, and scopes by who the token speaks for."""

    def _load_application(self, client_id: str | None, request: Any) -> Any:
        """The client, or None; what no client id can hold never reaches the database."""
        if client_id is None or not (client_id.isascii() and client_id.isprintable()):
            return None
        return super()._load_application(client_id, request)

    def _validate_resource_uris(self, request: Any, resources: list[Any]) -> None:
        """Refuses what is no address (RFC 8707), where the toolkit stumbles over it."""
        try:
            super()._validate_resource_uris(request, resources)
        except ValueError as error:
            raise CustomOAuth2Error(
                error="invalid_target",
                description="A resource must be an absolute address.",
                request=request,
            ) from error

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Of nobody whose account is closed, and none from before a suspension."""
        if not super().validate_code(client_id, code, client, request, *args, **kwargs):
            return False
        row = get_grant_model().objects.get(code=code, application=client)
        return bool(request.user.is_active and not row.application.has_revoked(row.created))

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Of nobody whose account is closed, and none from before a suspension."""
        if not super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            return False
        row = request.refresh_token_instance
        return bool(request.user.is_active and not row.application.has_revoked(row.created))

    def validate_response_type(
        self,
        client_id: str,
        response_type: str,
        client: Any,
        request: Any,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Code alone. Called before PKCE is looked at, so `plain` is refused here."""
        if request.code_challenge is not None and request.code_challenge_method != "S256":
            raise UnsupportedCodeChallengeMethodError(request=request)
        return response_type == "code" and bool(
            super().validate_response_type(
                client_id, response_type, client, request, *args, **kwargs
            )
        )

    def validate_scopes(
        self,
        client_id: str,
        scopes: list[str],
        client: Any,
        request: Any,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """A person can give only what is theirs; a generator asks for its own rights itself."""
        own = request.grant_type == "client_credentials"
        allowed = RENDERER_SCOPES | FIRST_PARTY_SCOPES if own else PERSON_SCOPES
        return set(scopes) <= allowed and bool(
            super().validate_scopes(client_id, scopes, client, request, *args, **kwargs)
        )


class AuthorizationServer(
    AuthorizationEndpoint,  # type: ignore[misc]
    TokenEndpoint,  # type: ignore[misc]
    ResourceEndpoint,  # type: ignore[misc]
    RevocationEndpoint,  # type: ignore[misc]
):
    """The three grants that there are, over bearer tokens."""

    def __init__(
        self,
        request_validator: RequestValidator,
        token_expires_in: int | None = None,
        token_generator: Any = None,
        refresh_token_generator: Any = None,
        **_: Any,
    ) -> None:
        code = AuthorizationCodeGrant(request_validator)
        bearer = BearerToken(
            request_validator, token_generator, token_expires_in, refresh_token_generator
        )
        AuthorizationEndpoint.__init__(
            self,
            default_response_type="code",
            response_types={"code": code},
            default_token_type=bearer,
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            grant_types={
                "authorization_code": code,
                "refresh_token": RefreshTokenGrant(request_validator),
                "client_credentials": ClientCredentialsGrant(request_validator),
            },
            default_token_type=bearer,
        )
        ResourceEndpoint.__init__(self, default_token="Bearer", token_types={"Bearer": bearer})  # noqa: S106 - a kind
        RevocationEndpoint.__init__(self, request_validator)
