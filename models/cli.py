"""The command `models`: list, show, install, verify, import.

`add_arguments` describes it to any argparse parser, `run` does what was parsed; errors
are those of models.errors, and the caller says them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from common.errors import CameoError
from models.errors import PackError
from models.install import Setting, import_files, install, is_installed, verify
from models.manifest import Manifest, load_manifest, pack_names
from models.runtime import template_format
from models.sources import Fetcher, NetworkFetcher, describe
from models.store import Cache, cache_folder

Say = Callable[[str], None]

_ACCEPT: Final = "say that you accept a licence that forbids commercial use"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommands to a parser."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="list the packs")
    show = commands.add_parser("show", help="show a pack's files, licences and digests")
    show.add_argument("name", metavar="NAME")
    fetch = commands.add_parser("install", help="fetch, prepare and verify a pack")
    fetch.add_argument("name", metavar="NAME")
    fetch.add_argument("--accept-licence", action="store_true", help=_ACCEPT)
    check = commands.add_parser("verify", help="compare installed files with their manifests")
    check.add_argument("name", metavar="NAME", nargs="?")
    bring = commands.add_parser("import", help="install a pack from files brought by hand")
    bring.add_argument("name", metavar="NAME")
    bring.add_argument("paths", metavar="PATH", nargs="+", type=Path)
    bring.add_argument("--accept-licence", action="store_true", help=_ACCEPT)


def run(
    arguments: argparse.Namespace,
    *,
    models_dir: Path,
    say: Say,
    fetcher: Fetcher | None = None,
    cache: Path | None = None,
) -> None:
    """Does what was parsed.

    Args:
        arguments: as `add_arguments` has them parsed.
        models_dir: folder that holds a folder for each installed pack.
        say: takes each line of the result.
        fetcher: in place of the one that goes out to the registries.
        cache: in place of the user's cache folder.

    Raises:
        UnknownPack: there is no such pack.
        LicenceNotAccepted: its licence must be accepted first.
        PackError: files are missing, unreachable, or not the ones they must be.
    """

    def setting() -> Setting:
        return Setting(
            models_dir=models_dir,
            cache=Cache(cache or cache_folder()),
            fetcher=fetcher or NetworkFetcher(),
            say=say,
            accept_licence=arguments.accept_licence,
        )

    match arguments.command:
        case "list":
            _list(models_dir, say)
        case "show":
            _show(load_manifest(arguments.name), models_dir, say)
        case "install":
            install(arguments.name, setting())
        case "verify":
            _verify(arguments.name, models_dir, say)
        case "import":
            import_files(arguments.name, arguments.paths, setting())


def main(
    argv: Sequence[str],
    *,
    models_dir: Path,
    say: Say,
    fetcher: Fetcher | None = None,
    cache: Path | None = None,
) -> int:
    """Parses and runs; returns 0, or 1 after saying what was wrong."""
    parser = argparse.ArgumentParser(prog="models")
    add_arguments(parser)
    try:
        run(
            parser.parse_args(argv),
            models_dir=models_dir,
            say=say,
            fetcher=fetcher,
            cache=cache,
        )
    except CameoError as error:
        say(f"{error.code}: {error.message}")
        return 1
    return 0


def _list(models_dir: Path, say: Say) -> None:
    for name in pack_names():
        manifest = load_manifest(name)
        state = "installed" if is_installed(manifest, models_dir) else "not installed"
        use = "any use" if manifest.commercial_use else "non-commercial only"
        say(f"{name:<20} {state:<14} {use:<20} {manifest.summary}")


def _show(manifest: Manifest, models_dir: Path, say: Say) -> None:
    state = "installed" if is_installed(manifest, models_dir) else "not installed"
    say(f"{manifest.name}: {manifest.summary}")
    say(f"  {state} in {models_dir / manifest.name}")
    if manifest.tracker is not None:
        say(f"  tracked by pack {manifest.tracker}")
    if manifest.calibration is None:
        say("  fills only the role pad, beside another pack")
    else:
        say(f"  template format {template_format(manifest)}")
        say(f"  calibration: {'measured' if manifest.calibration.measured else 'not measured'}")
        say(f"    {manifest.calibration_basis}")
    for file in manifest.files:
        say(f"  {file.name} ({file.role}, {file.runtime}, {file.bytes:,} bytes)")
        say(f"    sha256 {file.sha256}")
        say(f"    {file.licence.spdx}: {file.licence.permits} {file.licence.link}")
        say(f"    trained on: {file.training_data}")
        for ingredient in file.made_from:
            sources = ", else ".join(describe(source) for source in ingredient.sources)
            say(f"    from {ingredient.name}: {sources}")


def _verify(name: str | None, models_dir: Path, say: Say) -> None:
    names = pack_names() if name is None else (name,)
    present = [n for n in names if name is not None or (models_dir / n).is_dir()]
    if not present:
        raise PackError("No pack is installed.", code="pack_files_missing")
    for each in present:
        verify(load_manifest(each), models_dir)
        say(f"Pack {each}: every file is the one in its manifest.")
