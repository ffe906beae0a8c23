"""Small image files of known content, one of every format and layout, for `formats.py`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image

SHAPE = (80, 96)
_PLACES = ((15, 14), (17, 47), (16, 79), (42, 22), (46, 64), (66, 14), (66, 44))
#: Channels of the files that have several; the objects are in one of them.
CHANNELS, NAMES = 5, ("DAPI", "GFP", "RFP", "Cy5", "phase")

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An image in [0, 1], (H, W), and its true labels."""

    image: NDArray[np.float64]
    truth: NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table.

    Attributes:
        name: of the format.
        file: name of the file.
        write: makes it, from scenes of which most use the first.
        options: how it must be read: options of `FilesSource` and of `rlseg segment`.
        pages: how many of the scenes are in the file, page by page.
        colour: whether the run takes the brightness of colours.
        inside: where the file has pixels at all.
        says: what an error must name, where reading is refused on purpose.
        beside: options whose value is the name of something that lies beside the file.
        served: whether it is read from a server, by its address.
    """

    name: str
    file: str
    write: Callable[[Path, list[Scene]], Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    pages: int = 1
    colour: bool = False
    inside: NDArray[np.bool_] | None = None
    says: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    served: bool = False


def scene(seed: int, shift: int = 0) -> Scene:
    """Seven discs on noisy ground, which neither turns nor mirrors into itself."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = 0.2 + 0.03 * rng.standard_normal(SHAPE)
    truth = np.zeros(SHAPE, np.uint16)
    for number, (y, x) in enumerate(_PLACES, start=1):
        dy, dx = rng.uniform(-2, 2, 2)
        inside = np.hypot(yy - y - dy, xx - x - dx - shift) <= 9.5
        image[inside] += 0.4
        truth[inside] = number
    return Scene(image=image.clip(0, 1), truth=truth)


def u8(one: Scene) -> NDArray[np.uint8]:
    """The image with 8 bits."""
    return (255 * one.image).astype(np.uint8)


def u16(one: Scene) -> NDArray[np.uint16]:
    """The same with 16."""
    return (40_000 * one.image).astype(np.uint16)


