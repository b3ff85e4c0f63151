from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import (
    DigestMismatch,
    FilesMissing,
    HostileArchive,
    LicenceNotAccepted,
    ManifestError,
    SourceUnreachable,
)
from models.install import import_files, install, is_installed, verify
from models.manifest import Manifest, WebArchive, WebFile
from tests.models.small_packs import (
    ARCHIVE,
    NAME,
    ONE,
    TWO,
    Declare,
    ShelfFetcher,
    digest,
    left_over,
    manifest_of,
    pack_file,
    registry_source,
    setting_in,
    with_other_digest,
    zip_of,
)

ROOT = Path(__file__).parents[2]


def test_a_pack_is_installed_with_one_visit_to_its_archive(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    install("tiny", setting_in(tmp_path, shelf))

    assert is_installed(tiny, tmp_path / "models")
    assert (tmp_path / "models" / "tiny" / "two.bin").read_bytes() == TWO
    assert len(shelf.asked) == 1
    assert left_over(tmp_path) == ["tiny"], "archives are gone"
    verify(tiny, tmp_path / "models")


def test_an_installed_pack_is_left_alone(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    install("tiny", setting_in(tmp_path, shelf))
    install("tiny", setting_in(tmp_path, shelf))

    assert len(shelf.asked) == 1


def test_a_second_checkout_installs_from_the_cache_without_a_network(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    install("tiny", setting_in(tmp_path, shelf))
    second = replace(setting_in(tmp_path, None), models_dir=tmp_path / "second")

    install("tiny", second)

    assert is_installed(tiny, tmp_path / "second")


def test_a_damaged_cache_is_not_believed(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    install("tiny", setting_in(tmp_path, shelf))
    (tmp_path / "cache" / digest(ONE)).write_bytes(b"evil" * 750)
    second = replace(setting_in(tmp_path, shelf), models_dir=tmp_path / "second")

    install("tiny", second)

    assert is_installed(tiny, tmp_path / "second")
    assert len(shelf.asked) == 2


def test_a_cache_that_can_not_be_written_stops_nothing(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")

    install("tiny", setting_in(tmp_path, shelf))

    assert is_installed(tiny, tmp_path / "models")


def test_a_damaged_pack_is_mended_and_the_deployers_calibration_kept(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    install("tiny", setting_in(tmp_path, shelf))
    folder = tmp_path / "models" / "tiny"
    (folder / "one.bin").write_bytes(b"x")
    (folder / "calibration.toml").write_text("mine")

    install("tiny", setting_in(tmp_path, shelf))

    verify(tiny, tmp_path / "models")
    assert (folder / "calibration.toml").read_text() == "mine"
    assert left_over(tmp_path) == ["tiny"]


def test_an_archive_with_another_digest_is_refused_with_both_digests(
    tmp_path: Path, tiny: Manifest
) -> None:
    evil = zip_of({"pkg/one.bin": ONE, "pkg/two.bin": b"evil"})

    with pytest.raises(DigestMismatch) as caught:
        install("tiny", setting_in(tmp_path, ShelfFetcher({NAME: evil})))

    assert caught.value.file == NAME
    assert (caught.value.expected, caught.value.found) == (digest(ARCHIVE), digest(evil))
    assert left_over(tmp_path) == []


def test_a_member_with_another_digest_is_refused_by_name(tmp_path: Path, declare: Declare) -> None:
    good = pack_file("one.bin", ONE, registry_source(ARCHIVE, "pkg/one.bin"))
    declare(manifest_of(with_other_digest(good)))

    with pytest.raises(DigestMismatch) as caught:
        install("tiny", setting_in(tmp_path, ShelfFetcher({NAME: ARCHIVE})))

    assert (caught.value.file, caught.value.found) == ("one.bin", digest(ONE))
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("members", [{"pkg/../../one.bin": ONE}, {"pkg/elsewhere.bin": ONE}])
def test_an_archive_that_leads_out_or_lacks_the_member_is_refused(
    tmp_path: Path, declare: Declare, members: dict[str, bytes]
) -> None:
    archive = zip_of(members)
    declare(manifest_of(pack_file("one.bin", ONE, registry_source(archive, "pkg/one.bin"))))

    with pytest.raises(HostileArchive):
        install("tiny", setting_in(tmp_path, ShelfFetcher({NAME: archive})))

    assert left_over(tmp_path) == []


def test_a_member_of_another_length_is_never_unpacked(tmp_path: Path, declare: Declare) -> None:
    archive = zip_of({"pkg/one.bin": b"\0" * 50_000_000})
    declare(manifest_of(pack_file("one.bin", ONE, registry_source(archive, "pkg/one.bin"))))

    with pytest.raises(HostileArchive, match=r"one\.bin"):
        install("tiny", setting_in(tmp_path, ShelfFetcher({NAME: archive})))


def test_the_second_source_is_tried_when_the_first_is_not_there(
    tmp_path: Path, declare: Declare
) -> None:
    address = "https://example.org/one.bin"
    declare(
        manifest_of(
            pack_file("one.bin", ONE, registry_source(ARCHIVE, "pkg/one.bin"), WebFile(address))
        )
    )
    shelf = ShelfFetcher({address: ONE})

    install("tiny", setting_in(tmp_path, shelf))

    assert shelf.asked[-1] == address
    assert len(shelf.asked) == 2


def test_a_zip_from_the_web_may_hold_its_files_in_a_folder(
    tmp_path: Path, declare: Declare
) -> None:
    address = "https://example.org/pack.zip"
    archive = zip_of({"pack/one.bin": ONE})
    source = WebArchive(address, digest(archive), "one.bin")
    manifest = manifest_of(pack_file("one.bin", ONE, source))
    declare(manifest)

    install("tiny", setting_in(tmp_path, ShelfFetcher({address: archive})))

    assert is_installed(manifest, tmp_path / "models")


def test_without_a_network_the_missing_files_and_the_way_to_bring_them_are_said(
    tmp_path: Path, tiny: Manifest
) -> None:
    lines: list[str] = []

    with pytest.raises(SourceUnreachable) as caught:
        install("tiny", replace(setting_in(tmp_path, ShelfFetcher()), say=lines.append))

    for part in ("one.bin", "two.bin", "models import tiny PATH", NAME):
        assert part in caught.value.message
    assert any("No network in this test." in line for line in lines)
    assert left_over(tmp_path) == []


def test_what_was_fetched_before_a_source_failed_is_not_fetched_again(
    tmp_path: Path, declare: Declare
) -> None:
    other = zip_of({"pkg/two.bin": TWO})
    manifest = manifest_of(
        pack_file("one.bin", ONE, registry_source(ARCHIVE, "pkg/one.bin")),
        pack_file("two.bin", TWO, registry_source(other, "pkg/two.bin", name="other-1.0.zip")),
    )
    declare(manifest)
    shelf = ShelfFetcher({NAME: ARCHIVE})
    with pytest.raises(SourceUnreachable):
        install("tiny", setting_in(tmp_path, shelf))

    shelf = ShelfFetcher({"other-1.0.zip": other})
    install("tiny", setting_in(tmp_path, shelf))

    assert is_installed(manifest, tmp_path / "models")
    assert len(shelf.asked) == 1


def test_the_licence_is_said_before_anything_is_written(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    seen: list[tuple[str, bool]] = []

    def say(line: str) -> None:
        seen.append((line, (tmp_path / "models").exists()))

    install("tiny", replace(setting_in(tmp_path, shelf), say=say))

    assert "CC0-1.0" in seen[0][0]
    assert "Trained on" in seen[1][0]
    assert not seen[0][1]


def test_a_licence_against_commercial_use_must_be_accepted(
    tmp_path: Path, declare: Declare, shelf: ShelfFetcher, tiny: Manifest
) -> None:
    manifest = replace(tiny, commercial_use=False)
    declare(manifest)

    with pytest.raises(LicenceNotAccepted, match="--accept-licence"):
        install("tiny", setting_in(tmp_path, shelf))
    with pytest.raises(LicenceNotAccepted):
        import_files("tiny", [tmp_path], setting_in(tmp_path, None))
    assert shelf.asked == []
    assert not (tmp_path / "models").exists()

    install("tiny", setting_in(tmp_path, shelf, accept_licence=True))
    assert is_installed(manifest, tmp_path / "models")


def test_the_pack_that_tracks_is_installed_with_it(
    tmp_path: Path, declare: Declare, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    extra = zip_of({"pkg/extra.bin": b"extra"})
    source = registry_source(extra, "pkg/extra.bin", name="extra-1.0.zip")
    file = replace(pack_file("extra.bin", b"extra", source), role="pad")
    declare(replace(manifest_of(file, name="extra"), tracker="tiny"))
    shelf.shelf["extra-1.0.zip"] = extra

    install("extra", setting_in(tmp_path, shelf))

    assert left_over(tmp_path) == ["extra", "tiny"]


def test_an_unknown_conversion_is_refused(tmp_path: Path, declare: Declare) -> None:
    file = pack_file("one.bin", ONE, registry_source(ARCHIVE, "pkg/one.bin"))
    declare(manifest_of(replace(file, converter="alchemy")))

    with pytest.raises(ManifestError, match="alchemy"):
        install("tiny", setting_in(tmp_path, ShelfFetcher({NAME: ARCHIVE})))
    assert left_over(tmp_path) == []


def test_verification_names_what_is_missing_or_changed(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    with pytest.raises(FilesMissing):
        verify(tiny, tmp_path / "models")
    install("tiny", setting_in(tmp_path, shelf))
    (tmp_path / "models" / "tiny" / "one.bin").write_bytes(b"x")

    with pytest.raises(DigestMismatch, match=r"one\.bin"):
        verify(tiny, tmp_path / "models")


def test_a_killed_installation_counts_for_nothing_and_is_cleared_away(
    tmp_path: Path, tiny: Manifest, shelf: ShelfFetcher
) -> None:
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        import models.install as i
        from models.store import Cache
        from tests.models.small_packs import ARCHIVE, NAME, ShelfFetcher, tiny_manifest

        tiny = tiny_manifest()
        i.load_manifest = {"tiny": tiny}.__getitem__
        prepare = i._Installation._prepare
        def killed(self, file):
            if file.name == "two.bin":
                os.kill(os.getpid(), signal.SIGKILL)
            prepare(self, file)
        i._Installation._prepare = killed
        folder = Path(sys.argv[1])
        i.install("tiny", i.Setting(folder / "models", Cache(folder / "cache"),
                                    ShelfFetcher({NAME: ARCHIVE})))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, env=os.environ, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert not is_installed(tiny, tmp_path / "models")
    assert not (tmp_path / "models" / "tiny").exists()
    assert left_over(tmp_path), "the killed one has left its workplace"

    install("tiny", setting_in(tmp_path, shelf))

    assert is_installed(tiny, tmp_path / "models")
    assert left_over(tmp_path) == ["tiny"]
