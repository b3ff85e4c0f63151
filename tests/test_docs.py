"""The documents say what the code does."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.conftest import PROJECT
from tests.test_architecture import tracked

_VARIABLE = re.compile(r"""(?:text|one_of|listed|secret|_required)\(\s*"([A-Z_]+)\"""")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
DOCUMENTS = tracked("*.md")


def test_every_variable_that_is_read_is_documented_and_no_other() -> None:
    read = {
        name
        for file in ("cameo/settings/base.py", "cameo/settings/production.py")
        for name in _VARIABLE.findall((PROJECT / file).read_text("utf-8"))
    }
    read |= {"CAMEO_HOME", "CAMEO_LOG_LEVEL", "XDG_CACHE_HOME"}
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (PROJECT / "docs/settings.md").read_text(), re.M)
    settings = set(re.findall(r"^(CAMEO_\w+) = ", _base(), re.M))
    assert read <= set(rows)
    assert set(rows) <= read | settings
    durations = {name for name in settings if f"{name} = timedelta" in _base()}
    assert durations <= set(rows)


def _base() -> str:
    return (PROJECT / "cameo/settings/base.py").read_text("utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_in_a_document_leads_somewhere(name: str) -> None:
    document = PROJECT / name
    for link in _LINK.findall(document.read_text("utf-8")):
        parts = urlsplit(link)
        if not parts.scheme and parts.path:
            assert (document.parent / parts.path).exists(), link


def test_every_decision_is_listed() -> None:
    pages = {name.rpartition("/")[2] for name in tracked("docs/adr/0*.md")}
    listed = set(_LINK.findall((PROJECT / "docs/adr/README.md").read_text("utf-8")))
    assert pages == listed


def test_every_event_is_documented() -> None:
    from events.kinds import EventKind

    rows = re.findall(r"^\| `([a-z_.]+)` \|", (PROJECT / "docs/events.md").read_text(), re.M)
    assert sorted(rows) == sorted(kind.value for kind in EventKind)


def test_every_command_is_documented() -> None:
    texts = "\n".join((PROJECT / name).read_text("utf-8") for name in DOCUMENTS)
    for name in tracked("*/management/commands/*.py"):
        command = name.rpartition("/")[2].removesuffix(".py")
        if command != "__init__":
            assert re.search(rf"\b{command} ?", texts), command
            assert f"manage.py {command}" in texts, command


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    for target in re.findall(r"`make ([a-z]+)`", (PROJECT / "README.md").read_text("utf-8")):
        assert re.search(rf"^{target}:", makefile, re.M), target
