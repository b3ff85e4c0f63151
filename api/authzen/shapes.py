"""What the AuthZEN operations take and give, for the documentation."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.authzen.parsing import SEMANTICS
from api.v1.likeness import OutputsShape

_PROPERTIES = "Taken, and not looked at."


class SubjectShape(serializers.Serializer[Any]):
    """Who would generate."""

    type = serializers.CharField(help_text="account; any other is denied.")
    id = serializers.CharField(help_text="Account id.")
    properties = serializers.DictField(required=False, help_text=_PROPERTIES)


class SubjectTypeShape(serializers.Serializer[Any]):
    """Of which type subjects are searched; an id is ignored."""

    type = serializers.CharField()
    id = serializers.CharField(required=False)


class ActionShape(serializers.Serializer[Any]):
    """What they would do."""

    name = serializers.CharField(help_text="generate; any other is denied.")
    properties = serializers.DictField(required=False, help_text=_PROPERTIES)


class ResourceShape(serializers.Serializer[Any]):
    """What they would do it to."""

    type = serializers.CharField(help_text="cameo; any other is denied.")
    id = serializers.CharField(help_text="Cameo id.")
    properties = serializers.DictField(required=False, help_text=_PROPERTIES)


class ResourceTypeShape(serializers.Serializer[Any]):
    """Of which type resources are searched; an id is ignored."""

    type = serializers.CharField()
    id = serializers.CharField(required=False)


class TemplateContextShape(serializers.Serializer[Any]):
    """What is to be rendered; other members are ignored."""

    purpose = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)
    prompt_digest = serializers.CharField()
    inputs_digest = serializers.CharField(required=False, allow_null=True)
    outputs = OutputsShape()


class RequestContextShape(TemplateContextShape):
    """The same, and of whom, where it is of several."""

    likenesses = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        max_length=8,
        help_text="Cameo ids, the resource's among them.",
    )


class EvaluationShape(serializers.Serializer[Any]):
    """One question."""

    subject = SubjectShape()
    action = ActionShape()
    resource = ResourceShape()
    context = RequestContextShape(required=False)  # type: ignore[assignment]


class PartialEvaluationShape(serializers.Serializer[Any]):
    """A question; what it leaves out stands beside `evaluations`."""

    subject = SubjectShape(required=False)
    action = ActionShape(required=False)
    resource = ResourceShape(required=False)
    context = RequestContextShape(required=False)  # type: ignore[assignment]


class OptionsShape(serializers.Serializer[Any]):
    """How the questions are gone through."""

    evaluations_semantic = serializers.ChoiceField(choices=SEMANTICS, required=False)


class EvaluationsShape(PartialEvaluationShape):
    """Several questions with what they have in common; without any it is a question itself."""

    evaluations = PartialEvaluationShape(many=True, required=False)
    options = OptionsShape(required=False)


class ObligationShape(serializers.Serializer[Any]):
    """What the generator must do with what it renders."""

    id = serializers.CharField(help_text="attribution or visible_mark.")


class ItemErrorShape(serializers.Serializer[Any]):
    """Why one of several questions can't be read."""

    status = serializers.IntegerField()
    message = serializers.CharField()


class AnswerContextShape(serializers.Serializer[Any]):
    """More than yes or no."""

    effect = serializers.CharField(help_text="permit, pending or deny.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="docs/reasons.md.")
    obligations = ObligationShape(many=True)
    error = ItemErrorShape(required=False)


class AnswerShape(serializers.Serializer[Any]):
    """Yes or no."""

    decision = serializers.BooleanField(help_text="True for the effect permit alone.")
    context = AnswerContextShape()  # type: ignore[assignment]


class AnswersShape(serializers.Serializer[Any]):
    """An answer for each; one answer alone for a body without `evaluations`."""

    evaluations = AnswerShape(many=True)


class PageRequestShape(serializers.Serializer[Any]):
    """Which part of what is found."""

    token = serializers.CharField(required=False, help_text="The `next_token` before.")
    limit = serializers.IntegerField(required=False, min_value=0)


class PageAnswerShape(serializers.Serializer[Any]):
    """Where it goes on."""

    next_token = serializers.CharField(allow_blank=True, help_text="Empty at the end.")


class SubjectSearchShape(serializers.Serializer[Any]):
    """Who may generate from this?"""

    subject = SubjectTypeShape()
    action = ActionShape()
    resource = ResourceShape()
    context = TemplateContextShape(required=False)  # type: ignore[assignment]
    page = PageRequestShape(required=False)


class ResourceSearchShape(serializers.Serializer[Any]):
    """From what may they generate?"""

    subject = SubjectShape()
    action = ActionShape()
    resource = ResourceTypeShape()
    context = TemplateContextShape(required=False)  # type: ignore[assignment]
    page = PageRequestShape(required=False)


class FoundShape(serializers.Serializer[Any]):
    """One that was found."""

    type = serializers.CharField()
    id = serializers.CharField()


class FoundContextShape(serializers.Serializer[Any]):
    """Who else."""

    anyone = serializers.BooleanField(
        help_text="People whom the owner doesn't know would be let in as well; none is listed."
    )


class FoundSubjectsShape(serializers.Serializer[Any]):
    """Part of who would be permitted."""

    page = PageAnswerShape()
    context = FoundContextShape()  # type: ignore[assignment]
    results = FoundShape(many=True)


class FoundResourcesShape(serializers.Serializer[Any]):
    """Part of what would be permitted."""

    page = PageAnswerShape()
    results = FoundShape(many=True)
