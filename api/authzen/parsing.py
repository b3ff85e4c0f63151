"""Reading what an AuthZEN caller (a policy enforcement point) sends.

Names and rules are those of the Authorization API 1.0 (OpenID Foundation, January 2026). A
required member that is missing or of another type is a bad request; members that nobody knows
are ignored, as that specification asks. Types, actions and ids that nobody knows are no fault:
they are denied like whatever isn't there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.errors import FieldError, InvalidInput, MalformedInput
from consent import interface as consent

ACCOUNT: Final = "account"
GENERATE: Final = "generate"
CAMEO: Final = "cameo"
EXECUTE_ALL: Final = "execute_all"
DENY_ON_FIRST_DENY: Final = "deny_on_first_deny"
PERMIT_ON_FIRST_PERMIT: Final = "permit_on_first_permit"
SEMANTICS: Final = (EXECUTE_ALL, DENY_ON_FIRST_DENY, PERMIT_ON_FIRST_PERMIT)
MAX_EVALUATIONS: Final = 50
MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 50
MAX_TOKEN: Final = 200

_KEYS = ("subject", "action", "resource", "context")
_OF_RENDER = ("purpose", "labels", "prompt_digest", "inputs_digest", "outputs")


@dataclass(frozen=True, slots=True)
class Entity:
    """A subject or a resource; `id` is empty where one of its type is searched for."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """May this subject do this to this resource?

    Attributes:
        context: as it was sent; read by `render_of` and `template_of`.
    """

    subject: Entity
    action: str
    resource: Entity
    context: Mapping[str, Any]

    @property
    def known(self) -> bool:
        """Whether it is about an account that generates from a cameo."""
        found = (self.subject.type, self.action, self.resource.type)
        return found == (ACCOUNT, GENERATE, CAMEO)


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which part of a search: at most `limit`, or as many as `token` says."""

    token: str | None
    limit: int | None


def _fault(pointer: str, code: str, message: str) -> MalformedInput:
    return MalformedInput(
        "The request can't be read.", fields=(FieldError(pointer, code, message),)
    )


def _object(value: object, pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _fault(pointer, "not_an_object", "An object is taken.")
    return value


def _text(holder: Mapping[str, Any], name: str, pointer: str) -> str:
    if name not in holder:
        raise _fault(f"{pointer}/{name}", "missing", "This member is required.")
    value = holder[name]
    if not isinstance(value, str):
        raise _fault(f"{pointer}/{name}", "not_a_string", "A string is taken.")
    return value


def _member(holder: Mapping[str, Any], name: str, pointer: str) -> dict[str, Any]:
    if name not in holder:
        raise _fault(f"{pointer}/{name}", "missing", "This member is required.")
    found = _object(holder[name], f"{pointer}/{name}")
    if "properties" in found:
        _object(found["properties"], f"{pointer}/{name}/properties")
    return found


def _entity(holder: Mapping[str, Any], name: str, pointer: str, searched: str | None) -> Entity:
    found, where = _member(holder, name, pointer), f"{pointer}/{name}"
    # The id of what is searched for is ignored, if there is one.
    identifier = "" if name == searched else _text(found, "id", where)
    return Entity(_text(found, "type", where), identifier)


def read_asked(document: object, *, pointer: str = "", searched: str | None = None) -> Asked:
    """One evaluation, or a search for what `searched` names (`subject` or `resource`).

    Raises:
        MalformedInput: with the field that is missing or of another type.
    """
    holder = _object(document, pointer)
    action = _member(holder, "action", pointer)
    return Asked(
        subject=_entity(holder, "subject", pointer, searched),
        action=_text(action, "name", f"{pointer}/action"),
        resource=_entity(holder, "resource", pointer, searched),
        context=_object(holder.get("context", {}), f"{pointer}/context"),
    )


def read_evaluations(document: object) -> tuple[list[Asked] | None, str]:
    """The evaluations of a body, with its defaults filled in, and their semantic; None for a
    body without any, which is one evaluation itself.

    Raises:
        MalformedInput: for what can't be read, an unknown semantic, or more than
            `MAX_EVALUATIONS`.
    """
    body = _object(document, "")
    options = _object(body.get("options", {}), "/options")
    semantic = options.get("evaluations_semantic", EXECUTE_ALL)
    if not isinstance(semantic, str) or semantic not in SEMANTICS:
        known = f"One of {', '.join(SEMANTICS)} is taken."
        raise _fault("/options/evaluations_semantic", "unknown_value", known)
    listed = body.get("evaluations", [])
    if not isinstance(listed, list) or len(listed) > MAX_EVALUATIONS:
        most = f"A list of at most {MAX_EVALUATIONS} is taken."
        raise _fault("/evaluations", "not_a_list", most)
    if not listed:
        return None, semantic
    defaults = {name: body[name] for name in _KEYS if name in body}
    found = []
    for index, item in enumerate(listed):
        where = f"/evaluations/{index}"
        found.append(read_asked(defaults | _object(item, where), pointer=where))
    return found, semantic


def read_page(document: object) -> PageAsked:
    """The member `page` of a search.

    Raises:
        MalformedInput: a token that is no string or too long, or a limit that is no whole number
            from 0 on. One that is larger than what is given at once is taken as that.
    """
    page = _object(_object(document, "").get("page", {}), "/page")
    token, limit = page.get("token"), page.get("limit")
    if token is not None and (not isinstance(token, str) or len(token) > MAX_TOKEN):
        raise _fault("/page/token", "not_a_token", "A token that was given out is taken.")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise _fault("/page/limit", "out_of_range", "A whole number from 0 on is taken.")
    return PageAsked(token or None, None if limit is None else min(limit, MAX_LIMIT))


def template_of(asked: Asked) -> consent.Template:
    """What is to be rendered, out of the context of a search.

    Raises:
        MalformedInput: with pointers into the context.
    """
    if "likenesses" in asked.context:
        # It would be found by a search, and denied by the evaluation.
        raise _fault("/context/likenesses", "unknown_member", "A search names no likenesses.")
    with _in_context():
        return consent.parse_template(_of_render(asked))


def render_of(asked: Asked) -> consent.RenderRequest:
    """What is to be rendered, out of the context of an evaluation; of the resource, or of all
    the context's `likenesses`, among which it is.

    Raises:
        MalformedInput: with pointers into the context.
    """
    if "likenesses" not in asked.context:
        return template_of(asked).of(asked.resource.id)
    likenesses = asked.context["likenesses"]
    if not isinstance(likenesses, list) or asked.resource.id not in likenesses:
        raise _fault("/context/likenesses", "resource_missing", "The resource is one of these.")
    with _in_context():
        return consent.parse_request(_of_render(asked) | {"likenesses": likenesses})


def _of_render(asked: Asked) -> dict[str, Any]:
    return {name: asked.context[name] for name in _OF_RENDER if name in asked.context}


class _in_context:  # noqa: N801 - reads as a phrase at its place of use
    """What can't be accepted of a context makes the request a bad one."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InvalidInput):
            fields = tuple(
                FieldError(f"/context{field.pointer}", field.code, field.message)
                for field in error.fields
            )
            raise MalformedInput("The context can't be read.", fields=fields) from error
