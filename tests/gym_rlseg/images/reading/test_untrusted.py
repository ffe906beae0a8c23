"""Files from strangers: none runs code, none waits for ever, none fills the memory."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from gym_rlseg.images.reading.formats import read_facts, read_image, read_labels
from gym_rlseg.images.reading.listing import image_files
from gym_rlseg.images.reading.zarr_codecs import check_codecs
from gym_rlseg.images.writing import write_labels

PICTURE = (np.arange(12 * 17) % 120).reshape(12, 17).astype(np.uint8)


class TestCodecs:
    ARRAY_2: ClassVar = {
        "zarr_format": 2, "shape": [12, 17], "chunks": [12, 17], "dtype": "|u1", "order": "C",
        "fill_value": 0, "compressor": None, "filters": None,
    }  # fmt: skip
    ARRAY_3: ClassVar = {
        "zarr_format": 3, "node_type": "array", "shape": [12, 17], "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [12, 17]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "bytes"}], "attributes": {},
    }  # fmt: skip

    @pytest.fixture
    def refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Writes metadata by hand, and tells whether they are refused before Zarr sees them."""

        def check(files: dict[str, Any], key: str | None = None) -> None:
            def opened(*args: Any, **options: Any) -> None:
                pytest.fail("the Zarr was opened")

            monkeypatch.setattr("zarr.open", opened)
            folder = tmp_path / "a.zarr"
            for name, content in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(json.dumps(content))
            with pytest.raises(ValueError, match=r"a\.zarr cannot be read \(the codec '.*pickle"):
                read_image(folder, key)
            shutil.rmtree(folder)

        return check

    def test_version_2(self, refused: Any) -> None:
        group = {"zarr_format": 2}
        for entry in (
            {"compressor": {"id": "pickle"}},
            {"filters": [{"id": "delta"}, {"id": "pickle", "protocol": 5}]},
            {"filters": [{"id": "pickle"}], "dtype": "|O"},
        ):
            array = self.ARRAY_2 | entry
            refused({".zarray": array})
            refused({".zgroup": group, "deep/.zgroup": group, "deep/raw/.zarray": array})
            # Reached by its name alone, though no group lists it.
            refused({".zgroup": group, "a/.zarray": self.ARRAY_2, "a/b/.zarray": array}, "a/b")
            both = {".zgroup": group, "raw/.zarray": self.ARRAY_2}
            refused(both | {".zmetadata": {"metadata": {"raw/.zarray": array}}})

    @pytest.mark.parametrize(
        "codec",
        [
            {"name": "numcodecs.pickle"},
            {"name": "pickle", "configuration": {}},
            {"name": "numcodecs.zlib", "configuration": {"id": "pickle"}},
            "numcodecs.pickle",
            {"name": "sharding_indexed", "configuration": {"codecs": [{"name": "x.pickle"}]}},
            {"name": "sharding_indexed", "configuration": {"index_codecs": ["pickle"]}},
        ],
        ids=str,
    )
    def test_version_3(self, refused: Any, codec: Any) -> None:
        array = self.ARRAY_3 | {"codecs": [{"name": "bytes"}, codec]}
        group = {"zarr_format": 3, "node_type": "group"}
        refused({"zarr.json": array})
        refused({"zarr.json": group, "deep/raw/zarr.json": array})
        inline = {"kind": "inline", "metadata": {"raw": array}}
        refused({"zarr.json": group | {"consolidated_metadata": inline}})

    def test_through_a_link(self, refused: Any, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        array = self.ARRAY_2 | {"compressor": {"id": "pickle"}}
        (tmp_path / "elsewhere" / ".zarray").write_text(json.dumps(array))
        (tmp_path / "a.zarr").mkdir()
        (tmp_path / "a.zarr" / "raw").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "a.zarr" / "again").symlink_to(tmp_path / "a.zarr")
        refused({".zgroup": {"zarr_format": 2}})

    @pytest.mark.parametrize("version", [2, 3])
    def test_usual_codecs_pass(self, tmp_path: Path, version: Any) -> None:
        from numcodecs import Delta

        root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=version)
        options: dict[str, Any] = {"shape": (12, 17), "dtype": "u1", "chunks": (6, 17)}
        for name, more in (
            ("plain", {"compressors": None}),
            ("filtered", {"filters": [Delta(dtype="u1")]} if version == 2 else {}),
            ("shards", {"shards": (12, 17)} if version == 3 else {}),
        ):
            root.create_array(name, **options, **more)[...] = PICTURE
            root[name].attrs["filters"] = ["pickle"]  # a user's own words are no codecs
        check_codecs(tmp_path / "a.zarr")
        for name in ("plain", "filtered", "shards"):
            np.testing.assert_array_equal(read_image(tmp_path / "a.zarr", name)[0], PICTURE)


