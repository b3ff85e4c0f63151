"""The report in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Part = Mapping[str, Any]


def markdown(report: Part, pictures: Sequence[str]) -> str:
    """The page that stands under docs/evaluation."""
    about = report["about"]
    host = about["machine"]
    lines = [
        "# Presentation attack detection, measured",
        "",
        f"> {report['statement']}",
        "",
        f"Made by `{about['command']}` on {about['date']}; {host['processor']}, "
        f"{host['cores']} cores, {host['memory_mb']} MB. "
        + ", ".join(f"{name} {number}" for name, number in about["versions"].items())
        + f". Code of the clips {about['code']['clips']}, of the judging "
        f"{about['code']['judging']}. Seeds: {about['seeds']}.",
        "",
        "APCER counts pairs of face and instrument (a species with its parameters): a pair has "
        "passed if any of its clips did. Bounds are one-sided, 95 %, Clopper and Pearson. "
        "Review, retry, unsupported and refused are no passes and stand apart as non-response. "
        "There is no average over species: the worst one is the headline.",
        "",
    ]
    for section in report["sections"]:
        lines += _section(section)
    for key, write in (("swap", _swap), ("light", _light), ("replay", _replay)):
        if key in report:
            lines += write(report[key])
    if report["crashed"]:
        lines += ["## Crashes", "", *_list(report["crashed"]), ""]
    lines += ["## Pictures", "", *(f"![{name}]({name})" for name in pictures)]
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Part) -> list[str]:
    lines = [f"## {section['name'][0].upper()}{section['name'][1:]}", ""]
    if section["worst"]:
        share = section["species"][section["worst"]]
        lines += [
            f"Worst species: **{section['worst']}**, APCER {percent(share['rate'])} "
            f"({share['count']} of {share['n']}), at most {percent(share['upper_95'])}.",
            "",
        ]
    for group, shares in section["bona_fide"].items():
        failed, missed = shares["bpcer"], shares["not_passed"]
        lines += [
            f"Bona fide, {group}: BPCER {percent(failed['rate'])} ({failed['count']} of "
            f"{failed['n']}, at most {percent(failed['upper_95'])}); non-response "
            f"{_counts(failed['non_response'])}; not passed in all "
            f"{percent(missed['rate'])} (at most {percent(missed['upper_95'])}).",
            "",
        ]
    if section["species"]:
        lines += [
            "| species | passed | APCER | at most | clips | non-response |",
            "|---|---|---|---|---|---|",
            *_shares(section["species"]),
            *_shares(section["own_line"], " (own line: follows in real time)"),
            "",
        ]
    if any(section["signals"].values()):
        lines += _signals(section["signals"])
    lines += _left_out(section["leave_one_out"])
    for title, key in (
        ("Attacks that passed", "passed"),
        ("Bona fide clips that didn't pass", "bona_fide_not_passed"),
    ):
        if section[key]:
            lines += [f"{title}:", "", *_list(section[key]), ""]
    return lines


def _shares(shares: Part, note: str = "") -> Iterable[str]:
    for species, share in shares.items():
        yield (
            f"| {species}{note} | {share['count']} of {share['n']} | {percent(share['rate'])} "
            f"| {percent(share['upper_95'])} | {share['clips']} "
            f"| {_counts(share['non_response'])} |"
        )


def _signals(signals: Part) -> list[str]:
    """Which signal failed how many clips; in brackets how many it abstained on."""
    names = list(dict.fromkeys(name for counts in signals.values() for name in counts))
    lines = [
        "Clips that each signal failed (in brackets: on which it abstained):",
        "",
        "| species | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for species, counts in signals.items():
        cells = []
        for name in names:
            found = counts.get(name, {})
            failed, silent = found.get("fail", 0), found.get("abstain", 0)
            cells.append(f"{failed or '·'}" + (f" ({silent})" if silent else ""))
        lines.append(f"| {species} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _left_out(entries: Sequence[Part]) -> list[str]:
    if not any("threshold" in entry or "refit" in entry for entry in entries):
        return []
    lines = [
        "One species at a time left out of tuning (only the soft sum is fitted on attacks): its "
        "APCER as shipped, with the threshold set without it, and with the curves of the soft "
        "signals fitted anew without it as well:",
        "",
        "| left out | as shipped | threshold without it | curves and threshold without it |",
        "|---|---|---|---|",
    ]
    for entry in entries:
        cells = [_short(entry["as_shipped"])]
        for key in ("threshold", "refit"):
            cells.append(_short(entry[key], entry[key]["at"]) if key in entry else "not measured")
        lines.append(f"| {entry['species']} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _short(share: Part, at: float | None = None) -> str:
    where = "" if at is None else f" (from {at:.2f} on)"
    return f"{share['count']} of {share['n']}, at most {percent(share['upper_95'])}{where}"


def _swap(swap: Part) -> list[str]:
    alarms = swap["false_alarms"]
    lines = [f"## Another face for {swap['seconds']} s, anywhere in a clip", ""]
    lines += [
        "| placements | caught | by continuity | passed | share | at least |",
        "|---" * 6 + "|",
    ]
    for name, part in {"all": swap["all"], **swap["by_how"], **swap["by_origin"]}.items():
        lines.append(
            f"| {name} | {part['caught']} of {part['n']} | {part['by_continuity']} "
            f"| {part['passed']} | {percent(part['share'])} | {percent(part['lower_95'])} |"
        )
    return [
        *lines,
        "",
        f"False alarms of `continuity` on the same clips as they are: {alarms['count']} of "
        f"{alarms['n']} (at most {percent(alarms['upper_95'])}).",
        "",
    ]


def _light(light: Part) -> list[str]:
    lines = [
        f"## Light: the right script among {light['others']} others",
        "",
        "| room | sessions | ranked first | share | at least | signal | wrong scripts passed |",
        "|---" * 7 + "|",
    ]
    levels = {f"ambient {key}": part for key, part in light["levels"].items()}
    for name, part in {
        **levels,
        "all of these": light["all"],
        "daylight": light["daylight"],
    }.items():
        lines.append(
            f"| {name} | {part['n']} | {part['ranked_first']} | {percent(part['share'])} "
            f"| {percent(part['lower_95'])} | {_counts(part['signal'])} "
            f"| {part['wrong_passed']} of {part['wrong']} "
            f"(at most {percent(part['wrong_upper_95'])}) |"
        )
    return [*lines, ""]


def _replay(replay: Part) -> list[str]:
    lines = [
        "## Another session's good clip against fresh scripts",
        "",
        "| clips | good clips | tried | passed | per thousand | at most |",
        "|---" * 6 + "|",
    ]
    for key in ("with_light", "without_light", "real_without_light"):
        part = replay[key]
        rate = "" if part["per_thousand"] is None else f"{part['per_thousand']:.2f}"
        lines.append(
            f"| {key.replace('_', ' ')} | {part['clips']} | {part['tried']} | {part['passed']} "
            f"| {rate} | {part['upper_95_per_thousand']:.2f} |"
        )
    return [*lines, ""]


def _list(rows: Sequence[Part], most: int = 60) -> list[str]:
    lines = []
    for row in rows[:most]:
        words = ", ".join(f"{k} {v}" for k, v in (row["parameters"] or {}).items())
        reasons = ", ".join(row["reasons"]) or "no reason"
        name = row["instrument"] or "session"
        lines.append(f"- {name} of {row['face']} ({words}): {row['outcome']}, {reasons}")
    if len(rows) > most:
        lines.append(f"- and {len(rows) - most} more (see the JSON)")
    return lines


def _counts(counts: Part) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def percent(value: float | None) -> str:
    """A share in percent; a dash where there is none."""
    if value is None:
        return "–"
    return f"{100 * value:.2f} %" if 0 < value < 0.01 else f"{100 * value:.1f} %"
