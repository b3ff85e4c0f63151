"""Addresses of the programmable interface."""

from __future__ import annotations

from django.urls import path, register_converter

from api import health
from api.authzen import views as authzen
from api.oauth import views as oauth
from api.oauth.introspection import Introspection
from api.openapi import openapi
from api.v1 import (
    approvals,
    blocks,
    cameos,
    captures,
    decisions,
    disputes,
    explanations,
    friendships,
    grants,
    guardianships,
    invites,
    likeness,
    me,
    restrictions,
    reviews,
    statements,
    uses,
)


class OpaqueIdConverter:
    """Any of our ids; what has another form isn't there."""

    regex = "[a-z]{3}_[a-z2-7]{26}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(OpaqueIdConverter, "opaque")

v1 = [
    path("me", me.Me.as_view(), name="me"),
    path("capture-sessions", captures.Captures.as_view(), name="capture-sessions"),
    path(
        "capture-sessions/<opaque:session_id>", captures.Capture.as_view(), name="capture-session"
    ),
    path(
        "capture-sessions/<opaque:session_id>/clip",
        captures.CaptureClip.as_view(),
        name="capture-clip",
    ),
    path("cameos", cameos.Cameos.as_view(), name="cameos"),
    path("cameos/<opaque:cameo_id>", cameos.Cameo.as_view(), name="cameo"),
    path("cameos/<opaque:cameo_id>/audience", cameos.CameoAudience.as_view(), name="audience"),
    path(
        "cameos/<opaque:cameo_id>/restrictions",
        restrictions.CameoRestrictions.as_view(),
        name="restrictions",
    ),
    path("cameos/<opaque:cameo_id>/suspend", cameos.CameoSuspend.as_view(), name="suspend"),
    path("cameos/<opaque:cameo_id>/resume", cameos.CameoResume.as_view(), name="resume"),
    path("cameos/<opaque:cameo_id>/erase", cameos.CameoErase.as_view(), name="erase"),
    path(
        "cameos/<opaque:cameo_id>/erasure-receipt",
        cameos.CameoErasureReceipt.as_view(),
        name="erasure-receipt",
    ),
    path("grants", grants.Grants.as_view(), name="grants"),
    path("grants/<opaque:grant_id>", grants.Grant.as_view(), name="grant"),
    path("grants/<opaque:grant_id>/versions", grants.GrantVersions.as_view(), name="versions"),
    path("grants/<opaque:grant_id>/withdraw", grants.GrantWithdraw.as_view(), name="withdraw"),
    path("friendships", friendships.Friendships.as_view(), name="friendships"),
    path("friendships/<opaque:friendship_id>", friendships.Friendship.as_view(), name="friendship"),
    path(
        "friendships/<opaque:friendship_id>/accept",
        friendships.FriendshipAccept.as_view(),
        name="friendship-accept",
    ),
    path(
        "friendships/<opaque:friendship_id>/end",
        friendships.FriendshipEnd.as_view(),
        name="friendship-end",
    ),
    path("blocks", blocks.Blocks.as_view(), name="blocks"),
    path("blocks/<opaque:block_id>", blocks.Block.as_view(), name="block"),
    path("blocks/<opaque:block_id>/lift", blocks.BlockLift.as_view(), name="block-lift"),
    path("invites", invites.Invites.as_view(), name="invites"),
    path("invites/redeem", invites.InviteRedeem.as_view(), name="invite-redeem"),
    path("invites/<opaque:invite_id>/revoke", invites.InviteRevoke.as_view(), name="invite-revoke"),
    path(
        "grants/<opaque:grant_id>/co-approve",
        guardianships.GrantCoApprove.as_view(),
        name="co-approve",
    ),
    path("guardianships", guardianships.Guardianships.as_view(), name="guardianships"),
    path("guardianships/grants", guardianships.GuardedGrants.as_view(), name="guarded-grants"),
    path(
        "guardianships/<opaque:guardianship_id>",
        guardianships.Guardianship.as_view(),
        name="guardianship",
    ),
    path(
        "guardianships/<opaque:guardianship_id>/accept",
        guardianships.GuardianshipAccept.as_view(),
        name="guardianship-accept",
    ),
    path(
        "guardianships/<opaque:guardianship_id>/end",
        guardianships.GuardianshipEnd.as_view(),
        name="guardianship-end",
    ),
    path("decisions/explain", explanations.DecisionsExplain.as_view(), name="decisions-explain"),
    path("decisions/bulk", decisions.DecisionsBulk.as_view(), name="decisions-bulk"),
    path("decisions/search", decisions.DecisionsSearch.as_view(), name="decisions-search"),
    path("decisions/search/who", decisions.DecisionsSearchWho.as_view(), name="decisions-who"),
    path("decisions/diff", decisions.DecisionsDiff.as_view(), name="decisions-diff"),
    path("decisions", likeness.Decisions.as_view(), name="decisions"),
    path("likeness-tokens", likeness.LikenessTokens.as_view(), name="likeness-tokens"),
    path("likeness-tokens/redeem", likeness.LikenessTokenRedeem.as_view(), name="redeem"),
    path("leases/<opaque:lease_id>", likeness.Lease.as_view(), name="lease"),
    path("reviews", reviews.Reviews.as_view(), name="reviews"),
    path("reviews/<opaque:review_id>", reviews.Review.as_view(), name="review"),
    path("reviews/<opaque:review_id>/decide", reviews.ReviewDecide.as_view(), name="review-decide"),
    path("disputes", disputes.Disputes.as_view(), name="disputes"),
    path("disputes/<opaque:dispute_id>", disputes.Dispute.as_view(), name="dispute"),
    path(
        "disputes/<opaque:dispute_id>/decide",
        disputes.DisputeDecide.as_view(),
        name="dispute-decide",
    ),
    path("approvals", approvals.Approvals.as_view(), name="approvals"),
    path("approvals/<opaque:approval_id>", approvals.Approval.as_view(), name="approval"),
    path(
        "approvals/<opaque:approval_id>/decide",
        approvals.ApprovalDecide.as_view(),
        name="approval-decide",
    ),
    path("statements", statements.Statements.as_view(), name="statements"),
    path("statements/lines", statements.StatementLines.as_view(), name="statement-lines"),
    path("uses", uses.Uses.as_view(), name="uses"),
]

urlpatterns = [
    *(path(f"v1/{one.pattern}", one.callback, name=one.name) for one in v1),
    path("v1/openapi.json", openapi, name="openapi"),
    path("oauth/token", oauth.Token.as_view(), name="oauth-token"),
    path("oauth/revoke", oauth.Revoke.as_view(), name="oauth-revoke"),
    path("oauth/introspect", Introspection.as_view(), name="oauth-introspect"),
    path(".well-known/oauth-authorization-server", oauth.server_metadata, name="oauth-metadata"),
    path(".well-known/jwks.json", oauth.jwks, name="jwks"),
    path("access/v1/evaluation", authzen.Evaluation.as_view(), name="authzen-evaluation"),
    path("access/v1/evaluations", authzen.Evaluations.as_view(), name="authzen-evaluations"),
    path(
        "access/v1/search/subject", authzen.SearchSubject.as_view(), name="authzen-search-subject"
    ),
    path(
        "access/v1/search/resource",
        authzen.SearchResource.as_view(),
        name="authzen-search-resource",
    ),
    path(".well-known/authzen-configuration", authzen.metadata, name="authzen-metadata"),
    path("livez", health.live, name="livez"),
    path("readyz", health.ready, name="readyz"),
]