class TestContentDecides:
    @pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xc5\xd0\xd3\xc6" * 8])
    @pytest.mark.parametrize("name", ["x.png", "x.jpg"])
    def test_eps_never_reaches_its_interpreter(
        self, tmp_path: Path, name: str, content: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from PIL import EpsImagePlugin

        def started(*args: Any, **options: Any) -> None:
            pytest.fail("Ghostscript was started")

        monkeypatch.setattr(EpsImagePlugin, "Ghostscript", started)
        box = b"%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n%%EOF\n"
        (tmp_path / name).write_bytes(content + box)
        with pytest.raises(
            ValueError, match=r"x\.\w+ cannot be read \(it is none of PNG, JPEG, BMP, GIF"
        ):
            read_image(tmp_path / name)

    def test_formats_that_are_meant_may_have_each_others_names(self, tmp_path: Path) -> None:
        Image.fromarray(PICTURE).save(tmp_path / "a.jpg", format="PNG")
        tifffile.imwrite(tmp_path / "a.png", PICTURE.astype(np.uint16) * 300)
        Image.fromarray(PICTURE).save(tmp_path / "b.tif", format="PNG")
        np.testing.assert_array_equal(read_image(tmp_path / "a.jpg")[0], PICTURE)
        np.testing.assert_array_equal(read_labels(tmp_path / "a.jpg"), PICTURE)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png")[0], PICTURE * np.uint16(300))
        np.testing.assert_array_equal(read_image(tmp_path / "b.tif")[0], PICTURE)
        Image.fromarray(PICTURE).save(tmp_path / "c.png", format="JPEG")
        with pytest.raises(ValueError, match=r"c\.png is a JPEG, whose compression alters labels"):
            read_labels(tmp_path / "c.png")


class TestOddFiles:
    @pytest.mark.parametrize("name", ["x.tif", "x.png", "x.h5", "x.zarr"])
    def test_a_pipe_is_no_image(self, tmp_path: Path, name: str) -> None:
        os.mkfifo(tmp_path / name)
        for read in (read_image, read_labels, read_facts):
            with pytest.raises(ValueError, match=rf"{name} is neither a file nor a folder"):
                read(tmp_path / name)

    def test_links_in_a_circle(self, tmp_path: Path) -> None:
        (tmp_path / "x.tif").symlink_to(tmp_path / "x.tif")
        for read in (read_image, read_facts, image_files):
            with pytest.raises(ValueError, match=r"x\.tif cannot be opened \(Too many levels"):
                read(tmp_path / "x.tif")
        assert [file.name for file in image_files(tmp_path)] == ["x.tif"]  # named, not hidden

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("x" * 300 + ".tif", r"x\.tif cannot be opened \(File name too long\)"),
            ("a\0.tif", "cannot be opened .*null"),
            ("~nobody-of-this-name/a.tif", "does not exist"),
        ],
    )
    def test_names_that_no_file_has(self, path: str, message: str) -> None:
        for read in (read_image, read_labels, image_files):
            with pytest.raises(ValueError, match=message):
                read(path)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
    def test_folders_that_nobody_may_look_into(self, tmp_path: Path) -> None:
        inner = tmp_path / "locked"
        inner.mkdir()
        write_labels(inner / "a.tif", PICTURE)
        write_labels(tmp_path / "b.tif", PICTURE)
        try:
            inner.chmod(0o400)
            assert tmp_path / "b.tif" in image_files(tmp_path, "**/*")
            with pytest.raises(ValueError, match=r"a\.tif cannot be opened \(Permission denied\)"):
                read_image(inner / "a.tif")
            with pytest.raises(ValueError, match="locked cannot be listed"):
                image_files(inner)
        finally:
            inner.chmod(0o700)


class TestSize:
    def tiny_but_huge(self, path: Path, side: int) -> Path:
        """A file of a few bytes that says it holds side x side pixels."""
        if path.suffix == ".tif":
            tifffile.imwrite(path, shape=(side, side), dtype=np.uint8, compression="zlib",
                             data=iter([b""]), rowsperstrip=side)  # fmt: skip
        elif path.suffix == ".png":
            header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
            chunks = b""
            for kind, data in ((b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")):
                checksum = struct.pack(">I", zlib.crc32(kind + data))
                chunks += struct.pack(">I", len(data)) + kind + data + checksum
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
        elif path.suffix == ".h5":
            with h5py.File(path, "w") as file:
                file.create_dataset("raw", (side, side), "u1", chunks=(64, 64))
        else:
            root = zarr.open_group(str(path), mode="w")
            root.create_array("raw", shape=(side, side), dtype="u1", chunks=(64, 64))
        return path

    @pytest.mark.parametrize("suffix", [".tif", ".png", ".h5", ".zarr"])
    def test_refused_before_it_is_decoded(self, tmp_path: Path, suffix: str) -> None:
        path = self.tiny_but_huge(tmp_path / f"a{suffix}", 12_000)
        message = rf"a{suffix} holds .*12000 x 12000 values, more than most_pixels = 1000000;"
        with pytest.raises(ValueError, match=message):
            read_image(path, most_pixels=1_000_000)

    @pytest.mark.parametrize("suffix", [".tif", ".h5", ".zarr"])
    def test_there_is_a_limit_by_default(self, tmp_path: Path, suffix: str) -> None:
        path = self.tiny_but_huge(tmp_path / f"a{suffix}", 30_000)
        for read in (read_image, read_labels):
            with pytest.raises(ValueError, match="30000 x 30000 values, more than most_pixels"):
                read(path)

    def test_pillows_own_limit(self, tmp_path: Path) -> None:
        path = self.tiny_but_huge(tmp_path / "a.png", 30_000)
        with pytest.raises(ValueError, match=r"a\.png cannot be read \(too large for Pillow, save"):
            read_image(path)

    def test_channels_count(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", np.zeros((10, 10, 3), np.uint8), photometric="rgb")
        assert read_image(tmp_path / "a.tif", most_pixels=300).shape == (3, 10, 10)
        with pytest.raises(ValueError, match="10 x 10 x 3 values, more than most_pixels = 299"):
            read_image(tmp_path / "a.tif", most_pixels=299)

    def test_no_memory_left(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def exhausted(*args: Any, **options: Any) -> None:
            raise MemoryError

        tifffile.imwrite(tmp_path / "a.tif", PICTURE)
        monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", exhausted)
        with pytest.raises(ValueError, match=r"a\.tif cannot be read \(it takes more memory than"):
            read_image(tmp_path / "a.tif")
