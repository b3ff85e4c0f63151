"""How operations are described in OpenAPI: security, examples, and problems by code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from accounts.interface import SCOPES, InvalidToken
from api import problems
from api.authentication import ClientAuthentication
from api.errors import BodyNotJson, BodyTooLarge, InsufficientScope
from common.errors import CameoError, MalformedInput, Unauthenticated, Unavailable

REQUEST_ID = "req_5f0e7a1c2b3d4e5f60718293a4b5c6d7"
SECURITY_NAME = "oauth"
CLIENT_SECURITY = "client"
View = TypeVar("View", bound=Callable[..., Any])


class FieldProblem(serializers.Serializer[Any]):
    """One field that was wrong."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901) into the body.")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable; every code is in docs/errors.md.")
    request_id = serializers.CharField()
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]
    reasons = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Of a denial (docs/reasons.md)."
    )
    retryable = serializers.BooleanField(required=False)


class Schema(AutoSchema):
    """Security out of the view's `needs`: the scopes of each way in."""

    def get_auth(self) -> list[dict[str, Any]]:
        needs = getattr(self.view, "needs", {}).get(self.method, ())
        if not needs:
            return [] if getattr(self.view, "public", False) else super().get_auth()
        found = [{SECURITY_NAME: sorted(way.scopes)} for way in needs]
        if ClientAuthentication in self.view.authentication_classes:
            found.append({CLIENT_SECURITY: []})
        return [one for index, one in enumerate(found) if one not in found[:index]]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """OAuth 2 as a security scheme."""

    target_class = "api.authentication.BearerAuthentication"
    name = SECURITY_NAME

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "/oauth/authorize",
                    "tokenUrl": "/oauth/token",
                    "refreshUrl": "/oauth/token",
                    "scopes": dict(SCOPES),
                },
                "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": dict(SCOPES)},
            },
        }


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A client's own credentials."""

    target_class = "api.authentication.ClientAuthentication"
    name = CLIENT_SECURITY

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "basic"}


ALWAYS: tuple[type[CameoError], ...] = (problems.NotAcceptable, Unavailable)
OF_TOKENS: tuple[type[CameoError], ...] = (Unauthenticated, InvalidToken, InsufficientScope)
OF_BODIES: tuple[type[CameoError], ...] = (MalformedInput, BodyTooLarge, BodyNotJson)


def _known() -> dict[str, type[CameoError]]:
    """Every error class by its code; where several share one, the one nearest to the root."""
    found: dict[str, type[CameoError]] = {}
    level: list[type[CameoError]] = [CameoError]
    while level:
        for kind in level:
            found.setdefault(kind.code, kind)
        level = [below for kind in level for below in kind.__subclasses__()]
    return found


def _sample(kind: type[CameoError]) -> dict[str, Any]:
    error = kind.__new__(kind)
    CameoError.__init__(error)
    return problems.document(error) | {"request_id": REQUEST_ID}


def _problems(kinds: Sequence[type[CameoError]]) -> dict[tuple[int, str], OpenApiResponse]:
    by_status: dict[int, dict[str, dict[str, Any]]] = {}
    for kind in kinds:
        sample = _sample(kind)
        by_status.setdefault(sample["status"], {}).setdefault(sample["code"], sample)
    return {
        (status, problems.MEDIA_TYPE): OpenApiResponse(
            Problem,
            description=", ".join(f"`{code}`" for code in sorted(samples)),
            examples=[
                OpenApiExample(
                    code,
                    value=sample,
                    response_only=True,
                    status_codes=[str(status)],
                    media_type=problems.MEDIA_TYPE,
                )
                for code, sample in sorted(samples.items())
            ],
        )
        for status, samples in sorted(by_status.items())
    }


def operation(
    *,
    id: str,  # noqa: A002 - what OpenAPI calls it
    summary: str,
    tag: str,
    answers: dict[int, tuple[Any, str, Any]],
    request: Any = None,
    sends: Any = None,
    errors: Sequence[str] = (),
    parameters: Sequence[OpenApiParameter] = (),
    public: bool = False,
    raw: bool = False,
) -> Callable[[View], View]:
    """Describe one operation.

    Args:
        id: its stable name.
        summary: one line.
        tag: which resource.
        answers: for each status the serializer (or None), what it means, and an example.
        request: the body's serializer, or a map from media types.
        sends: an example of the body.
        errors: codes that it may refuse with, beyond those of every operation.
        parameters: in path, query or header.
        public: needs no token.
        raw: the body isn't JSON.
    """
    known = _known()
    kinds = [*(known[code] for code in errors), *ALWAYS, *(() if public else OF_TOKENS)]
    if request is not None and not raw:
        kinds += OF_BODIES
    responses: dict[Any, Any] = {}
    for status, (shape, meaning, example) in answers.items():
        samples = (
            [OpenApiExample(id, value=example, response_only=True, status_codes=[str(status)])]
            if example is not None
            else []
        )
        responses[status] = OpenApiResponse(shape, description=meaning, examples=samples)
    responses |= _problems(kinds)
    kind = next(iter(request)) if isinstance(request, dict) else "application/json"
    examples = (
        [OpenApiExample(id, value=sends, request_only=True, media_type=kind)]
        if sends is not None
        else []
    )
    return extend_schema(
        operation_id=id,
        summary=summary,
        tags=[tag],
        request=request,
        responses=responses,
        parameters=list(parameters),
        examples=examples,
    )


IDEMPOTENCY_CODES = (
    "idempotency_key_invalid",
    "idempotency_key_reused",
    "idempotency_in_flight",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": r"^[\x21-\x7e]{1,128}$"},
    OpenApiParameter.HEADER,
    description="Kept 24 h per caller: the same request again gives what the first one made.",
)
PAGING_CODES = ("cursor_unknown", "invalid_input")
PAGING = (
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "query"),
    OpenApiParameter("after", str, "query", description="Cursor, from `next`."),
    OpenApiParameter("before", str, "query", description="Cursor, from `previous`."),
)


def opaque_id(name: str, prefix: str) -> OpenApiParameter:
    """A path parameter that holds an id."""
    return OpenApiParameter(
        name,
        {"type": "string", "pattern": f"^{prefix}_[a-z2-7]{{26}}$"},
        OpenApiParameter.PATH,
        description="Opaque id.",
    )
