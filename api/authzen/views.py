"""`/access/v1/…`: evaluations and searches, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.interface import Caller
from api import problems
from api.authentication import caller
from api.authzen import parsing, shapes
from api.cursors import open_place, seal_place
from api.schema import operation
from api.v1.endpoint import Endpoint
from api.v1.examples import ACCOUNT, CAMEO, FRIEND, OTHER_CAMEO, RENDER
from api.v1.likeness import ASK
from audit.interface import CursorUnknown
from common.clock import utcnow
from common.errors import FieldError, MalformedInput, NotFound
from consent import interface as consent

_SUBJECT = {"type": parsing.ACCOUNT, "id": FRIEND}
_ACTION = {"name": parsing.GENERATE}
_RESOURCE = {"type": parsing.CAMEO, "id": CAMEO}
_CONTEXT = {name: value for name, value in RENDER.items() if name != "likenesses"}
_PERMIT = {
    "decision": True,
    "context": {"effect": "permit", "reasons": [], "obligations": [{"id": "visible_mark"}]},
}
DENIED: dict[str, Any] = {
    "decision": False,
    "context": {"effect": "deny", "reasons": ["not_permitted"], "obligations": []},
}


def _request(asked: parsing.Asked, who: Caller, now: Any) -> consent.DecisionRequest | None:
    """What is to be decided; None where it is denied whatever else it says."""
    if not asked.known or who.account_id not in (None, asked.subject.id):
        return None
    render = parsing.render_of(asked)
    return consent.DecisionRequest(asked.subject.id, who.client.client_id, now, render)


def _answer(decision: consent.Decision) -> dict[str, Any]:
    return {
        "decision": decision.permitted,
        "context": {
            "effect": decision.effect.value,
            "reasons": [reason.value for reason in decision.for_requester()],
            "obligations": [{"id": name} for name in decision.obligations],
        },
    }


def _evaluate(asked: parsing.Asked, who: Caller) -> dict[str, Any]:
    found = _request(asked, who, utcnow())
    return DENIED if found is None else _answer(consent.evaluate_many([found])[0])


def _evaluate_all(listed: Sequence[parsing.Asked], who: Caller) -> list[dict[str, Any]]:
    """An answer for each, all of one moment; what can't be read is one that denies."""
    answers: list[dict[str, Any]] = [DENIED] * len(listed)
    requests: dict[int, consent.DecisionRequest] = {}
    now = utcnow()
    for index, asked in enumerate(listed):
        try:
            found = _request(asked, who, now)
        except MalformedInput as error:
            wrong = {"status": problems.status_of(error), "message": error.message}
            context = {"effect": "deny", "reasons": [], "obligations": [], "error": wrong}
            answers[index] = {"decision": False, "context": context}
            continue
        if found is not None:
            requests[index] = found
    decisions = consent.evaluate_many(list(requests.values()))
    for index, decision in zip(requests, decisions, strict=True):
        answers[index] = _answer(decision)
    return answers


def _until(answers: list[dict[str, Any]], semantic: str) -> list[dict[str, Any]]:
    """The answers up to the one that settles it."""
    if semantic == parsing.EXECUTE_ALL:
        return answers
    settling = semantic == parsing.PERMIT_ON_FIRST_PERMIT
    for index, answer in enumerate(answers):
        if answer["decision"] is settling:
            return answers[: index + 1]
    return answers


class Evaluation(Endpoint):
    """One question."""

    needs = {"POST": ASK}

    @operation(
        id="authzen_evaluation",
        summary="AuthZEN: may this account generate from this cameo?",
        tag="authzen",
        request=shapes.EvaluationShape,
        sends={
            "subject": _SUBJECT,
            "action": _ACTION,
            "resource": _RESOURCE,
            "context": _CONTEXT,
        },
        answers={200: (shapes.AnswerShape, "The decision; a denial is one too.", _PERMIT)},
    )
    def post(self, request: Request) -> Response:
        return Response(_evaluate(parsing.read_asked(request.data), caller(request)))


class Evaluations(Endpoint):
    """Several questions."""

    needs = {"POST": ASK}

    @operation(
        id="authzen_evaluations",
        summary="AuthZEN: up to 50 questions at once, all of one moment",
        tag="authzen",
        request=shapes.EvaluationsShape,
        sends={
            "subject": _SUBJECT,
            "action": _ACTION,
            "context": _CONTEXT,
            "evaluations": [
                {"resource": _RESOURCE},
                {"resource": {"type": parsing.CAMEO, "id": OTHER_CAMEO}},
            ],
            "options": {"evaluations_semantic": parsing.EXECUTE_ALL},
        },
        answers={
            200: (
                shapes.AnswersShape,
                "A decision for each, in their order.",
                {"evaluations": [_PERMIT, DENIED]},
            )
        },
    )
    def post(self, request: Request) -> Response:
        listed, semantic = parsing.read_evaluations(request.data)
        if listed is None:
            return Response(_evaluate(parsing.read_asked(request.data), caller(request)))
        answers = _evaluate_all(listed, caller(request))
        return Response({"evaluations": _until(answers, semantic)})


