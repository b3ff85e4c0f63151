"""Fetches archives and files through the clients their publishers' registries have.

`pip download` and `npm pack` are run as the user has configured them (index, proxy,
certificates), and nothing is installed. `pip download` compares the SHA-256 first
(`--require-hashes`), but then asks a source archive's build backend for its metadata, which
runs its setup.py, and has no option against it. So it is given a backend, through the
interface of PEP 517, that says name and version and runs nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
from tqdm import tqdm

from models.digests import verify_file
from models.errors import SourceUnreachable
from models.manifest import RegistrySource, Source, WebArchive, WebFile

_POLL_SECONDS: Final = 0.2
_CLIENT_SECONDS: Final = 1800
_WEB_SECONDS: Final = 30.0
_MAX_DOWNLOAD: Final = 1 << 30
_MAX_REDIRECTS: Final = 5
_WHEEL: Final = ".whl"
_BACKEND: Final = "backend"
_BACKEND_SOURCE: Final = """\
from pathlib import Path


class __legacy__:
    @staticmethod
    def get_requires_for_build_wheel(config_settings=None):
        return []

    @staticmethod
    def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
        folder = Path(metadata_directory, "{package}-{version}.dist-info")
        folder.mkdir()
        (folder / "METADATA").write_text(
            "Metadata-Version: 2.1\\nName: {package}\\nVersion: {version}\\n"
        )
        return folder.name
"""


class Fetcher(Protocol):
    """Brings an archive or a file from its source."""

    def fetch(self, source: Source, folder: Path) -> Path:
        """Returns the archive, its digest verified, or the file, in `folder`.

        Raises:
            SourceUnreachable: it can't be had from there.
            DigestMismatch: the archive is another one.
        """


class NetworkFetcher:
    """The fetcher that goes out."""

    def fetch(self, source: Source, folder: Path) -> Path:
        """Returns the archive, its digest verified, or the file, in `folder`.

        Raises:
            SourceUnreachable: it can't be had from there.
            DigestMismatch: the archive is another one.
        """
        match source:
            case RegistrySource(registry="pypi"):
                return verify_file(_with_pip(source, folder), source.archive_sha256)
            case RegistrySource():
                return verify_file(_with_npm(source, folder), source.archive_sha256)
            case WebArchive():
                path = _from_web(source.address, folder / "archive.zip")
                return verify_file(path, source.archive_sha256)
            case WebFile():
                return _from_web(source.address, folder / "file")


def describe(source: Source) -> str:
    """Returns the source in words, as a person would ask for it."""
    match source:
        case RegistrySource(registry="pypi"):
            return f"PyPI {source.package} {source.version} ({source.archive})"
        case RegistrySource():
            return f"npm {source.package} {source.version} ({source.archive})"
        case _:
            return source.address


def pip_arguments(source: RegistrySource, requirements: Path, folder: Path) -> list[str]:
    """Returns the arguments of `pip` that bring exactly this archive to `folder`.

    For a wheel they name its own platform, so that every machine gets the same archive.
    """
    arguments = ["download", "--no-deps", "--require-hashes", "--requirement", str(requirements)]
    arguments += ["--dest", str(folder), "--no-cache-dir", "--disable-pip-version-check"]
    arguments += ["--no-input", "--progress-bar", "off", "--quiet"]
    if not source.archive.endswith(_WHEEL):
        arguments += ["--no-binary", ":all:"]
        return [*arguments, "--no-build-isolation", "--use-pep517"]
    python, abi, platform = source.archive.removesuffix(_WHEEL).split("-")[-3:]
    arguments += ["--only-binary", ":all:", "--platform", platform, "--abi", abi]
    implementation, version = python[:2], python[2:]
    if implementation == "cp" and version.isdigit():
        arguments += ["--implementation", "cp", "--python-version", f"{version[0]}.{version[1:]}"]
    return arguments


def _with_pip(source: RegistrySource, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(
        f"{source.package}=={source.version} --hash=sha256:{source.archive_sha256}\n"
    )
    # pip looks for the backend of an archive that names none under this name.
    backend = folder / _BACKEND / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    source_text = _BACKEND_SOURCE.replace("{package}", source.package)
    (backend / "build_meta.py").write_text(source_text.replace("{version}", source.version))
    command = [sys.executable, "-m", "pip", *pip_arguments(source, requirements, folder)]
    return _with_client(source, command, folder)


def _with_npm(source: RegistrySource, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise SourceUnreachable("npm is not installed (system package: npm).")
    command = [npm, "pack", f"{source.package}@{source.version}", "--ignore-scripts", "--silent"]
    command += ["--pack-destination", str(folder), "--cache", str(folder / "npm-cache")]
    return _with_client(source, command, folder)


def _with_client(source: RegistrySource, command: list[str], folder: Path) -> Path:
    """Runs the client, shows how its folder grows, and returns the archive it has left."""
    log = folder / "client.log"
    path = [str(folder / _BACKEND), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(path)}
    with log.open("wb") as output, _bar(source.archive, source.archive_bytes) as bar:
        client = subprocess.Popen(  # noqa: S603 - a fixed list, no shell
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            waited = 0.0
            while not _ended(client):
                waited += _POLL_SECONDS
                if waited > _CLIENT_SECONDS:
                    raise SourceUnreachable(f"{command[0]} took too long.")
                _show(bar, _folder_bytes(folder), source.archive_bytes)
            _show(bar, source.archive_bytes, source.archive_bytes)
        finally:
            if client.poll() is None:
                client.kill()
                client.wait()
    archive = folder / source.archive
    if client.returncode != 0 or not archive.is_file():
        raise SourceUnreachable(_last_line(log))
    return archive


def _ended(client: subprocess.Popen[bytes]) -> bool:
    try:
        client.wait(timeout=_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    told = [line for line in lines if line and not line.startswith(("npm error A complete", "["))]
    return told[-1][:300] if told else "The client said nothing."


def _folder_bytes(folder: Path) -> int:
    # The client removes its temporary files and folders as it pleases: `walk` passes over those
    # folders, and what can't be asked for its size counts for nothing.
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(parent, name).stat().st_size
    return total


def _from_web(address: str, target: Path) -> Path:
    try:
        with (
            httpx.Client(
                follow_redirects=True, max_redirects=_MAX_REDIRECTS, timeout=_WEB_SECONDS
            ) as client,
            client.stream("GET", address) as response,
        ):
            response.raise_for_status()
            if response.url.scheme != "https":
                raise SourceUnreachable("The address leads away from https.")
            _save(response, target)
    except httpx.HTTPStatusError as error:
        raise SourceUnreachable(f"answered {error.response.status_code}.") from error
    except (httpx.HTTPError, OSError) as error:
        raise SourceUnreachable(f"{type(error).__name__}: {error}"[:300]) from error
    return target


def _save(response: httpx.Response, target: Path) -> None:
    told = response.headers.get("content-length", "")
    total = int(told) if told.isdigit() else None
    written = 0
    with target.open("wb") as out, _bar(response.url.path.rsplit("/", 1)[-1], total) as bar:
        for block in response.iter_bytes():
            written += len(block)
            if written > _MAX_DOWNLOAD:
                raise SourceUnreachable("The file is larger than any pack needs.")
            out.write(block)
            bar.update(len(block))


def _bar(what: str, total: int | None) -> tqdm[Any]:
    """A bar on standard error, where that is a terminal."""
    return tqdm(total=total, desc=what, unit="B", unit_scale=True, disable=None, leave=False)


def _show(bar: tqdm[Any], seen: int, total: int) -> None:
    bar.update(max(0, min(seen, total) - bar.n))
