"""Which scopes there are, and which of them an OAuth client may be given."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from oauth2_provider.scopes import SettingsScopes

from accounts.models import Generator

# What each scope means is said in the settings; people read it on the page that asks them.
_PROVIDER: dict[str, Any] = settings.OAUTH2_PROVIDER
SCOPES: dict[str, str] = _PROVIDER["SCOPES"]
PERSON_SCOPES = frozenset(
    {"cameo:enrol", "cameo:read", "consent:manage", "likeness:request", "pad:review"}
)
RENDERER_SCOPES = frozenset({"likeness:issue", "likeness:redeem", "likeness:screen", "use:report"})
FIRST_PARTY_SCOPES = frozenset({"likeness:assert_requester"})


class GeneratorScopes(SettingsScopes):  # type: ignore[misc]
    """Renderers' scopes only for what renders, `assert_requester` only for the first party."""

    def get_available_scopes(
        self, application: Generator | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        scopes = set(super().get_available_scopes(application, request, *args, **kwargs))
        if application is None:
            return sorted(scopes)
        if not application.renders:
            scopes -= RENDERER_SCOPES
        if not application.first_party:
            scopes -= FIRST_PARTY_SCOPES
        return sorted(scopes)
