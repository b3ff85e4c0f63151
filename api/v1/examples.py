"""Values that the documentation's examples share."""

from __future__ import annotations

from typing import Any

ACCOUNT = "acc_2b4c6d7e2f3g4h5i6j7k2l3m4n"
FRIEND = "acc_5n4m3l2k7j6i5h4g3f2e7d6c4b"
CAMEO = "cam_7a6b5c4d3e2f7g6h5i4j3k2l7m"
OTHER_CAMEO = "cam_2m3l4k5j6i7h2g3f4e5d6c7b2a"
RECEIPT = "ers_3c4d5e6f7g2h3i4j5k6l7m2n3o"
REVIEW = "rev_4f5g6h7i2j3k4l5m6n7o2p3q4r"
DISPUTE = "dis_6f7g2h3i4j5k6l7m2n3o4p5q6r"
SESSION = "cap_3x4y5z6a7b2c3d4e5f6g7h2i3j"
APPROVAL = "apr_3h4i5j6k7l2m3n4o5p6q7r2s3t"
GRANT = "grt_4q5r6s7t2u3v4w5x6y7z2a3b4c"
USE = "use_6d7e2f3g4h5i6j7k2l3m4n5o6p"
LEASE = "lse_2r3s4t5u6v7w2x3y4z5a6b7c2d"
CLIENT = "gen_5e6f7g2h3i4j5k6l7m2n3o4p5q"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NOW = "2026-05-04T10:00:00.000000Z"
LATER = "2026-05-04T10:03:00.000000Z"

CAMEO_BODY: dict[str, Any] = {
    "id": CAMEO,
    "state": "active",
    "assurance": "basic",
    "created": NOW,
    "activated": LATER,
    "expires": None,
}
SESSION_BODY: dict[str, Any] = {
    "id": SESSION,
    "cameo": CAMEO,
    "purpose": "enrol",
    "without": [],
    "state": "open",
    "nonce_hash": DIGEST,
    "script": [
        {"kind": "hold", "start": 0.0, "end": 1.0},
        {"kind": "turn", "direction": "left", "min_degrees": 15.0, "start": 1.4, "end": 3.2},
        {"kind": "blink", "count": 2, "start": 3.6, "end": 5.2},
    ],
    "created": NOW,
    "expires": LATER,
    "stage": None,
    "progress": 0.0,
    "outcome": None,
    "advice": [],
}
DISPUTE_BODY: dict[str, Any] = {
    "id": DISPUTE,
    "cameo": CAMEO,
    "side": "holder",
    "state": "open",
    "decision": None,
    "created": NOW,
    "decided": None,
    "sides": None,
}
RENDER: dict[str, Any] = {
    "likenesses": [CAMEO],
    "purpose": "personal",
    "labels": [],
    "prompt_digest": DIGEST,
    "inputs_digest": None,
    "outputs": {"count": 1, "seconds": 8},
}
