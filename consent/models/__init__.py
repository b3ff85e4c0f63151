"""The tables of this room."""

from consent.models.approvals import Accrual, Approval, KeptDecision, KeptPart
from consent.models.grants import (
    Audience,
    Grant,
    GrantVersion,
    Restrictions,
    RestrictionsVersion,
    Tally,
)
from consent.models.relations import Block, Friendship, Invite
from consent.models.tokens import IssuedToken, Lease, Use, UseLikeness, token_id

__all__ = [
    "Accrual",
    "Approval",
    "Audience",
    "Block",
    "Friendship",
    "Grant",
    "GrantVersion",
    "Invite",
    "IssuedToken",
    "KeptDecision",
    "KeptPart",
    "Lease",
    "Restrictions",
    "RestrictionsVersion",
    "Tally",
    "Use",
    "UseLikeness",
    "token_id",
]
