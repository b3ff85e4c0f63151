"""One report out of what the sizes' processes said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CONTENDERS: Final = (
    "decide_for",
    "eight_people",
    "bare_look_up",
    "queryset",
    "cedarpy",
    "cedarpy_evaluation",
)
GOALS: Final = {
    "p50_ms": 0.6,
    "p99_ms": 2.0,
    "growth": 1.5,
    "vs_pycasbin": 10.0,
    "eight_people": 3.0,
}
_AT_LEAST: Final = frozenset({"vs_pycasbin"})
CASBIN_RULES: Final = 100_000
"""The size at which the goal against pycasbin is set."""


def report(sizes: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """The whole object; docs/evaluation/decision-speed.md says what each member means.

    Args:
        sizes: by live grants, ascending: the figures of each size's process, with `casbin`,
            `rest` and `revoke` where they were measured.
    """
    smallest, largest = sizes[min(sizes)], sizes[max(sizes)]
    ours = largest["decide_for"]
    found: dict[str, Any] = {
        "grants": max(sizes),
        "p50_ms": ours["p50_ms"],
        "p99_ms": ours["p99_ms"],
        "growth": _ratio(ours, smallest["decide_for"]),
        "vs_pycasbin": None,
        "vs_pycasbin_fast": None,
        "vs_cedarpy": _ratio(largest["cedarpy"], ours),
        "vs_queryset": _ratio(largest["queryset"], ours),
        "vs_bare_look_up": _ratio(ours, largest["bare_look_up"]),
        "eight_people": _ratio(largest["eight_people"], ours),
        "revoke_to_deny_ms": None,
        "mismatches": mismatches(sizes),
    }
    with_casbin = [size for size, row in sizes.items() if "casbin" in row]
    if with_casbin:
        size = max(with_casbin)
        peer, here = sizes[size]["casbin"], sizes[size]["decide_for"]
        found["pycasbin_rules"] = size
        found["vs_pycasbin"] = _ratio(peer["enforcer"], here)
        found["vs_pycasbin_fast"] = _ratio(peer["fast_enforcer"], here)
    if "revoke" in largest:
        found["revoke_to_deny_ms"] = _delay(largest["revoke"])
    if "rest" in largest:
        found["rest"] = {
            "p50_ms": largest["rest"]["decisions"]["p50_ms"],
            "p99_ms": largest["rest"]["decisions"]["p99_ms"],
            "revoke_to_deny_ms": _delay(largest["rest"]["withdrawals"]),
        }
    found["goals"] = {
        goal: {
            "goal": bound,
            "met": None
            if found[goal] is None
            else (found[goal] >= bound if goal in _AT_LEAST else found[goal] <= bound),
        }
        for goal, bound in GOALS.items()
    }
    found["sizes"] = {str(size): row for size, row in sizes.items()}
    return found


def mismatches(sizes: Mapping[int, dict[str, Any]]) -> int:
    """Answers that weren't right: any contender's, and any permit after a withdrawal."""
    wrong = 0
    for row in sizes.values():
        wrong += sum(row[contender]["wrong"] for contender in CONTENDERS)
        casbin = row.get("casbin", {})
        wrong += sum(casbin[one]["wrong"] for one in ("enforcer", "fast_enforcer") if casbin)
        withdrawn = [row["revoke"]] if "revoke" in row else []
        if "rest" in row:
            wrong += row["rest"]["decisions"]["wrong"]
            withdrawn.append(row["rest"]["withdrawals"])
        for one in withdrawn:
            wrong += one["permits_after"] + one["withdrawals"] - one["permitted_before"]
    return int(wrong)


def table(found: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [f"{'grants':>10}{'contender':>22}{'p50 ms':>10}{'p99 ms':>10}{'a second':>12}"]
    for size, row in found["sizes"].items():
        casbin = {f"pycasbin {k}": v for k, v in row.get("casbin", {}).items() if "enforcer" in k}
        rest = {"over REST": row["rest"]["decisions"]} if "rest" in row else {}
        for contender, of in {**{c: row[c] for c in CONTENDERS}, **casbin, **rest}.items():
            lines.append(
                f"{size:>10}{contender:>22}{of['p50_ms']:>10.3f}{of['p99_ms']:>10.3f}"
                f"{of['per_second']:>12.1f}"
            )
    plain = {k: v for k, v in found.items() if k not in ("sizes", "machine", "goals")}
    lines += [f"{key}: {value}" for key, value in plain.items()]
    lines += [f"goal {key}: {value}" for key, value in found["goals"].items()]
    return "\n".join(lines)


def _ratio(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return round(float(one["p50_ms"]) / float(other["p50_ms"]), 2)


def _delay(of: Mapping[str, Any]) -> dict[str, Any]:
    return {key: of[key] for key in ("p50_ms", "p99_ms", "withdrawals", "permits_after")}
