"""The AuthZEN endpoints, against what the Authorization API 1.0 asks for.

Source: OpenID Foundation, Authorization API 1.0 (January 2026). Taken from it are the shapes of
its examples: a single evaluation with properties and a context; three evaluations with all of
their members, with a default subject and context, and with an action that the last of them
overrides; the three semantics over permit, deny, permit and what each of them returns; subject
and resource searches with a limit, a `next_token` that is sent back as `page.token` alone, and an
empty one at the end; the metadata's members; a UUID as `X-Request-ID`, given back. Ids, names and
values are this project's own, and the text of the specification isn't repeated here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings

from accounts.models import User
from common.clock import utcnow
from common.ids import new_id
from consent.models import Audience, Block, Friendship, Grant
from identity.models import Cameo
from tests.api.conftest import Api, Cast, cameo_of, grant, render

EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
SUBJECTS, RESOURCES = "/access/v1/search/subject", "/access/v1/search/resource"
ALL = (EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES)
ASSERTING = "likeness:issue likeness:assert_requester"
PERMIT: dict[str, Any] = {
    "decision": True,
    "context": {"effect": "permit", "reasons": [], "obligations": []},
}
DENY: dict[str, Any] = {
    "decision": False,
    "context": {"effect": "deny", "reasons": ["not_permitted"], "obligations": []},
}
ACTION = {"name": "generate"}


def context(**changes: Any) -> dict[str, Any]:
    """What is to be rendered, as the context says it."""
    found = render(**changes)
    del found["likenesses"]
    return found


def account(user: User) -> dict[str, Any]:
    return {"type": "account", "id": user.id}


def resource(cameo: str) -> dict[str, Any]:
    return {"type": "cameo", "id": cameo}


def question(cast: Cast, cameo: str, **changes: Any) -> dict[str, Any]:
    """May Bob generate from the cameo?"""
    return {
        "subject": account(cast.bob),
        "action": ACTION,
        "resource": resource(cameo),
        "context": context(),
    } | changes


@pytest.fixture
def platform(cast: Cast) -> Api:
    return cast.machine(cast.platform, ASSERTING)


@pytest.fixture
def granted(cast: Cast, alice_cameo: Cameo) -> Cameo:
    grant(cast, alice_cameo)
    return alice_cameo


def hidden(cast: Cast, cameo: Cameo) -> list[str]:
    """Cameos that Bob may know nothing of: unknown, of another form, erased, blocked, ungranted."""
    erased = cameo_of(User.objects.create_user("erased@example.org"), "erased")
    blocking = cameo_of(User.objects.create_user("blocking@example.org"))
    Audience.objects.create(cameo=blocking, kind="anyone", since=utcnow())
    Block.objects.create(blocker=blocking.owner, blocked=cast.bob, since=utcnow())
    return [new_id("cam"), "123", erased.id, blocking.id, cameo.id]


# --- one evaluation -----------------------------------------------------------------------------


def test_an_evaluation_is_answered_with_a_decision(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    asked = question(cast, granted.id)
    answer = platform("POST", EVALUATION, asked)
    assert (answer.status, answer.json) == (200, PERMIT)
    assert answer.response["Content-Type"] == "application/json"
    other = platform("POST", EVALUATION, question(cast, granted.id, subject=account(cast.mallory)))
    assert (other.status, other.json) == (200, DENY)


def test_properties_and_what_nobody_knows_are_ignored(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    asked = {
        "subject": account(cast.bob) | {"properties": {"device_id": "8:65:ee:17:7e:0b"}},
        "action": ACTION | {"properties": {"method": "POST"}},
        "resource": resource(granted.id) | {"properties": {"shelf": {"row": 1}}},
        "context": context() | {"time": "1985-10-26T01:22-07:00"},
        "surprise": 1,
    }
    assert platform("POST", EVALUATION, asked).json == PERMIT


def test_obligations_and_pending_are_told(cast: Cast, platform: Api, granted: Cameo) -> None:
    Grant.objects.update(terms={"purposes": ["personal"], "visible_mark": True})
    answer = platform("POST", EVALUATION, question(cast, granted.id)).json
    assert answer["context"]["obligations"] == [{"id": "visible_mark"}]
    Grant.objects.update(terms={"purposes": ["personal"], "approval_each_time": True})
    assert platform("POST", EVALUATION, question(cast, granted.id)).json == {
        "decision": False,
        "context": {"effect": "pending", "reasons": ["approval_needed"], "obligations": []},
    }


def test_the_requests_own_faults_are_named(cast: Cast, platform: Api, granted: Cameo) -> None:
    asked = question(cast, granted.id, context=context(labels=None))
    answer = platform("POST", EVALUATION, asked)
    assert (answer.status, answer.json["context"]["reasons"]) == (200, ["labels_undeclared"])


def test_several_likenesses_are_named_in_the_context(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    own = cameo_of(cast.bob).id
    together = context() | {"likenesses": [granted.id, own]}
    assert platform("POST", EVALUATION, question(cast, own, context=together)).json == PERMIT
    with_another = context() | {"likenesses": [granted.id, new_id("cam")]}
    asked = question(cast, granted.id, context=with_another)
    assert platform("POST", EVALUATION, asked).json == DENY


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": {"type": "user", "id": "x"}},
        {"subject": {"type": "", "id": ""}},
        {"action": {"name": "can_read"}},
        {"resource": {"type": "document", "id": "1"}},
        {"subject": {"type": "account", "id": "nobody"}},
        {"subject": {"type": "account", "id": "é" * 5000}},
        {"resource": {"type": "cameo", "id": "x" * 5000}},
    ],
)
def test_types_actions_and_ids_that_nobody_knows_are_denied(
    cast: Cast, platform: Api, granted: Cameo, changes: dict[str, Any]
) -> None:
    answer = platform("POST", EVALUATION, question(cast, granted.id, **changes))
    assert (answer.status, answer.json) == (200, DENY)
    if changes.get("subject", {}).get("type") == "user":
        plain = {"context": {"time": "1985-10-26T01:22-07:00"}}
        asked = question(cast, granted.id, **changes, **plain)
        assert platform("POST", EVALUATION, asked).json == DENY


def test_what_may_not_be_known_of_is_the_same_bytes(
    cast: Cast, platform: Api, alice_cameo: Cameo
) -> None:
    cameos = hidden(cast, alice_cameo)
    for who in (platform, cast.through(cast.gen, cast.bob)):
        alone = {who("POST", EVALUATION, question(cast, name)).response.content for name in cameos}
        assert len(alone) == 1
        together = {"evaluations": [question(cast, name) for name in cameos]}
        found = who("POST", EVALUATIONS, together).json["evaluations"]
        assert found == [DENY] * len(cameos)
        assert who("POST", RESOURCES, question(cast, cameos[0])).json["results"] == []
    bob, subject = cast.through(cast.gen, cast.bob), {"type": "account"}
    searches = {
        bob("POST", SUBJECTS, question(cast, name, subject=subject)).response.content
        for name in cameos
    }
    assert len(searches) == 1


def test_a_person_asks_for_themselves_alone(cast: Cast, granted: Cameo) -> None:
    bob = cast.through(cast.gen, cast.bob)
    assert bob("POST", EVALUATION, question(cast, granted.id)).json == PERMIT
    alice = cast.through(cast.gen, cast.alice)
    assert alice("POST", EVALUATION, question(cast, granted.id)).json == DENY
    assert alice("POST", RESOURCES, question(cast, granted.id)).json["results"] == []


def test_others_arent_let_in(cast: Cast, granted: Cameo) -> None:
    asked = question(cast, granted.id)
    for path in ALL:
        assert Api()("POST", path, asked).status == 401
        for who in (cast.machine(cast.gen), cast.api(cast.bob), cast.machine(cast.gen, "")):
            assert who("POST", path, asked).code == "insufficient_scope"
        assert cast.machine(cast.platform, ASSERTING)("GET", path).status == 405


# --- several ------------------------------------------------------------------------------------


def test_three_evaluations_with_all_of_their_members(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    listed = [
        question(cast, granted.id),
        question(cast, new_id("cam")),
        question(cast, granted.id, subject=account(cast.alice)),
    ]
    answer = platform("POST", EVALUATIONS, {"evaluations": listed})
    assert (answer.status, answer.json) == (200, {"evaluations": [PERMIT, DENY, PERMIT]})


def test_defaults_stand_beside_the_evaluations_and_are_overridden_there(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    body = {
        "subject": account(cast.bob),
        "context": context(),
        "action": ACTION,
        "evaluations": [
            {"resource": resource(granted.id)},
            {"resource": resource(granted.id), "context": context(purpose="news")},
            {"resource": resource(granted.id), "action": {"name": "can_edit"}},
        ],
    }
    assert platform("POST", EVALUATIONS, body).json == {"evaluations": [PERMIT, DENY, DENY]}


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        (None, [True, False, True]),
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_the_semantics_end_where_it_is_settled(
    cast: Cast, platform: Api, granted: Cameo, semantic: str | None, decisions: list[bool]
) -> None:
    body: dict[str, Any] = {
        "subject": account(cast.bob),
        "action": ACTION,
        "context": context(),
        "evaluations": [
            {"resource": resource(cameo)} for cameo in (granted.id, new_id("cam"), granted.id)
        ],
    }
    if semantic is not None:
        body["options"] = {"evaluations_semantic": semantic, "another_option": "value"}
    found = platform("POST", EVALUATIONS, body).json["evaluations"]
    assert [answer["decision"] for answer in found] == decisions


def test_a_semantic_that_nothing_settles_answers_all(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    for semantic, asked in (
        ("deny_on_first_deny", granted.id),
        ("permit_on_first_permit", new_id("cam")),
    ):
        body = {
            "evaluations": [question(cast, asked)] * 3,
            "options": {"evaluations_semantic": semantic},
        }
        assert len(platform("POST", EVALUATIONS, body).json["evaluations"]) == 3


@pytest.mark.parametrize("more", [{}, {"evaluations": []}])
def test_without_evaluations_it_is_an_evaluation(
    cast: Cast, platform: Api, granted: Cameo, more: dict[str, Any]
) -> None:
    assert platform("POST", EVALUATIONS, question(cast, granted.id) | more).json == PERMIT


def test_one_that_cant_be_read_is_denied_among_the_others(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    wrong = question(cast, granted.id, context={"time": "2024-05-31T15:22-07:00"})
    body = {"evaluations": [wrong, question(cast, granted.id)]}
    answer = platform("POST", EVALUATIONS, body)
    assert answer.status == 200
    first, second = answer.json["evaluations"]
    assert first["decision"] is False
    assert first["context"]["error"]["status"] == 400
    assert second == PERMIT


def test_fifty_are_taken_and_no_more(cast: Cast, platform: Api, granted: Cameo) -> None:
    body = question(cast, granted.id)
    fifty = platform("POST", EVALUATIONS, body | {"evaluations": [{}] * 50})
    assert fifty.json == {"evaluations": [PERMIT] * 50}
    more = platform("POST", EVALUATIONS, body | {"evaluations": [{}] * 51})
    assert (more.status, more.code) == (400, "malformed_input")


# --- searches -----------------------------------------------------------------------------------


def friends_of(user: User, count: int) -> list[User]:
    found = []
    for number in range(count):
        friend = User.objects.create_user(f"friend{number}@example.org")
        low, high = sorted((user.id, friend.id))
        Friendship.objects.create(
            low_id=low, high_id=high, asked_by=low, state="accepted", asked=utcnow()
        )
        found.append(friend)
    return found


def test_subjects_are_found(cast: Cast, platform: Api, granted: Cameo) -> None:
    asked = question(cast, granted.id, subject={"type": "account", "id": "ignored"})
    answer = platform("POST", SUBJECTS, asked)
    assert answer.status == 200
    people = sorted([cast.alice.id, cast.bob.id])
    assert answer.json == {
        "page": {"next_token": ""},
        "context": {"anyone": False},
        "results": [{"type": "account", "id": name} for name in people],
    }
    for found in answer.json["results"]:
        assert (
            platform("POST", EVALUATION, question(cast, granted.id, subject=found)).json == PERMIT
        )


def test_resources_are_found(cast: Cast, platform: Api, granted: Cameo) -> None:
    asked = question(cast, granted.id, resource={"type": "cameo"})
    expected = {"page": {"next_token": ""}, "results": [resource(granted.id)]}
    assert platform("POST", RESOURCES, asked).json == expected
    assert cast.through(cast.gen, cast.bob)("POST", RESOURCES, asked).json == expected


def test_what_waits_for_an_approval_isnt_found(cast: Cast, platform: Api, granted: Cameo) -> None:
    Grant.objects.update(terms={"purposes": ["personal"], "approval_each_time": True})
    assert platform("POST", RESOURCES, question(cast, granted.id)).json["results"] == []
    found = platform("POST", SUBJECTS, question(cast, granted.id)).json["results"]
    assert found == [account(cast.alice)]


def test_an_owner_finds_who_may_use_them_and_nobody_else_does(cast: Cast, granted: Cameo) -> None:
    asked = question(cast, granted.id, subject={"type": "account"})
    alice = cast.through(cast.gen, cast.alice)("POST", SUBJECTS, asked)
    assert len(alice.json["results"]) == 2
    bob = cast.through(cast.gen, cast.bob)
    unknown = question(cast, new_id("cam"), subject={"type": "account"})
    theirs = bob("POST", SUBJECTS, asked).response.content
    assert theirs == bob("POST", SUBJECTS, unknown).response.content
    assert json.loads(theirs)["results"] == []


def test_searches_for_what_nobody_knows_find_nothing(
    cast: Cast, platform: Api, granted: Cameo
) -> None:
    for changes in (
        {"subject": {"type": "user", "id": "x"}},
        {"action": {"name": "can_read"}},
        {"resource": {"type": "document", "id": "1"}},
    ):
        for path in (SUBJECTS, RESOURCES):
            answer = platform("POST", path, question(cast, granted.id, **changes))
            assert (answer.status, answer.json["results"]) == (200, [])
            assert answer.json["page"] == {"next_token": ""}


def test_pages_are_walked_by_token_alone(cast: Cast, platform: Api, granted: Cameo) -> None:
    Audience.objects.update(kind="mutuals")
    people = {cast.alice.id, cast.bob.id, *(friend.id for friend in friends_of(cast.alice, 3))}
    asked = question(cast, granted.id, subject={"type": "account"}, page={"limit": 2})
    found: list[str] = []
    sizes = []
    while True:
        answer = platform("POST", SUBJECTS, asked)
        assert answer.status == 200, answer.json
        found += [one["id"] for one in answer.json["results"]]
        sizes.append(len(answer.json["results"]))
        token = answer.json["page"]["next_token"]
        if not token:
            break
        assert "acc_" not in token
        asked["page"] = {"token": token}
    assert found == sorted(people)
    assert sizes == [2, 2, 1]


def test_a_token_is_of_one_search(cast: Cast, platform: Api, granted: Cameo) -> None:
    asked = question(cast, granted.id, subject={"type": "account"})
    token = platform("POST", SUBJECTS, asked | {"page": {"limit": 1}}).json["page"]["next_token"]
    for changes in (
        {"page": {"token": token, "limit": 2}},
        {"page": {"token": token}, "context": context(purpose="news")},
        {"page": {"token": token}, "resource": resource(new_id("cam"))},
        {"page": {"token": token[:-2]}},
    ):
        answer = platform("POST", SUBJECTS, asked | changes)
        assert (answer.status, answer.code) == (400, "malformed_input")
    again = platform("POST", SUBJECTS, asked | {"page": {"token": token, "limit": 1}})
    assert again.status == 200


def test_limits_from_nought_on_are_taken(cast: Cast, platform: Api, granted: Cameo) -> None:
    for path in (SUBJECTS, RESOURCES):
        asked = question(cast, granted.id)
        none = platform("POST", path, asked | {"page": {"limit": 0}}).json
        assert none["results"] == []
        assert none["page"]["next_token"]
        many = platform("POST", path, asked | {"page": {"limit": 10**30}}).json
        assert many["results"]
        assert many["page"] == {"next_token": ""}


# --- around it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ALL)
def test_the_requests_id_is_given_back(cast: Cast, platform: Api, path: str) -> None:
    given = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
    for body in (question(cast, new_id("cam")), {}):
        answer = platform("POST", path, body, x_request_id=given)
        assert answer.response["X-Request-ID"] == given


def test_the_metadata_say_where_it_is(db: None) -> None:
    answer = Api()("GET", "/.well-known/authzen-configuration")
    base = settings.CAMEO_PUBLIC_URL
    assert answer.status == 200
    assert answer.response["Content-Type"] == "application/json"
    assert answer.json == {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}{EVALUATION}",
        "access_evaluations_endpoint": f"{base}{EVALUATIONS}",
        "search_subject_endpoint": f"{base}{SUBJECTS}",
        "search_resource_endpoint": f"{base}{RESOURCES}",
    }
    assert Api()("POST", "/.well-known/authzen-configuration").code == "method_not_allowed"
