"""Installs packs: fetch, verify, convert, verify again, put in place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from tqdm import tqdm

from models.archives import extract, is_archive
from models.converters import dlib_resnet, hse_mobilenet, minifasnet
from models.digests import sha256_of, verify_bytes, verify_file
from models.errors import (
    DigestMismatch,
    FilesMissing,
    HostileArchive,
    LicenceNotAccepted,
    ManifestError,
    SourceUnreachable,
)
from models.manifest import (
    Ingredient,
    Manifest,
    PackFile,
    Source,
    WebArchive,
    WebFile,
    load_manifest,
)
from models.runtime import CALIBRATION_FILE
from models.sources import Fetcher, describe
from models.store import Cache, put_in_place, workplace

Say = Callable[[str], None]

_CONVERTERS: Final[Mapping[str, tuple[int, Callable[..., bytes]]]] = {
    "dlib_resnet": (1, dlib_resnet.convert),
    "hse_mobilenet": (2, hse_mobilenet.convert),
    "minifasnet": (1, minifasnet.convert),
}
_MAX_IMPORTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Setting:
    """Where an installation works.

    Attributes:
        models_dir: folder that holds a folder for each installed pack.
        cache: of files by digest.
        fetcher: brings what the cache doesn't hold; None works offline.
        say: takes a line for people.
        accept_licence: whether licences against commercial use are accepted.
    """

    models_dir: Path
    cache: Cache
    fetcher: Fetcher | None
    say: Say = field(default=lambda line: None)
    accept_licence: bool = False


def is_installed(manifest: Manifest, models_dir: Path) -> bool:
    """Returns whether every file of the pack is there with the digest of its manifest."""
    paths = [(models_dir / manifest.name / file.name, file) for file in manifest.files]
    return all(
        path.is_file() and path.stat().st_size == file.bytes and sha256_of(path) == file.sha256
        for path, file in paths
    )


def verify(manifest: Manifest, models_dir: Path) -> None:
    """Compares every file of an installed pack with its manifest.

    Raises:
        FilesMissing: files are not there.
        DigestMismatch: a file is another one.
    """
    folder = models_dir / manifest.name
    missing = tuple(file.name for file in manifest.files if not (folder / file.name).is_file())
    if missing:
        raise FilesMissing(f"Pack {manifest.name} lacks {', '.join(missing)}.", files=missing)
    for file in manifest.files:
        verify_file(folder / file.name, file.sha256)


def install(name: str, setting: Setting) -> None:
    """Installs the pack, and the pack that tracks for it; does nothing where it is installed.

    Raises:
        UnknownPack: there is no such pack.
        LicenceNotAccepted: its licence forbids commercial use and wasn't accepted.
        SourceUnreachable: files can't be had; says which, and how to bring them.
        PackError: a file is not the one that it must be.
    """
    manifest = load_manifest(name)
    if is_installed(manifest, setting.models_dir):
        setting.say(f"Pack {name} is installed.")
    else:
        _agree(manifest, setting)
        _install(manifest, setting)
    if manifest.tracker is not None:
        install(manifest.tracker, setting)


def _install(manifest: Manifest, setting: Setting) -> None:
    with workplace(setting.models_dir) as work:
        _Installation(manifest, setting, work).run()


def import_files(name: str, paths: Sequence[Path], setting: Setting) -> None:
    """Installs the pack from files that were brought by hand.

    Files are known by their digest, not by their name; what isn't needed is passed over.

    Args:
        name: of the pack.
        paths: files, archives, or folders with such, that hold the publishers' files or
            prepared ones. What they lack may be in the cache.
        setting: its fetcher isn't used.

    Raises:
        UnknownPack: there is no such pack.
        LicenceNotAccepted: its licence forbids commercial use and wasn't accepted.
        FilesMissing: files are still missing; those found so far are kept in the cache.
        PackError: a file is not the one that it must be.
    """
    manifest = load_manifest(name)
    _agree(manifest, setting)
    with workplace(setting.models_dir) as work:
        installation = _Installation(manifest, setting, work)
        installation.take(paths)
        installation.run(offline=True)


def _agree(manifest: Manifest, setting: Setting) -> None:
    """Says the licences, and stops where one must be accepted and wasn't."""
    for file in manifest.files:
        licence = file.licence
        setting.say(f"{file.name}: {licence.spdx}. {licence.permits} {licence.link}")
        setting.say(f"  Trained on: {file.training_data}")
    if not manifest.commercial_use and not setting.accept_licence:
        raise LicenceNotAccepted(
            f"Pack {manifest.name} may not be used commercially. If you may use it, "
            f"run the command again with --accept-licence."
        )


