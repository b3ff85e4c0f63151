"""`/v1/decisions`, `/v1/likeness-tokens` and `/v1/leases`: asking for a likeness, and using it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import caller
from api.errors import RequesterMisplaced
from api.idempotency import REPLAYED, once
from api.permissions import of_generator, of_person
from api.schema import IDEMPOTENCY_CODES, IDEMPOTENCY_KEY, opaque_id, operation
from api.v1.endpoint import Endpoint
from api.v1.examples import APPROVAL, CLIENT, LATER, LEASE, RENDER, USE
from api.v1.fields import Body, Document, Id, Moment, Text, read_body, within
from common.clock import utcnow
from common.ids import is_id
from consent import interface as consent

ASK = (
    of_person("likeness:request", renders=True),
    of_generator("likeness:issue", "likeness:assert_requester"),
)
REDEEM = (of_generator("likeness:redeem"),)
MAX_TOKEN = 8192
_JTI = "lkt_2c3d4e5f6g7h2i3j4k5l6m7n2o"
_TOKEN = "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoia2V5X…"  # noqa: S105 - the beginning of an example
_LEASE = {
    "id": LEASE,
    "use": USE,
    "generator": CLIENT,
    "state": "live",
    "expires": LATER,
    "obligations": [],
}


class OutputsShape(serializers.Serializer[Any]):
    """How much is to be rendered."""

    count = serializers.IntegerField(min_value=1, max_value=100)
    seconds = serializers.FloatField(min_value=0, max_value=3600, help_text="0 is a still.")


class RenderShape(serializers.Serializer[Any]):
    """What is to be rendered of whom."""

    likenesses = serializers.ListField(
        child=serializers.CharField(), min_length=1, max_length=8, help_text="Cameo ids."
    )
    purpose = serializers.CharField(help_text="Such as personal or parody.")
    labels = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="What will be shown, by the generator's own classifier; undeclared denies.",
    )
    prompt_digest = serializers.CharField(help_text="SHA-256 of the prompt, hexadecimal.")
    inputs_digest = serializers.CharField(required=False, allow_null=True)
    outputs = OutputsShape()


class AskShape(serializers.Serializer[Any]):
    """A request, and who asks where the token doesn't say."""

    requester = serializers.CharField(
        required=False, help_text="Account id; only with `likeness:assert_requester`."
    )
    request = RenderShape()


class RedeemShape(serializers.Serializer[Any]):
    """A token, and the request it was issued for."""

    token = serializers.CharField(max_length=MAX_TOKEN)
    request = RenderShape()


class AskRequest(Body):
    """What is read of an `AskShape` here; the door reads the rest."""

    requester = Id("acc", required=False)
    request = Document()


class RedeemRequest(Body):
    """What is read of a `RedeemShape` here; the door reads the rest."""

    token = Text(max_length=MAX_TOKEN)
    request = Document()


class PermitShape(serializers.Serializer[Any]):
    """A dry run's answer."""

    effect = serializers.CharField(
        help_text="permit; or pending, where only owners' approvals are missing, who would be "
        "asked. A denial is a problem."
    )
    obligations = serializers.ListField(child=serializers.CharField())
    valid_until = Moment(allow_null=True)


class TokenShape(serializers.Serializer[Any]):
    """A likeness token, given out and kept nowhere."""

    token = serializers.CharField()
    token_type = serializers.CharField()
    jti = serializers.CharField()
    expires = Moment()
    obligations = serializers.ListField(child=serializers.CharField())


class PendingShape(serializers.Serializer[Any]):
    """Owners were asked; once all have approved, ask for the token anew (with another key)."""

    approvals = serializers.ListField(
        child=serializers.CharField(), help_text="Ids, one for each cameo whose owner is asked."
    )
    expires = Moment(help_text="When the first of them lapses.")


class LeaseShape(serializers.Serializer[Any]):
    """The time within which a generator may render."""

    id = serializers.CharField()
    use = serializers.CharField()
    generator = serializers.CharField()
    state = serializers.CharField(
        help_text="live; expired; or withdrawn, when consent ended or changed meanwhile."
    )
    expires = Moment()
    obligations = serializers.ListField(child=serializers.CharField())


def _asked(request: Request) -> tuple[str, str, consent.RenderRequest, dict[str, Any]]:
    """Generator, requester, what to render, and the body as it was sent."""
    body, who = read_body(request, AskRequest), caller(request)
    named = body.get("requester")
    if (named is None) == (who.account_id is None):
        raise RequesterMisplaced
    with within("/request"):
        render = consent.parse_request(body["request"])
    return who.client.client_id, who.account_id or named or "", render, body


