"""The terms of grants and restrictions, as they are written and shown (docs/decision.md)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.v1.fields import Moment, Written


class PriceShape(serializers.Serializer[Any]):
    """What a use costs."""

    amount = serializers.IntegerField(min_value=1, help_text="In minor units.")
    currency = serializers.CharField(help_text="ISO 4217.")


class RestrictionTermsShape(Written):
    """A closed vocabulary; a term that isn't known denies, one left out restricts nothing."""

    purposes = serializers.ListField(child=serializers.CharField(), required=False)
    not_before = Moment(required=False)
    not_after = Moment(required=False)
    max_uses = serializers.IntegerField(required=False, min_value=1)
    max_uses_per_day = serializers.IntegerField(
        required=False, min_value=1, help_text="In a UTC day."
    )
    approval_each_time = serializers.BooleanField(required=False)
    generators = serializers.JSONField(
        required=False, help_text='A list of client ids allowed, or {"refuse": [...]}.'
    )
    max_duration_s = serializers.FloatField(required=False, min_value=0)
    max_outputs = serializers.IntegerField(required=False, min_value=1)
    forbid_labels = serializers.ListField(child=serializers.CharField(), required=False)
    co_appear = serializers.CharField(required=False, help_text="anyone, friends or nobody.")
    remix = serializers.BooleanField(required=False)
    attribution = serializers.BooleanField(required=False)
    visible_mark = serializers.BooleanField(required=False)
    price = PriceShape(required=False)
    note = serializers.CharField(required=False, max_length=500)


class TermsShape(RestrictionTermsShape):
    """The same of a grant, which names a purpose at least."""

    purposes = serializers.ListField(child=serializers.CharField())
