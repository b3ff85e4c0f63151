"""The table of what actors do. A new operation is one entry of `TABLE`.

Each entry says how it is done over the door and over HTTP, which registers it writes, and when
its answer permits something. Everything an entry may need is drawn beforehand (`Choice`).
"""

from __future__ import annotations

from accounts.interface import resume_generator, suspend_generator
from common.clock import utcnow
from consent import interface as consent
from identity import interface as identity
from tests.interleaving.choices import (
    Operation,
    approval,
    ask,
    block,
    decide,
    decided,
    evaluation,
    finds,
    first_permits,
    friends,
    grant_write,
    granted,
    has_grant,
    has_token,
    introspect,
    is_alone,
    is_live,
    is_permit,
    is_stopped,
    is_suspended,
    is_token,
    issue_again,
    lease,
    lifted,
    nothing,
    other_call,
    owner_call,
    redeem,
    template,
    terms_value,
    token,
)
from tests.interleaving.clients import Call, machine
from tests.interleaving.history import Write

TABLE: dict[str, Operation] = {
    # --- what permits ---------------------------------------------------------------------------
    "decide": Operation(
        16,
        door=lambda c: consent.decide_for(
            generator=c.generator, requester=c.other_id, request=c.render, now=utcnow()
        ),
        http=ask("/v1/decisions"),
        permits=is_permit,
    ),
    "issue": Operation(
        20,
        door=lambda c: consent.issue(
            generator=c.generator,
            requester=c.other_id,
            request=c.render,
            now=utcnow(),
            by=c.generator,
        ),
        http=ask("/v1/likeness-tokens"),
        permits=is_token,
    ),
    "issue_again": Operation(
        3,
        door=lambda c: consent.issue_again(
            generator=token(c).generator,
            requester=token(c).requester,
            request=token(c).render,
            jti=token(c).name,
            now=utcnow(),
        ),
        http=issue_again,
        permits=is_token,
        apt=lambda c: c.token is not None and c.token.key is not None,
        rests_on=token,
    ),
    "redeem": Operation(
        16,
        door=lambda c: consent.redeem(
            generator=token(c).generator,
            token_text=token(c).text,
            request=token(c).render,
            now=utcnow(),
            by=token(c).generator,
        ),
        http=redeem,
        permits=is_live,
        apt=has_token,
        rests_on=token,
    ),
    "redeem_again": Operation(
        3,
        door=lambda c: consent.redeem_again(
            lease=lease(c).name, generator=lease(c).generator, now=utcnow()
        ),
        permits=is_live,
        apt=lambda c: c.lease is not None,
        rests_on=lease,
    ),
    "introspect": Operation(
        8,
        door=lambda c: consent.introspect(
            generator=token(c).generator, token_text=token(c).text, now=utcnow()
        ),
        http=introspect,
        permits=lambda c, answer: bool(answer["active"]),
        apt=has_token,
        rests_on=token,
    ),
    "read_lease": Operation(
        7,
        door=lambda c: consent.read_lease(
            lease=lease(c).name, generator=lease(c).generator, now=utcnow()
        ),
        http=lambda c: Call(machine(lease(c).generator), "GET", f"/v1/leases/{lease(c).name}"),
        permits=is_live,
        apt=lambda c: c.lease is not None,
        rests_on=lease,
    ),
    "bulk": Operation(
        3,
        door=lambda c: consent.decide_many(
            generator=c.generator, requester=c.other_id, requests=[c.render, c.render], now=utcnow()
        ),
        http=lambda c: Call(
            c.asker, "POST", "/v1/decisions/bulk", {"requests": [c.render.document()] * 2}
        ),
        permits=first_permits,
    ),
    "search": Operation(
        3,
        door=lambda c: consent.whom_may_i_use(
            generator=c.generator,
            requester=c.other_id,
            template=consent.parse_template(template(c)),
            now=utcnow(),
        ),
        http=lambda c: Call(c.asker, "POST", "/v1/decisions/search", {"request": template(c)}),
        permits=finds,
        apt=is_alone,
    ),
    "authzen": Operation(
        5,
        http=lambda c: Call(c.asker, "POST", "/access/v1/evaluation", evaluation(c)),
        permits=lambda c, answer: answer["decision"] is True,
    ),
    # --- approvals ------------------------------------------------------------------------------
    "decide_approval": Operation(
        8,
        door=lambda c: consent.decide_approval(
            approval=approval(c).name,
            approve=c.approve,
            now=utcnow(),
            by=approval(c).by.account or "",
        ),
        http=decide,
        writes=decided,
        possible=lambda c: c.asked is not None,
    ),
    # --- grants and audience --------------------------------------------------------------------
    "create_grant": Operation(
        12,
        door=lambda c: consent.create_grant(
            cameo=c.cameo,
            grantee=c.other_id,
            terms=c.terms,
            now=utcnow(),
            by=c.owner_id,
            widen_audience=True,
        ),
        http=owner_call(
            "POST",
            "/v1/grants",
            lambda c: {
                "cameo": c.cameo,
                "grantee": c.other_id,
                "terms": c.terms,
                "widen_audience": True,
            },
        ),
        writes=granted,
        apt=lambda c: not c.grant,
    ),
    "change_grant": Operation(
        4,
        door=lambda c: consent.change_grant(
            grant=c.grant, terms=c.terms, now=utcnow(), by=c.owner_id
        ),
        http=owner_call("PATCH", "/v1/grants/{grant}", lambda c: {"terms": c.terms}),
        writes=lambda c, answer: grant_write(c, answer, terms_value(c.terms)),
        apt=has_grant,
    ),
    "withdraw_grant": Operation(
        6,
        door=lambda c: consent.withdraw_grant(grant=c.grant, now=utcnow(), by=c.owner_id),
        http=owner_call("POST", "/v1/grants/{grant}/withdraw", nothing),
        writes=lambda c, answer: grant_write(c, answer, "withdrawn", final=True),
        apt=has_grant,
    ),
    "set_audience": Operation(
        8,
        door=lambda c: consent.set_audience(
            cameo=c.cameo, audience=c.audience, now=utcnow(), by=c.owner_id
        ),
        http=owner_call("PUT", "/v1/cameos/{cameo}/audience", lambda c: {"audience": c.audience}),
        writes=lambda c, answer: (Write(("audience", c.cameo), c.audience),),
    ),
    "set_restrictions": Operation(
        3,
        door=lambda c: consent.set_restrictions(
            cameo=c.cameo, terms=c.restrictions, now=utcnow(), by=c.owner_id
        ),
        http=owner_call(
            "PUT", "/v1/cameos/{cameo}/restrictions", lambda c: {"terms": c.restrictions}
        ),
        writes=lambda c, answer: (Write(("restrictions", c.cameo), terms_value(c.restrictions)),),
    ),
    # --- people ---------------------------------------------------------------------------------
    "ask_friendship": Operation(
        5,
        door=lambda c: consent.ask_friendship(account=c.other_id, now=utcnow(), by=c.owner_id),
        http=owner_call("POST", "/v1/friendships", lambda c: {"account": c.other_id}),
        writes=friends,
        apt=lambda c: not c.friendship,
    ),
    "accept_friendship": Operation(
        8,
        door=lambda c: consent.accept_friendship(
            friendship=c.friendship, now=utcnow(), by=c.other_id
        ),
        http=other_call("POST", "/v1/friendships/{friendship}/accept", nothing),
        writes=friends,
        apt=lambda c: bool(c.friendship),
    ),
    "end_friendship": Operation(
        3,
        door=lambda c: consent.end_friendship(friendship=c.friendship, now=utcnow(), by=c.owner_id),
        http=owner_call("POST", "/v1/friendships/{friendship}/end", nothing),
        writes=lambda c, answer: friends(c, answer, "off"),
        apt=lambda c: bool(c.friendship),
    ),
    "block": Operation(
        2,
        door=lambda c: consent.block_account(account=c.other_id, now=utcnow(), by=c.owner_id),
        http=owner_call("POST", "/v1/blocks", lambda c: {"account": c.other_id}),
        writes=block,
        apt=lambda c: not c.block,
    ),
    "lift_block": Operation(
        12,
        door=lambda c: consent.lift_block(block=c.block, now=utcnow(), by=c.owner_id),
        http=owner_call("POST", "/v1/blocks/{block}/lift", nothing),
        writes=lifted,
        apt=lambda c: bool(c.block),
    ),
    # --- cameos ---------------------------------------------------------------------------------
    "suspend": Operation(
        1.5,
        door=lambda c: identity.suspend_cameo(
            account_id=c.owner_id, cameo_id=c.cameo, now=utcnow()
        ),
        http=owner_call("POST", "/v1/cameos/{cameo}/suspend", nothing),
        writes=lambda c, answer: (Write(("state", c.cameo), "suspended"),),
        apt=lambda c: not is_suspended(c),
    ),
    "resume": Operation(
        40,
        door=lambda c: identity.resume_cameo(account_id=c.owner_id, cameo_id=c.cameo, now=utcnow()),
        http=owner_call("POST", "/v1/cameos/{cameo}/resume", nothing),
        writes=lambda c, answer: (Write(("state", c.cameo), "active"),),
        apt=is_suspended,
    ),
    "erase": Operation(
        0.2,
        door=lambda c: identity.erase_cameo(account_id=c.owner_id, cameo_id=c.cameo, now=utcnow()),
        http=owner_call("POST", "/v1/cameos/{cameo}/erase", nothing),
        writes=lambda c, answer: (Write(("state", c.cameo), "erased", final=True),),
    ),
    # --- generators -----------------------------------------------------------------------------
    "suspend_generator": Operation(
        0.15,
        door=lambda c: suspend_generator(client_id=c.generator, by="staff", now=utcnow()),
        writes=lambda c, answer: (Write(("generator", c.generator), "suspended"),),
        apt=lambda c: not is_stopped(c),
    ),
    "resume_generator": Operation(
        40,
        door=lambda c: resume_generator(client_id=c.generator, by="staff", now=utcnow()),
        writes=lambda c, answer: (Write(("generator", c.generator), "usable"),),
        apt=is_stopped,
    ),
}
