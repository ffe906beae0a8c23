"""Images at addresses: a local server, and fsspec's file system in memory."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import tifffile
import zarr

from gym_rlseg.images import FilesSource
from gym_rlseg.images.reading.places import list_images
from gym_rlseg.images.reading.remote import is_remote

PICTURE = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "served"
    (root / "deep").mkdir(parents=True)
    for number, name in enumerate(("a.tif", "b.tif", "deep/c.tif", "a_masks.tif")):
        tifffile.imwrite(root / name, PICTURE + number)
    (root / "notes.txt").touch()
    zarr.open_group(str(root / "d.zarr"), mode="w").create_array("raw", data=PICTURE + 9)
    return root


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Serves a folder: served.show(folder); served.asked are the paths that were asked for."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, directory=str(Served.folder), **options)

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            Served.asked.append(self.path)
            super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    class Served:
        folder = tmp_path_factory.mktemp("none")
        asked: list[str] = []  # noqa: RUF012
        address = f"http://127.0.0.1:{server.server_port}"

    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["http", "memory"])
def address(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "http":
        served = request.getfixturevalue("served")
        served.folder = folder
        fsspec.filesystem("http").invalidate_cache()
        return str(served.address)
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    memory.put(str(folder), "/images", recursive=True)
    return "memory://images"


def test_what_an_address_is() -> None:
    assert all(map(is_remote, ("https://x/a.tif", "s3://bucket/a", "memory://a", "gs://b")))
    assert not any(map(is_remote, ("a.tif", "C:/a.tif", "/a://b", "a:b", "./s3://x")))


def test_a_folder(address: str) -> None:
    source = FilesSource(path=address)
    assert [*source.listing.values()] == ["a.tif", "b.tif", "d.zarr"]
    for file, expected in zip(source.all_files(), (0, 1, 9), strict=True):
        np.testing.assert_array_equal(source.raw(file)[0], PICTURE + expected)
    assert source.found.passed_over() == [
        "passed over: notes.txt (files of other kinds)",
        "passed over: a_masks.tif (label files beside images)",
    ]


def test_patterns(address: str) -> None:
    deep = list_images(address, "**/*")
    assert [*deep.images.values()] == ["a.tif", "b.tif", "d.zarr", "deep/c.tif"]
    assert [*list_images(f"{address}/*.tif").images.values()] == ["a.tif", "b.tif"]


def test_one_file(address: str) -> None:
    source = FilesSource(path=f"{address}/deep/c.tif")
    assert [*source.listing.values()] == ["c.tif"]
    assert source.sample("train", 0, 0).name == "c.tif"


def test_several_places(address: str, folder: Path) -> None:
    found = list_images((f"{address}/a.tif", f"{address}/b.tif", str(folder / "a.tif")))
    assert len({*found.images.values()}) == 3
    assert sorted(file.name for file in found.images) == ["a.tif", "a.tif", "b.tif"]


def test_nothing_is_fetched_twice(served: Any, folder: Path) -> None:
    served.folder = folder
    served.asked.clear()
    for _ in range(2):
        list_images(f"{served.address}/a.tif")
    assert served.asked.count("/a.tif") == 1
    tifffile.imwrite(folder / "a.tif", np.zeros((40, 40), np.uint8))
    (file,) = list_images(f"{served.address}/a.tif").images
    assert tifffile.imread(file).shape == (40, 40)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("memory://nothing", "there is no image file"),
        ("memory://nothing/a.tif", "there is no such file"),
        ("memory://nothing/a.zarr", "there is no such file"),
        ("nonsense://a.tif", "Protocol not known"),
        ("http://127.0.0.1:9/a.tif", "nobody answers"),
    ],
)
def test_what_can_not_be_fetched(place: str, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"{place} cannot be fetched \(.*{reason}") as caught:
        list_images(place)
    assert "check the address" in str(caught.value)


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("fsspec"):
            raise ImportError("No module named 'fsspec'")
        return original(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"fsspec.*pip install 'gym-rlseg\[remote\]'"):
        list_images("https://example.org/a.tif")
