"""The door of `consent`: other rooms import this and nothing else of it."""

from __future__ import annotations

from audit.interface import Page
from consent.decision import Decision, Effect, Finding
from consent.errors import (
    ConsentChanged,
    Denied,
    TokenAlreadyRedeemed,
    TokenRefused,
    TokenRequestMismatch,
)
from consent.granting import change_grant, create_grant, set_audience, withdraw_grant
from consent.issuing import issue, issue_again
from consent.reasons import Reason
from consent.records import (
    AudienceRecord,
    GrantRecord,
    GrantVersionRecord,
    Issued,
    LeaseRecord,
    LeaseState,
    UseRecord,
)
from consent.redemption import introspect, redeem, redeem_again
from consent.request import Label, Outputs, Purpose, RenderRequest, parse_request
from consent.selectors import (
    decide_for,
    jwks,
    list_grants_given,
    list_grants_received,
    list_uses,
    read_audience,
    read_grant,
    read_grant_history,
    read_lease,
)

__all__ = [
    "AudienceRecord",
    "ConsentChanged",
    "Decision",
    "Denied",
    "Effect",
    "Finding",
    "GrantRecord",
    "GrantVersionRecord",
    "Issued",
    "Label",
    "LeaseRecord",
    "LeaseState",
    "Outputs",
    "Page",
    "Purpose",
    "Reason",
    "RenderRequest",
    "TokenAlreadyRedeemed",
    "TokenRefused",
    "TokenRequestMismatch",
    "UseRecord",
    "change_grant",
    "create_grant",
    "decide_for",
    "introspect",
    "issue",
    "issue_again",
    "jwks",
    "list_grants_given",
    "list_grants_received",
    "list_uses",
    "parse_request",
    "read_audience",
    "read_grant",
    "read_grant_history",
    "read_lease",
    "redeem",
    "redeem_again",
    "set_audience",
    "withdraw_grant",
]
