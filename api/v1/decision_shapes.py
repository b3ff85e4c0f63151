"""What the operations under `/v1/decisions/…` take and give, for the documentation."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.v1.fields import Moment, Written
from api.v1.likeness import OutputsShape, RenderShape


class TemplateShape(serializers.Serializer[Any]):
    """What is to be rendered; of whom isn't said."""

    purpose = serializers.CharField()
    labels = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="Undeclared denies.",
    )
    prompt_digest = serializers.CharField()
    inputs_digest = serializers.CharField(required=False, allow_null=True)
    outputs = OutputsShape()


class BulkShape(serializers.Serializer[Any]):
    """Requests, and who asks where the token doesn't say."""

    requester = serializers.CharField(
        required=False, help_text="Account id; only with `likeness:assert_requester`."
    )
    requests = RenderShape(many=True)


class SearchShape(serializers.Serializer[Any]):
    """A request without likenesses, and who asks where the token doesn't say."""

    requester = serializers.CharField(
        required=False, help_text="Account id; only with `likeness:assert_requester`."
    )
    request = TemplateShape()


class WhoShape(serializers.Serializer[Any]):
    """One's own cameo, through which generator, and a request without likenesses."""

    cameo = serializers.CharField()
    generator = serializers.CharField(help_text="Client id.")
    request = TemplateShape()


class DecisionShape(serializers.Serializer[Any]):
    """What a token request would be answered now."""

    effect = serializers.CharField(help_text="permit, pending or deny.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="docs/reasons.md.")
    obligations = serializers.ListField(child=serializers.CharField())
    valid_until = Moment(allow_null=True)


class DecisionsShape(serializers.Serializer[Any]):
    """One for each request, in their order."""

    decisions = DecisionShape(many=True)


class UsableShape(DecisionShape):
    """Somebody whose likeness may be used."""

    cameo = serializers.CharField()
    owner = serializers.CharField()


class UserShape(DecisionShape):
    """Somebody who may use a likeness."""

    account = serializers.CharField()


class UsablesShape(serializers.Serializer[Any]):
    """A page of them; it may be short, or empty, while there is a next."""

    items = UsableShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="Address to send the same body to.")


class UsersShape(serializers.Serializer[Any]):
    """A page of them; it may be short, or empty, while there is a next."""

    items = UserShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="Address to send the same body to.")
    anyone = serializers.BooleanField(
        help_text="People whom the owner doesn't know would be let in as well; none is listed."
    )


class ChangeShape(Written):
    """One of: audience · restrictions · grant and terms · grantee and terms · withdraw · block."""

    audience = serializers.CharField(required=False)
    restrictions = serializers.DictField(required=False)
    grant = serializers.CharField(required=False, help_text="A live grant, for other terms.")
    grantee = serializers.CharField(required=False, help_text="Whom to grant `terms`.")
    terms = serializers.DictField(required=False)
    withdraw = serializers.CharField(required=False, help_text="A grant.")
    block = serializers.CharField(required=False, help_text="An account.")


class DiffShape(serializers.Serializer[Any]):
    """What would be saved, and through which generator it is looked at."""

    cameo = serializers.CharField()
    change = ChangeShape()
    generator = serializers.CharField(
        required=False, help_text="Client id; else each that used the cameo lately."
    )


class DifferenceShape(serializers.Serializer[Any]):
    """A request that would be answered otherwise."""

    account = serializers.CharField(allow_null=True, help_text="null: anybody you don't know.")
    generator = serializers.CharField(allow_null=True, help_text="null: one no terms name.")
    purpose = serializers.CharField()
    before = serializers.CharField(help_text="permit, pending or deny.")
    after = serializers.CharField(help_text="permit, pending or deny.")


class DifferencesShape(serializers.Serializer[Any]):
    """Who gains and who loses; what stays as it is isn't listed."""

    items = DifferenceShape(many=True)
    truncated = serializers.BooleanField(help_text="Only the first 200 people were looked at.")
