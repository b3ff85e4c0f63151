"""Which scopes an OAuth client may be given."""

from __future__ import annotations

from typing import Any

from oauth2_provider.scopes import SettingsScopes

from accounts.models import Generator

RENDERER_SCOPES = frozenset({"likeness:issue", "likeness:redeem", "likeness:screen", "use:report"})
FIRST_PARTY_SCOPES = frozenset({"likeness:assert_requester"})


class GeneratorScopes(SettingsScopes):
    """Renderers' scopes only for what renders, `assert_requester` only for the first party."""

    def get_available_scopes(
        self, application: Generator | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        scopes = set(super().get_available_scopes(application, request, *args, **kwargs))
        if application is None or not application.renders:
            scopes -= RENDERER_SCOPES
        if application is None or not application.first_party:
            scopes -= FIRST_PARTY_SCOPES
        return sorted(scopes)
