"""Which scopes an operation asks for, and of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.interface import Caller
from api.authentication import caller
from api.errors import InsufficientScope

if TYPE_CHECKING:
    # The framework's views read the settings, which name this module, when they are imported.
    from rest_framework.views import APIView


@dataclass(frozen=True, slots=True)
class Needs:
    """One way to be let in.

    Attributes:
        scopes: the token has all of these.
        person: true: the token speaks for a person. False: a client speaks for itself.
        renders: the token's client is a generator.
    """

    scopes: frozenset[str]
    person: bool
    renders: bool = False

    def satisfied_by(self, who: Caller) -> bool:
        """Whether `who` may come in this way."""
        return (
            self.scopes <= who.scopes
            and (who.account_id is not None) == self.person
            and (who.client.renders or not self.renders)
        )


def of_person(*scopes: str, renders: bool = False) -> Needs:
    """A person's token with all of `scopes`; held by a generator if `renders`."""
    return Needs(frozenset(scopes), person=True, renders=renders)


def of_generator(*scopes: str) -> Needs:
    """A generator's own token (client credentials) with all of `scopes`."""
    return Needs(frozenset(scopes), person=False, renders=True)


class ScopesRequired(BasePermission):
    """Looks up the view's `needs` for the method. A view that declares none lets nobody in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or an error.

        Raises:
            Unauthenticated: nobody is asking.
            InsufficientScope: none of the ways in is satisfied.
        """
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method not in view.allowed_methods:
            return True  # what comes next answers 405
        declared: Mapping[str, tuple[Needs, ...]] = getattr(view, "needs", {})
        who = caller(request)
        if not any(way.satisfied_by(who) for way in declared.get(method, ())):
            raise InsufficientScope
        return True