class _Place:
    """Where in a search a request stands, and the token of what follows."""

    def __init__(self, request: Request, asked: parsing.Asked, template: consent.Template) -> None:
        self._who = caller(request)
        self._about = {
            "path": request.path,
            "subject": asked.subject.id,
            "resource": asked.resource.id,
            "request": template.render.document(),
        }
        page = parsing.read_page(request.data)
        self.after, limit = "", page.limit
        if page.token is not None:
            try:
                place = open_place(page.token, who=self._who, about=self._about)
            except CursorUnknown as error:
                raise _not_the_token() from error
            written, _, self.after = place.partition("|")
            if limit not in (None, int(written)):
                raise _not_the_token()
            limit = int(written)
        self.limit = parsing.DEFAULT_LIMIT if limit is None else limit

    def page(self, after: str | None) -> dict[str, str]:
        """The member `page` of the answer that ends at `after`."""
        if after is None:
            return {"next_token": ""}
        place = f"{self.limit}|{after}"
        return {"next_token": seal_place(place, who=self._who, about=self._about)}


def _not_the_token() -> MalformedInput:
    field = FieldError("/page/token", "not_a_token", "It isn't of this search.")
    return MalformedInput("The request can't be read.", fields=(field,))


class SearchSubject(Endpoint):
    """Who may generate from this?"""

    needs = {"POST": ASK}

    @operation(
        id="authzen_search_subject",
        summary="AuthZEN: the owner, grantees and friends who may generate from a cameo",
        tag="authzen",
        request=shapes.SubjectSearchShape,
        sends={
            "subject": {"type": parsing.ACCOUNT},
            "action": _ACTION,
            "resource": _RESOURCE,
            "context": _CONTEXT,
        },
        answers={
            200: (
                shapes.FoundSubjectsShape,
                "Who would be permitted; a person is told of their own cameo only.",
                {
                    "page": {"next_token": ""},
                    "context": {"anyone": False},
                    "results": [{"type": parsing.ACCOUNT, "id": ACCOUNT}, _SUBJECT],
                },
            )
        },
    )
    def post(self, request: Request) -> Response:
        asked = parsing.read_asked(request.data, searched="subject")
        parsing.read_page(request.data)
        found, page = consent.Found((), None), {"next_token": ""}
        if asked.known:
            template = parsing.template_of(asked)
            place = _Place(request, asked, template)
            found = self._search(caller(request), asked, template, place)
            page = place.page(found.next)
        results = [{"type": parsing.ACCOUNT, "id": match.account} for match in _permitted(found)]
        context = {"anyone": found.anyone}
        return Response({"page": page, "context": context, "results": results})

    def _search(
        self, who: Caller, asked: parsing.Asked, template: consent.Template, place: _Place
    ) -> consent.Found:
        if place.limit == 0:
            return consent.Found((), place.after)
        try:
            return consent.who_may_use(
                cameo=asked.resource.id,
                by=who.account_id,
                generator=who.client.client_id,
                template=template,
                now=utcnow(),
                after=place.after or None,
                limit=place.limit,
                own=True,
            )
        except NotFound:
            return consent.Found((), None)


class SearchResource(Endpoint):
    """From what may they generate?"""

    needs = {"POST": ASK}

    @operation(
        id="authzen_search_resource",
        summary="AuthZEN: the cameos that an account may generate from, among people it knows",
        tag="authzen",
        request=shapes.ResourceSearchShape,
        sends={
            "subject": _SUBJECT,
            "action": _ACTION,
            "resource": {"type": parsing.CAMEO},
            "context": _CONTEXT,
        },
        answers={
            200: (
                shapes.FoundResourcesShape,
                "What would be permitted; a person is told of what they may use only.",
                {"page": {"next_token": ""}, "results": [_RESOURCE]},
            )
        },
    )
    def post(self, request: Request) -> Response:
        asked, who = parsing.read_asked(request.data, searched="resource"), caller(request)
        parsing.read_page(request.data)
        found, page = consent.Found((), None), {"next_token": ""}
        if asked.known and who.account_id in (None, asked.subject.id):
            template = parsing.template_of(asked)
            place = _Place(request, asked, template)
            found = self._search(who, asked, template, place)
            page = place.page(found.next)
        results = [{"type": parsing.CAMEO, "id": match.cameo} for match in _permitted(found)]
        return Response({"page": page, "results": results})

    def _search(
        self, who: Caller, asked: parsing.Asked, template: consent.Template, place: _Place
    ) -> consent.Found:
        if place.limit == 0:
            return consent.Found((), place.after)
        return consent.whom_may_i_use(
            generator=who.client.client_id,
            requester=asked.subject.id,
            template=template,
            now=utcnow(),
            after=place.after or None,
            limit=place.limit,
        )


def _permitted(found: consent.Found) -> list[consent.Match]:
    """What an evaluation would say true of: not what waits for an approval."""
    return [match for match in found.items if match.decision.permitted]


def metadata(request: HttpRequest) -> HttpResponse:
    """`GET /.well-known/authzen-configuration`: where this policy decision point answers."""
    if request.method not in {"GET", "HEAD"}:
        response = problems.response_to(problems.MethodNotAllowed())
        response["Allow"] = "GET, HEAD"
        return response
    return JsonResponse(
        {
            "policy_decision_point": settings.CAMEO_PUBLIC_URL,
            "access_evaluation_endpoint": _address("authzen-evaluation"),
            "access_evaluations_endpoint": _address("authzen-evaluations"),
            "search_subject_endpoint": _address("authzen-search-subject"),
            "search_resource_endpoint": _address("authzen-search-resource"),
        },
        headers={"Cache-Control": "max-age=3600"},
    )


def _address(name: str) -> str:
    return f"{settings.CAMEO_PUBLIC_URL}{reverse(name)}"
