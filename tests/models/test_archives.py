from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import pytest

from models.archives import extract, is_archive
from models.errors import HostileArchive
from tests.models.small_packs import tar_of, zip_of


def _archive(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def _extract_all(archive: Path, tmp_path: Path) -> dict[str, bytes]:
    out = tmp_path / "out"
    out.mkdir()
    places: dict[str, Path] = {}

    def choose(member: str, size: int) -> Path:
        places[member] = out / str(len(places))
        return places[member]

    extract(archive, choose)
    return {member: path.read_bytes() for member, path in places.items()}


@pytest.mark.parametrize("name", ["a.zip", "a.whl", "a.tar.gz", "a.tgz"])
def test_members_are_given_as_they_are(tmp_path: Path, name: str) -> None:
    members = {"x/one.bin": b"1" * 5000, "two.bin": b""}
    make = zip_of if name.endswith(("zip", "whl")) else tar_of

    assert _extract_all(_archive(tmp_path, name, make(members)), tmp_path) == members


def test_only_what_is_chosen_is_written(tmp_path: Path) -> None:
    archive = _archive(tmp_path, "a.zip", zip_of({"wanted": b"1", "unwanted": b"2"}))
    target = tmp_path / "target"

    extract(archive, lambda member, size: target if member == "wanted" else None)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "target"]


@pytest.mark.parametrize(
    "member", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "a/b/../../../evil"]
)
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_path_that_leads_out_refuses_the_whole_archive(
    tmp_path: Path, member: str, kind: str
) -> None:
    make = zip_of if kind == "zip" else tar_of
    archive = _archive(tmp_path, f"a.{kind}", make({"good": b"1", member: b"2"}))

    with pytest.raises(HostileArchive):
        _extract_all(archive, tmp_path)
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path.parent / "evil").exists()


def test_links_in_a_tar_are_passed_over(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as opened:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
        device = tarfile.TarInfo("device")
        device.type = tarfile.CHRTYPE
        opened.addfile(device)
    archive = _archive(tmp_path, "a.tar.gz", out.getvalue())

    assert _extract_all(archive, tmp_path) == {}


def test_a_member_longer_than_its_header_says_is_refused(tmp_path: Path) -> None:
    honest = zip_of({"bomb": b"\0" * 100_000})
    lying = honest.replace(struct.pack("<I", 100_000), struct.pack("<I", 10))
    assert lying != honest

    with pytest.raises(HostileArchive):
        _extract_all(_archive(tmp_path, "a.zip", lying), tmp_path)
    assert sum(p.stat().st_size for p in (tmp_path / "out").iterdir()) < 100_000


def test_a_tar_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as opened:
        entry = tarfile.TarInfo("bomb")
        entry.size = 3 << 30
        opened.fileobj.write(entry.tobuf())
    archive = _archive(tmp_path, "a.tar.gz", out.getvalue())

    with pytest.raises(HostileArchive):
        extract(archive, lambda member, size: None)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    doubled = zip_of({"a1": b"1", "a2": b"2"}).replace(b"a2", b"a1")

    with pytest.raises(HostileArchive):
        _extract_all(_archive(tmp_path, "a.zip", doubled), tmp_path)


@pytest.mark.parametrize("name", ["a.zip", "a.whl", "a.tgz", "a.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_archive_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(HostileArchive):
        _extract_all(_archive(tmp_path, name, content), tmp_path)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_truncated_archive_is_refused(tmp_path: Path, kind: str) -> None:
    make = zip_of if kind == "zip" else tar_of
    whole = make({"one": bytes(range(256)) * 200})
    archive = _archive(tmp_path, f"a.{kind}", whole[: len(whole) // 2])

    with pytest.raises(HostileArchive):
        extract(archive, lambda member, size: tmp_path / "out")


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    damaged = bytearray(zip_of({"one": bytes(range(256)) * 200}))
    damaged[len(damaged) // 3] ^= 0xFF

    with pytest.raises(HostileArchive):
        extract(_archive(tmp_path, "a.zip", bytes(damaged)), lambda m, s: tmp_path / "out")


def test_archives_are_known_by_their_names() -> None:
    assert [is_archive(Path(n)) for n in ("a.WHL", "a.zip", "a.tgz", "a.tar.gz")] == [True] * 4
    assert not is_archive(Path("a.onnx"))
