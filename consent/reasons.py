"""Why a decision denies: a closed set of stable codes, each explained in docs/reasons.md."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """One reason to deny."""

    # The request's own faults: seen without looking at any likeness.
    NO_LIKENESS = "no_likeness"
    TOO_MANY_LIKENESSES = "too_many_likenesses"
    LIKENESS_REPEATED = "likeness_repeated"
    PURPOSE_UNKNOWN = "purpose_unknown"
    LABELS_UNDECLARED = "labels_undeclared"
    LABEL_UNKNOWN = "label_unknown"
    LABEL_ALWAYS_DENIED = "label_always_denied"
    DIGEST_INVALID = "digest_invalid"
    OUTPUTS_INVALID = "outputs_invalid"

    # Who asks, and with what.
    REQUESTER_UNKNOWN = "requester_unknown"
    REQUESTER_INACTIVE = "requester_inactive"
    GENERATOR_UNKNOWN = "generator_unknown"
    GENERATOR_SUSPENDED = "generator_suspended"
    GENERATOR_RENDERS_NOTHING = "generator_renders_nothing"

    # One likeness.
    CAMEO_UNKNOWN = "cameo_unknown"
    CAMEO_NOT_ENROLLED = "cameo_not_enrolled"
    CAMEO_SUSPENDED = "cameo_suspended"
    CAMEO_EXPIRED = "cameo_expired"
    CAMEO_ERASED = "cameo_erased"
    OWNER_INACTIVE = "owner_inactive"
    OWNER_TOO_YOUNG = "owner_too_young"
    GUARDIAN_MISSING = "guardian_missing"
    BLOCKED = "blocked"
    CO_APPEARANCE_BLOCKED = "co_appearance_blocked"
    AUDIENCE_ONLY_ME = "audience_only_me"
    AUDIENCE_UNKNOWN = "audience_unknown"
    NO_GRANT = "no_grant"
    NOT_FRIENDS = "not_friends"
    CO_APPROVAL_MISSING = "co_approval_missing"

    # One grant's terms, or the restrictions over all uses.
    TERMS_EMPTY = "terms_empty"
    TERM_UNKNOWN = "term_unknown"
    PURPOSE_NOT_GRANTED = "purpose_not_granted"
    GRANT_NOT_YET_VALID = "grant_not_yet_valid"
    GRANT_ENDED = "grant_ended"
    USES_SPENT = "uses_spent"
    USES_OF_TODAY_SPENT = "uses_of_today_spent"
    APPROVAL_NEEDED = "approval_needed"
    GENERATOR_NOT_ALLOWED = "generator_not_allowed"
    TOO_LONG = "too_long"
    TOO_MANY_OUTPUTS = "too_many_outputs"
    LABEL_FORBIDDEN = "label_forbidden"
    CO_APPEARANCE_NOT_ALLOWED = "co_appearance_not_allowed"
    REMIX_NOT_ALLOWED = "remix_not_allowed"

    EVALUATION_ERROR = "evaluation_error"

    # All that a requester is told of everything that isn't the request's own fault.
    NOT_PERMITTED = "not_permitted"


OWN_FAULTS = frozenset(
    {
        Reason.NO_LIKENESS,
        Reason.TOO_MANY_LIKENESSES,
        Reason.LIKENESS_REPEATED,
        Reason.PURPOSE_UNKNOWN,
        Reason.LABELS_UNDECLARED,
        Reason.LABEL_UNKNOWN,
        Reason.LABEL_ALWAYS_DENIED,
        Reason.DIGEST_INVALID,
        Reason.OUTPUTS_INVALID,
    }
)
"""Reasons that depend on the request alone, so that telling them tells nothing of a likeness."""