class Decisions(Endpoint):
    """Dry runs."""

    needs = {"POST": ASK}

    @operation(
        id="decide",
        summary="Dry run: what would a token request be answered now?",
        tag="decisions",
        request=AskShape,
        sends={"request": RENDER},
        answers={
            200: (
                PermitShape,
                "It would be permitted, or have to be approved first.",
                {"effect": "permit", "obligations": [], "valid_until": None},
            )
        },
        errors=["invalid_input", "request_invalid", "requester_misplaced", "not_permitted"],
    )
    def post(self, request: Request) -> Response:
        generator, requester, render, _ = _asked(request)
        decision = consent.decide_for(
            generator=generator, requester=requester, request=render, now=utcnow()
        )
        if decision.effect is consent.Effect.DENY:
            raise consent.Denied(decision.for_requester())
        body = {
            "effect": decision.effect.value,
            "obligations": decision.obligations,
            "valid_until": decision.valid_until,
        }
        return Response(PermitShape(body).data)


class LikenessTokens(Endpoint):
    """Where tokens are asked for."""

    needs = {"POST": ASK}

    @operation(
        id="issue_likeness_token",
        summary="Ask for a likeness token: good for 120 s, for one redemption of this request",
        tag="likeness-tokens",
        request=AskShape,
        sends={"request": RENDER},
        answers={
            200: (
                TokenShape,
                "The token.",
                {
                    "token": _TOKEN,
                    "token_type": "likeness+jwt",
                    "jti": _JTI,
                    "expires": LATER,
                    "obligations": [],
                },
            ),
            202: (
                PendingShape,
                "Only approvals are missing: the owners are asked, and there is no token yet.",
                {"approvals": [APPROVAL], "expires": LATER},
            ),
        },
        errors=[
            "invalid_input",
            "request_invalid",
            "requester_misplaced",
            "not_permitted",
            "approvals_full",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        generator, requester, render, body = _asked(request)
        now = utcnow()
        whose: dict[str, Any] = {
            "generator": generator,
            "requester": requester,
            "request": render,
            "now": now,
        }

        def again(made: str) -> consent.Issued | consent.Pending:
            if is_id("apr", made):
                return consent.ask_again(approval=made, **whose)
            return consent.issue_again(jti=made, **whose)

        answer, replayed = once(
            request,
            operation="issue_likeness_token",
            body=body,
            now=now,
            do=lambda: consent.issue(by=generator, **whose),
            name=lambda made: made.jti if isinstance(made, consent.Issued) else made.latest,
            again=again,
        )
        headers = {REPLAYED: "true"} if replayed else {}
        if isinstance(answer, consent.Pending):
            return Response(PendingShape(answer).data, status=202, headers=headers)
        issued = {
            "token": answer.token,
            "token_type": "likeness+jwt",
            "jti": answer.jti,
            "expires": answer.expires,
            "obligations": answer.obligations,
        }
        return Response(TokenShape(issued).data, headers=headers)


class LikenessTokenRedeem(Endpoint):
    """Where tokens are redeemed."""

    needs = {"POST": REDEEM}

    @operation(
        id="redeem_likeness_token",
        summary="Redeem a token, once, for a render lease; consent is decided on again",
        tag="likeness-tokens",
        request=RedeemShape,
        sends={"token": _TOKEN, "request": RENDER},
        answers={200: (LeaseShape, "The lease; rendering stops when it ends.", _LEASE)},
        errors=[
            "invalid_input",
            "request_invalid",
            "not_permitted",
            "consent_changed",
            "token_refused",
            "token_malformed",
            "token_header_refused",
            "token_key_unknown",
            "token_signature_invalid",
            "token_claims_invalid",
            "token_wrong_issuer",
            "token_wrong_audience",
            "token_expired",
            "token_not_yet_valid",
            "token_request_mismatch",
            "token_already_redeemed",
            *IDEMPOTENCY_CODES,
        ],
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        body, generator, now = read_body(request, RedeemRequest), caller(request).client, utcnow()
        with within("/request"):
            render = consent.parse_request(body["request"])
        lease, replayed = once(
            request,
            operation="redeem_likeness_token",
            body=body,
            now=now,
            do=lambda: consent.redeem(
                generator=generator.client_id,
                token_text=body["token"],
                request=render,
                now=now,
                by=generator.client_id,
            ),
            name=lambda made: made.id,
            again=lambda made: consent.redeem_again(
                lease=made, generator=generator.client_id, now=now
            ),
        )
        headers = {REPLAYED: "true"} if replayed else {}
        return Response(LeaseShape(lease).data, headers=headers)


class Lease(Endpoint):
    """One render lease."""

    needs = {"GET": REDEEM}

    @operation(
        id="read_lease",
        summary="One of the generator's own render leases",
        tag="leases",
        answers={200: (LeaseShape, "The lease.", _LEASE)},
        errors=["not_found"],
        parameters=[opaque_id("lease_id", "lse")],
    )
    def get(self, request: Request, lease_id: str) -> Response:
        generator = caller(request).client.client_id
        lease = consent.read_lease(lease=lease_id, generator=generator, now=utcnow())
        return Response(LeaseShape(lease).data)
