"""The door of `consent`: other rooms import this and nothing else of it."""

from __future__ import annotations

from audit.interface import Page
from consent.befriending import accept_friendship, ask_friendship, end_friendship
from consent.blocking import block_account, lift_block
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
from consent.inviting import list_invites, redeem_invite, revoke_invite
from consent.issuing import issue, issue_again
from consent.reasons import Reason
from consent.records import (
    AudienceRecord,
    BlockRecord,
    FriendshipRecord,
    GrantRecord,
    GrantVersionRecord,
    GuardedGrant,
    InviteRecord,
    Issued,
    LeaseRecord,
    LeaseState,
    UseRecord,
)
from consent.redemption import introspect, redeem, redeem_again
from consent.relations import list_blocks, list_friendships, read_block, read_friendship
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
    "BlockRecord",
    "Comparison",
    "ConsentChanged",
    "Decision",
    "DecisionRequest",
    "Denied",
    "Difference",
    "Effect",
    "Finding",
    "Found",
    "FriendshipRecord",
    "GrantRecord",
    "GrantVersionRecord",
    "GuardedGrant",
    "InviteRecord",
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
    "accept_friendship",
    "accept_guardianship",
    "ask_friendship",
    "ask_guardian",
    "block_account",
    "change_grant",
    "co_approve_grant",
    "compare",
    "create_grant",
    "decide_for",
    "decide_many",
    "declare_birth_date",
    "end_friendship",
    "end_guardianship",
    "evaluate_many",
    "introspect",
    "issue",
    "issue_again",
    "jwks",
    "lift_block",
    "list_blocks",
    "list_friendships",
    "list_grants_given",
    "list_grants_received",
    "list_grants_to_co_approve",
    "list_invites",
    "list_uses",
    "mend_birth_date",
    "parse_change",
    "parse_request",
    "parse_template",
    "read_audience",
    "read_block",
    "read_friendship",
    "read_grant",
    "read_grant_history",
    "read_lease",
    "redeem",
    "redeem_again",
    "redeem_invite",
    "revoke_invite",
    "set_audience",
    "who_may_use",
    "whom_may_i_use",
    "withdraw_grant",
]
