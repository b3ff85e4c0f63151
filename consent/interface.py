"""The door of `consent`: other rooms import this and nothing else of it."""

from __future__ import annotations

from audit.interface import Page
from consent.comparing import Comparison, Difference, compare, parse_change
from consent.decision import Decision, Effect, Finding
from consent.errors import (
    ConsentChanged,
    Denied,
    TokenAlreadyRedeemed,
    TokenRefused,
    TokenRequestMismatch,
)
from consent.granting import change_grant, create_grant, set_audience, withdraw_grant
from consent.guarding import (
    accept_guardianship,
    ask_guardian,
    co_approve_grant,
    declare_birth_date,
    end_guardianship,
    list_grants_to_co_approve,
    mend_birth_date,
)
from consent.issuing import issue, issue_again
from consent.reasons import Reason
from consent.records import (
    AudienceRecord,
    GrantRecord,
    GrantVersionRecord,
    GuardedGrant,
    Issued,
    LeaseRecord,
    LeaseState,
    UseRecord,
)
from consent.redemption import introspect, redeem, redeem_again
from consent.request import (
    DecisionRequest,
    Label,
    Outputs,
    Purpose,
    RenderRequest,
    parse_request,
)
from consent.searching import (
    Found,
    Match,
    Template,
    decide_many,
    evaluate_many,
    parse_template,
    who_may_use,
    whom_may_i_use,
)
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
    "Comparison",
    "ConsentChanged",
    "Decision",
    "DecisionRequest",
    "Denied",
    "Difference",
    "Effect",
    "Finding",
    "Found",
    "GrantRecord",
    "GrantVersionRecord",
    "GuardedGrant",
    "Issued",
    "Label",
    "LeaseRecord",
    "LeaseState",
    "Match",
    "Outputs",
    "Page",
    "Purpose",
    "Reason",
    "RenderRequest",
    "Template",
    "TokenAlreadyRedeemed",
    "TokenRefused",
    "TokenRequestMismatch",
    "UseRecord",
    "accept_guardianship",
    "ask_guardian",
    "change_grant",
    "co_approve_grant",
    "compare",
    "create_grant",
    "decide_for",
    "decide_many",
    "declare_birth_date",
    "end_guardianship",
    "evaluate_many",
    "introspect",
    "issue",
    "issue_again",
    "jwks",
    "list_grants_given",
    "list_grants_received",
    "list_grants_to_co_approve",
    "list_uses",
    "mend_birth_date",
    "parse_change",
    "parse_request",
    "parse_template",
    "read_audience",
    "read_grant",
    "read_grant_history",
    "read_lease",
    "redeem",
    "redeem_again",
    "set_audience",
    "who_may_use",
    "whom_may_i_use",
    "withdraw_grant",
]