def rgb(one: Scene) -> NDArray[np.uint8]:
    """Red objects on blue ground, which differ in brightness, too."""
    grey = u8(one)
    return np.stack([grey, grey // 2, 60 + grey // 4], axis=2)


def channels(one: Scene) -> NDArray[np.uint16]:
    """(C, H, W) with the image in channel 1 and other things in the others."""
    rng = np.random.default_rng(9)
    planes = rng.integers(0, 9000, (CHANNELS, *SHAPE)).astype(np.uint16)
    planes[1] = u16(one)
    return planes


def stack(scenes: list[Scene], count: int = 3) -> NDArray[np.uint16]:
    """(N, H, W)."""
    return np.stack([u16(one) for one in scenes[:count]])


def holey(one: Scene) -> NDArray[np.float32]:
    """Without the right fifth, which is NaN."""
    image = one.image.astype(np.float32)
    image[:, 80:] = np.nan
    return image


def _tiff(make: Callable[[list[Scene]], Array], **options: Any) -> Callable[..., None]:
    return lambda path, scenes: tifffile.imwrite(path, make(scenes), **options)


def _pillow(make: Callable[[Scene], Image.Image], **options: Any) -> Callable[..., None]:
    return lambda path, scenes: make(scenes[0]).save(path, **options)


def _one(make: Callable[[Scene], Array]) -> Callable[[list[Scene]], Array]:
    return lambda scenes: make(scenes[0])


def _exif(one: Scene, code: int) -> bytes:
    """A JPEG whose pixels are turned, and that says so."""
    # What Exif's orientation tells to undo: turned left, upside down, and so on.
    turn = {3: lambda a: np.rot90(a, 2), 6: np.rot90, 8: lambda a: np.rot90(a, -1)}[code]
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = code
    Image.fromarray(np.ascontiguousarray(turn(u8(one)))).save(
        file, "JPEG", exif=exif.tobytes(), quality=95
    )
    return file.getvalue()


def _gif(path: Path, scenes: list[Scene]) -> None:
    first, *others = (Image.fromarray(u8(one)) for one in scenes[:3])
    first.save(path, save_all=True, append_images=others, duration=50)


def _pyramid(path: Path, scenes: list[Scene], twice: bool = False) -> None:
    """Two levels; `twice`: the second is the scene."""
    image = u16(scenes[0])
    image = np.kron(image, np.ones((2, 2), np.uint16)) if twice else image
    with tifffile.TiffWriter(path, ome=True) as tiff:
        options: dict[str, Any] = {"tile": (32, 32), "photometric": "minisblack"}
        tiff.write(image, subifds=1, metadata={"axes": "YX"}, **options)
        tiff.write(image[::2, ::2], subfiletype=1, **options)


def _series(path: Path, scenes: list[Scene]) -> None:
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(u16(scenes[1])[:40, :50], metadata={"Name": "overview"})
        tiff.write(u16(scenes[0]), metadata={"Name": "field"})


def _jpeg_tiff(path: Path, scenes: list[Scene]) -> None:
    Image.fromarray(u8(scenes[0])).save(path, compression="jpeg")


def _hdf5(path: Path, **datasets: Array) -> None:
    with h5py.File(path, "w") as file:
        for name, array in datasets.items():
            file.create_dataset(name.replace("__", "/"), data=array)


def _ilastik(path: Path, scenes: list[Scene]) -> None:
    _hdf5(path, exported_data=np.moveaxis(channels(scenes[0]), 0, -1))
    tags = {"axes": [{"key": key} for key in "yxc"]}
    with h5py.File(path, "a") as file:
        file["exported_data"].attrs["axistags"] = json.dumps(tags)


def _zarr(path: Path, version: int, **arrays: Array) -> None:
    root = zarr.open_group(path, mode="w", zarr_format=version)
    for name, array in arrays.items():
        root.create_array(name, data=array)


def _ome_zarr(path: Path, version: str, planes: Array, axes: str, names: tuple[str, ...]) -> None:
    """Two levels and a label image within, by the specification's letter."""
    new = version == "0.5"
    root = zarr.open_group(path, mode="w", zarr_format=3 if new else 2)
    kinds = {"t": "time", "c": "channel"}
    levels = []
    for level in range(2):
        step = 2**level
        separator: Any = {"name": "v2" if not new else "default", "separator": "/"}
        array = np.ascontiguousarray(planes[..., ::step, ::step])
        root.create_array(str(level), data=array, chunk_key_encoding=separator)
        scale = [0.5 * step if axis in "yx" else 1.0 for axis in axes]
        transformations = [{"type": "scale", "scale": scale}]
        levels.append({"path": str(level), "coordinateTransformations": transformations})
    units = {"y": {"unit": "micrometer"}, "x": {"unit": "micrometer"}}
    image = {
        "multiscales": [
            {
                "axes": [
                    {"name": a, "type": kinds.get(a, "space"), **units.get(a, {})} for a in axes
                ],
                "datasets": levels,
                **({} if new else {"version": version}),
            }
        ]
    }
    if names:
        image["omero"] = {"channels": [{"label": name} for name in names]}  # type: ignore[assignment]
    root.attrs.update({"ome": {"version": version, **image}} if new else image)
    labels = root.create_group("labels")
    labels.attrs.update({"ome": {"labels": ["cells"]}} if new else {"labels": ["cells"]})
    labels.create_array("cells/0", data=np.zeros(planes.shape[-2:], np.uint16))


def _bytes(make: Callable[[list[Scene]], bytes]) -> Callable[..., None]:
    return lambda path, scenes: path.write_bytes(make(scenes))


def _masked(path: Path, scenes: list[Scene]) -> None:
    """The image, and a folder of masks that leave out its right fifth."""
    tifffile.imwrite(path, u16(scenes[0]))
    folder = path.parent.with_name("regions")
    folder.mkdir()
    tifffile.imwrite(folder / path.name, LEFT.astype(np.uint8) * 255)


def _outlined(path: Path, scenes: list[Scene]) -> None:
    """The same by a polygon in a file of the image's name."""
    tifffile.imwrite(path, u16(scenes[0]))
    folder, (height, _) = path.parent.with_name("regions"), SHAPE
    folder.mkdir()
    ring = [[0, 0], [80, 0], [80, height], [0, height], [0, 0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    features = [{"type": "Feature", "geometry": geometry, "properties": {}}]
    content = {"type": "FeatureCollection", "features": features}
    (folder / f"{path.stem}.geojson").write_text(json.dumps(content))


#: All but the right fifth.
LEFT = np.broadcast_to(np.arange(SHAPE[1]) < 80, SHAPE)
_CYX: dict[str, Any] = {"photometric": "minisblack", "metadata": {"axes": "CYX"}}
_IMAGEJ: dict[str, Any] = {"imagej": True, "photometric": "minisblack"}
_FIRST: dict[str, Any] = {"channel": 1}
_EACH: dict[str, Any] = {"page": "each"}


def cases() -> list[Case]:
    """All rows, in the order of the table."""
    return [*_pictures(), *_tiffs(), *_containers(), *_others()]


def _pictures() -> list[Case]:
    img = Image.fromarray
    return [
        Case(name="PNG, grey, 8 bit", file="a.png", write=_pillow(lambda s: img(u8(s)))),
        Case(name="PNG, grey, 16 bit", file="a.png", write=_pillow(lambda s: img(u16(s)))),
        Case(name="PNG, grey and opacity", file="a.png",
             write=_pillow(lambda s: img(u8(s)).convert("LA"))),
        Case(name="PNG, palette", file="a.png", colour=True,
             write=_pillow(lambda s: img(rgb(s)).quantize(64))),
        Case(name="PNG, palette of greys", file="a.png",
             write=_pillow(lambda s: img(u8(s)).convert("P"))),
        Case(name="PNG, RGB", file="a.png", write=_pillow(lambda s: img(rgb(s))), colour=True),
        Case(name="PNG, RGBA", file="a.png", colour=True,
             write=_pillow(lambda s: img(rgb(s)).convert("RGBA"))),
        Case(name="PNG, grey saved as RGB", file="a.png",
             write=_pillow(lambda s: img(u8(s)).convert("RGB"))),
        Case(name="JPEG, grey", file="a.jpg", write=_pillow(lambda s: img(u8(s)), quality=95)),
        Case(name="JPEG, RGB", file="a.jpg", colour=True,
             write=_pillow(lambda s: img(rgb(s)), quality=95)),
        Case(name="JPEG, CMYK", file="a.jpg", colour=True,
             write=_pillow(lambda s: img(rgb(s)).convert("CMYK"), quality=95)),
        *(Case(name=f"JPEG, turned by Exif ({code})", file="a.jpg",
               write=_bytes(lambda scenes, code=code: _exif(scenes[0], code)))
          for code in (3, 6, 8)),
        Case(name="JPEG named .png", file="a.png",
             write=_pillow(lambda s: img(u8(s)), quality=95, format="JPEG")),
        Case(name="BMP, grey", file="a.bmp", write=_pillow(lambda s: img(u8(s)))),
        Case(name="BMP, RGB", file="a.bmp", write=_pillow(lambda s: img(rgb(s))), colour=True),
        Case(name="GIF, grey", file="a.gif", write=_pillow(lambda s: img(u8(s)))),
        Case(name="GIF, animated", file="a.gif", write=_gif, options=_EACH, pages=3),
    ]  # fmt: skip


def _tiffs() -> list[Case]:
    return [
        Case(name="TIFF, 8 bit", file="a.tif", write=_tiff(_one(u8))),
        Case(name="TIFF, 16 bit", file="a.tif", write=_tiff(_one(u16))),
        Case(name="TIFF, 16 bit, signed", file="a.tif",
             write=_tiff(_one(lambda s: (u16(s) // 2).astype(np.int16) - 9000))),
        Case(name="TIFF, 32 bit", file="a.tif", write=_tiff(_one(lambda s: u16(s) * np.uint32(9)))),
        Case(name="TIFF, float", file="a.tif", write=_tiff(_one(lambda s: s.image.astype("f4")))),
        Case(name="TIFF, double", file="a.tif", write=_tiff(_one(lambda s: 7.0 * s.image - 3))),
        Case(name="TIFF, float with NaN", file="a.tif", write=_tiff(_one(holey)), inside=LEFT),
        Case(name="TIFF, big-endian", file="a.tif", write=_tiff(_one(u16), byteorder=">")),
        Case(name="TIFF, BigTIFF, tiled", file="a.tif",
             write=_tiff(_one(u16), bigtiff=True, tile=(32, 32))),
        Case(name="TIFF, deflate", file="a.tif",
             write=_tiff(_one(u16), compression="zlib", predictor=True)),
        Case(name="TIFF, LZW", file="a.tif", write=_pillow(
            lambda s: Image.fromarray(u8(s)), compression="tiff_lzw")),
        Case(name="TIFF, JPEG within", file="a.tif", write=_jpeg_tiff),
        Case(name="TIFF, zero is white", file="a.tif",
             write=_tiff(_one(lambda s: 255 - u8(s)), photometric="miniswhite")),
        Case(name="TIFF, RGB", file="a.tif", write=_tiff(_one(rgb), photometric="rgb"),
             colour=True),
        Case(name="TIFF, RGBA", file="a.tif", colour=True,
             write=_tiff(_one(lambda s: np.dstack([rgb(s), np.full(SHAPE, 255, np.uint8)])),
                         photometric="rgb", extrasamples=["unassalpha"])),
        Case(name="TIFF, RGB, planes apart", file="a.tif", colour=True,
             write=_tiff(_one(lambda s: np.moveaxis(rgb(s), 2, 0)), photometric="rgb",
                         planarconfig="separate")),
        Case(name="TIFF, grey saved as RGB", file="a.tif",
             write=_tiff(_one(lambda s: np.dstack([u8(s)] * 3)), photometric="rgb")),
        Case(name="TIFF, 5 channels, CYX", file="a.tif", options=_FIRST,
             write=_tiff(_one(channels), **_CYX)),
        Case(name="TIFF, 5 channels, YXC", file="a.tif", options=_FIRST,
             write=_tiff(_one(lambda s: np.moveaxis(channels(s), 0, 2)), photometric="minisblack",
                         planarconfig="contig", metadata={"axes": "YXS"})),
        Case(name="TIFF, pages", file="a.tif", options=_EACH, pages=3,
             write=_tiff(stack, photometric="minisblack")),
        Case(name="TIFF, pages, one of them", file="a.tif", options={"page": 0},
             write=_tiff(stack, photometric="minisblack")),
        Case(name="ImageJ, stack (z)", file="a.tif", options=_EACH, pages=3,
             write=_tiff(stack, metadata={"axes": "ZYX"}, **_IMAGEJ)),
        Case(name="ImageJ, movie (t)", file="a.tif", options=_EACH, pages=3,
             write=_tiff(stack, metadata={"axes": "TYX", "fps": 5}, **_IMAGEJ)),
        Case(name="ImageJ, movie of channels", file="a.tif", options={**_EACH, **_FIRST}, pages=3,
             write=_tiff(lambda scenes: np.stack([channels(s) for s in scenes[:3]]),
                         metadata={"axes": "TCYX"}, **_IMAGEJ)),
        Case(name="ImageJ, with a pixel size", file="a.tif",
             write=_tiff(_one(u16), resolution=(2, 2), metadata={"unit": "um"}, **_IMAGEJ)),
        Case(name="OME-TIFF", file="a.ome.tif", write=_tiff(_one(u16), metadata={"axes": "YX"})),
        Case(name="OME-TIFF, a channel by name", file="a.ome.tif", options={"channel": "GFP"},
             write=_tiff(_one(channels), photometric="minisblack",
                         metadata={"axes": "CYX", "Channel": {"Name": list(NAMES)}})),
        Case(name="OME-TIFF, time and z", file="a.ome.tif", options=_EACH, pages=4,
             write=_tiff(lambda scenes: stack(scenes, 4).reshape(2, 2, *SHAPE),
                         photometric="minisblack", metadata={"axes": "TZYX"})),
        Case(name="OME-TIFF, pyramid", file="a.ome.tif", write=_pyramid),
        Case(name="OME-TIFF, pyramid, second level", file="a.ome.tif", options={"level": 1},
             write=lambda p, s: _pyramid(p, s, twice=True)),
        Case(name="OME-TIFF, one of two series", file="a.ome.tif", write=_series,
             options={"key": "field"}),
    ]  # fmt: skip


def _containers() -> list[Case]:
    gfp: dict[str, Any] = {"channel": "GFP"}
    return [
        Case(name="NumPy, (H, W)", file="a.npy", write=lambda p, s: np.save(p, s[0].image)),
        Case(name="NumPy, one plane of 5", file="a.npy", options={"page": 1},
             write=lambda p, s: np.save(p, channels(s[0]))),
        Case(name="NumPy, 12 pages", file="a.npy", options=_EACH, pages=12,
             write=lambda p, s: np.save(p, stack(s, 12))),
        Case(name="HDF5", file="a.h5", write=lambda p, s: _hdf5(p, raw=u16(s[0]))),
        Case(name="HDF5, one of several", file="a.h5", options={"key": "in/raw"},
             write=lambda p, s: _hdf5(p, in__raw=u16(s[0]), out=s[0].truth)),
        Case(name="HDF5, 12 pages", file="a.h5", options=_EACH, pages=12,
             write=lambda p, s: _hdf5(p, raw=stack(s, 12))),
        Case(name="HDF5, one plane of 5", file="a.h5", options={"page": 1},
             write=lambda p, s: _hdf5(p, raw=channels(s[0]))),
        Case(name="HDF5 of ilastik, 5 channels", file="a.h5", options=_FIRST, write=_ilastik),
        *(Case(name=f"Zarr v{v}, an array in a group", file="a.zarr",
               write=lambda p, s, v=v: _zarr(p, v, raw=u16(s[0]))) for v in (2, 3)),
        *(Case(name=f"Zarr v{v}, one of several", file="a.zarr", options={"key": "raw"},
               write=lambda p, s, v=v: _zarr(p, v, raw=u16(s[0]), truth=s[0].truth))
          for v in (2, 3)),
        *(Case(name=f"Zarr v{v}, 12 pages", file="a.zarr", options=_EACH, pages=12,
               write=lambda p, s, v=v: _zarr(p, v, raw=stack(s, 12))) for v in (2, 3)),
        *(Case(name=f"OME-Zarr {v}", file="a.ome.zarr",
               write=lambda p, s, v=v: _ome_zarr(p, v, u16(s[0]), "yx", ()))
          for v in ("0.4", "0.5")),
        *(Case(name=f"OME-Zarr {v}, second level", file="a.ome.zarr", options={"level": 1},
               write=lambda p, s, v=v: _ome_zarr(
                   p, v, np.kron(u16(s[0]), np.ones((2, 2), np.uint16)), "yx", ()))
          for v in ("0.4", "0.5")),
        *(Case(name=f"OME-Zarr {v}, a channel by name", file="a.ome.zarr", options=gfp,
               write=lambda p, s, v=v: _ome_zarr(p, v, channels(s[0]), "cyx", NAMES))
          for v in ("0.4", "0.5")),
        *(Case(name=f"OME-Zarr {v}, time and channels", file="a.ome.zarr",
               options={**_EACH, **gfp}, pages=3,
               write=lambda p, s, v=v: _ome_zarr(
                   p, v, np.stack([channels(one) for one in s[:3]]), "tcyx", NAMES))
          for v in ("0.4", "0.5")),
    ]  # fmt: skip


def _others() -> list[Case]:
    regions: dict[str, Any] = {"inside": LEFT, "beside": {"region": "../regions"}}
    return [
        Case(name="with a folder of masks", file="a.tif", write=_masked, **regions),
        Case(name="with a polygon of QuPath", file="a.tif", write=_outlined, **regions),
        Case(name="with a mask as a channel", file="a.tif", inside=LEFT, options={"region": 1},
             write=_tiff(_one(lambda s: np.stack([u16(s), LEFT.astype(np.uint16)])), **_CYX)),
        Case(name="PNG by http", file="a.png", served=True,
             write=_pillow(lambda s: Image.fromarray(u8(s)))),
        *(Case(name=f"{kind} without the package bioio", file=f"a.{kind.lower()}", says="bioio",
               write=_bytes(lambda _: b"\0" * 64)) for kind in ("CZI", "ND2", "LIF")),
    ]  # fmt: skip