class _Installation:
    """One pack on its way: ingredients by digest in one folder, prepared files in another."""

    def __init__(self, manifest: Manifest, setting: Setting, work: Path) -> None:
        self._manifest = manifest
        self._setting = setting
        self._raw = work / "raw"
        self._download = work / "download"
        self._staged = work / "staged"
        for folder in (self._raw, self._staged):
            folder.mkdir()

    def run(self, *, offline: bool = False) -> None:
        """Prepares what isn't there yet and puts the pack in place."""
        waiting = [file for file in self._manifest.files if not self._have_prepared(file)]
        needed = {i.sha256: i for file in waiting for i in file.made_from}
        pending = [i for i in needed.values() if not self._have_raw(i)]
        if pending and (offline or self._setting.fetcher is None):
            self._keep_for_later(needed.values())
            raise FilesMissing(
                f"Pack {self._manifest.name} lacks {_listed(pending)}. {self._how_to(pending)}",
                files=tuple(ingredient.name for ingredient in pending),
            )
        self._fetch(pending)
        for file in tqdm(waiting, desc="preparing", unit="file", disable=None, leave=False):
            self._prepare(file)
        for file in self._manifest.files:
            self._setting.cache.add(self._staged / file.name, file.sha256)
        target = self._setting.models_dir / self._manifest.name
        put_in_place(self._staged, target, keep=(CALIBRATION_FILE,))
        self._setting.say(f"Pack {self._manifest.name} is installed.")

    def take(self, paths: Sequence[Path]) -> None:
        """Takes what the pack needs out of files, archives and folders."""
        files = [file for path in paths for file in _regular_files(path)]
        if len(files) > _MAX_IMPORTED:
            raise FilesMissing(f"There are over {_MAX_IMPORTED} files there.", files=())
        for path in files:
            self._take_file(path)
            if is_archive(path):
                found = self._download_folder()
                extract(path, partial(self._place, found))
                for entry in sorted(found.rglob("*")):
                    if entry.is_file():
                        self._take_file(entry)
                shutil.rmtree(found)

    def _have_prepared(self, file: PackFile) -> bool:
        """Whether the prepared file is staged, or can be from the pack as it is or the cache."""
        staged = self._staged / file.name
        present = self._setting.models_dir / self._manifest.name / file.name
        if staged.is_file():
            return True
        if present.is_file() and sha256_of(present) == file.sha256:
            shutil.copyfile(present, staged)
            return True
        return self._setting.cache.copy_to(file.sha256, staged)

    def _have_raw(self, ingredient: Ingredient) -> bool:
        raw = self._raw / ingredient.sha256
        return raw.is_file() or self._setting.cache.copy_to(ingredient.sha256, raw)

    def _keep_for_later(self, ingredients: Iterable[Ingredient]) -> None:
        for ingredient in ingredients:
            if (self._raw / ingredient.sha256).is_file():
                self._setting.cache.add(self._raw / ingredient.sha256, ingredient.sha256)
        for file in self._manifest.files:
            if (self._staged / file.name).is_file():
                self._setting.cache.add(self._staged / file.name, file.sha256)

    def _fetch(self, pending: Sequence[Ingredient]) -> None:
        lacking = []
        for ingredient in pending:
            tried: list[str] = []
            # An earlier archive may have held this one too.
            if not (self._raw / ingredient.sha256).is_file():
                tried = self._fetch_one(ingredient, pending)
            if not (self._raw / ingredient.sha256).is_file():
                lacking.append(ingredient)
                for line in tried:
                    self._setting.say(f"  {line}")
        if lacking:
            self._keep_for_later(pending)
            raise SourceUnreachable(f"Can't fetch {_listed(lacking)}. {self._how_to(lacking)}")

    def _fetch_one(self, ingredient: Ingredient, pending: Sequence[Ingredient]) -> list[str]:
        """Tries the sources in order; returns what was wrong with those that failed."""
        tried: list[str] = []
        fetcher = self._setting.fetcher
        if fetcher is None:
            return tried
        for source in ingredient.sources:
            self._setting.say(f"Fetching {ingredient.name} from {describe(source)}")
            folder = self._download_folder()
            try:
                self._unpack(fetcher.fetch(source, folder), source, ingredient, pending)
            except SourceUnreachable as error:
                tried.append(f"{describe(source)}: {error.message}")
                continue
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return []
        return tried

    def _unpack(
        self, path: Path, source: Source, ingredient: Ingredient, pending: Sequence[Ingredient]
    ) -> None:
        """Takes the ingredient, and every other one that the same archive holds."""
        if isinstance(source, WebFile):
            self._accept(path, ingredient)
            return
        wanted = {
            member: other
            for other in pending
            if (member := _member_of(other, source.archive_sha256)) is not None
        }
        folder = path.parent / "members"
        folder.mkdir()

        def choose(member: str, size: int) -> Path | None:
            match = _wanted_member(member, wanted, anywhere=isinstance(source, WebArchive))
            return folder / match.sha256 if match is not None and size == match.bytes else None

        extract(path, choose)
        for other in wanted.values():
            if (folder / other.sha256).is_file():
                self._accept(folder / other.sha256, other)
        if not (self._raw / ingredient.sha256).is_file():
            raise HostileArchive(f"{path.name} doesn't hold {ingredient.name}.")

    def _accept(self, path: Path, ingredient: Ingredient) -> None:
        found = sha256_of(path)
        if found != ingredient.sha256:
            raise DigestMismatch(ingredient.name, expected=ingredient.sha256, found=found)
        path.replace(self._raw / ingredient.sha256)

    def _prepare(self, file: PackFile) -> None:
        staged = self._staged / file.name
        raw = [self._raw / ingredient.sha256 for ingredient in file.made_from]
        if file.converter is None:
            shutil.copyfile(raw[0], staged)
        else:
            inputs, convert = _converter(file)
            if len(raw) != inputs:
                raise ManifestError(f"{file.name}: {file.converter} reads {inputs} files.")
            # Kept too: the next converter starts from it, and the parity tests do.
            for path in raw:
                self._setting.cache.add(path, path.name)
            content = convert(*(path.read_bytes() for path in raw))
            staged.write_bytes(verify_bytes(file.name, content, file.sha256))
        verify_file(staged, file.sha256)

    def _place(self, folder: Path, member: str, size: int) -> Path | None:
        """Where to unpack a member whose length is that of something needed."""
        if size not in {known.bytes for known in self._known()}:
            return None
        own = folder / str(len(list(folder.iterdir())))
        own.mkdir()
        return own / PurePosixPath(member).name

    def _take_file(self, path: Path) -> None:
        size = path.stat().st_size
        known = self._known()
        digest = sha256_of(path) if size in {one.bytes for one in known} else None
        for one in known:
            if digest == one.sha256:
                folder, name = (
                    (self._staged, one.name) if isinstance(one, PackFile) else (self._raw, digest)
                )
                shutil.copyfile(path, folder / name)
        if all(digest != one.sha256 for one in known):
            named = [one for one in known if one.name == path.name]
            if named:
                found = digest or sha256_of(path)
                raise DigestMismatch(path.name, expected=named[0].sha256, found=found)

    def _known(self) -> list[PackFile | Ingredient]:
        files = self._manifest.files
        return [*files, *(ingredient for file in files for ingredient in file.made_from)]

    def _download_folder(self) -> Path:
        shutil.rmtree(self._download, ignore_errors=True)
        self._download.mkdir()
        return self._download

    def _how_to(self, lacking: Sequence[Ingredient]) -> str:
        held = sorted({describe(i.sources[0]) for i in lacking})
        return (
            f"Bring them from another machine with `manage.py models import "
            f"{self._manifest.name} PATH`, where PATH is a folder with these files, or with "
            f"what holds them: {'; '.join(held)}."
        )


def _converter(file: PackFile) -> tuple[int, Callable[..., bytes]]:
    try:
        return _CONVERTERS[file.converter or ""]
    except KeyError:
        raise ManifestError(f"{file.name}: no conversion is called {file.converter}.") from None


def _member_of(ingredient: Ingredient, archive_sha256: str) -> str | None:
    for source in ingredient.sources:
        if not isinstance(source, WebFile) and source.archive_sha256 == archive_sha256:
            return source.member
    return None


def _wanted_member(
    member: str, wanted: Mapping[str, Ingredient], *, anywhere: bool
) -> Ingredient | None:
    """The ingredient of this path; in a zip from the web it may lie in some folder."""
    if member in wanted:
        return wanted[member]
    return wanted.get(PurePosixPath(member).name) if anywhere else None


def _regular_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(entry for entry in path.rglob("*") if entry.is_file())
    if not path.is_file():
        raise FilesMissing(f"There is no file or folder {path}.", files=(path.name,))
    return [path]


def _listed(ingredients: Sequence[Ingredient]) -> str:
    return ", ".join(ingredient.name for ingredient in ingredients)
