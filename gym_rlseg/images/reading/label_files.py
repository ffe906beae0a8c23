"""Which label file belongs to which image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gym_rlseg.images.reading.listing import image_files, labelled_stem
from gym_rlseg.images.reading.pages import file_stem, page_path, split_page
from gym_rlseg.paths import user_path


def label_candidates(
    images: Sequence[Path], names: Sequence[str], labels: str | Path
) -> Mapping[Path, list[Path]]:
    """For every image the label files that carry its stem; exactly one is right.

    The labels of a page are the same page of the file with the same stem as the image's
    file, or a file of its own with the stem of the page. Where none has the stem, "_masks",
    "_labels" or the like may stand behind it; so labels may lie beside their images.

    Args:
        images: paths of image files or of their pages.
        names: the same relative to the folder of images; sub-folders must agree.
        labels: a folder, or the one label file for a single image file.

    Raises:
        ValueError: if there are no label files, or a single one for several image files.
    """
    root = user_path(labels)
    listed = image_files(root, "**/*")
    if listed[0] == root:
        if len({split_page(image)[0] for image in images}) > 1:
            raise ValueError(
                f"labels is the single file {root}, but there are {len(images)} images; give a "
                "folder of label files"
            )
        return {image: [_same_page(root, image)] for image in images}
    found: dict[tuple[Path, str], list[Path]] = {}
    behind: dict[tuple[Path, str], list[Path]] = {}
    for file in listed:
        folder = file.parent.relative_to(root)
        found.setdefault((folder, file_stem(file)), []).append(file)
        # Cellpose's _seg.npy are no arrays.
        if (stem := labelled_stem(file)) is not None and file.suffix.lower() != ".npy":
            behind.setdefault((folder, stem), []).append(file)
    candidates: dict[Path, list[Path]] = {}
    for image, name in zip(images, names, strict=True):
        folder, file = Path(name).parent, split_page(image)[0]
        key = folder, file_stem(file)
        same = found.get(key, [])
        if key in behind and all(one.resolve() == file.resolve() for one in same):
            same = behind[key]
        candidates[image] = [_same_page(labels, image) for labels in same]
        if file != image:
            candidates[image] += found.get((folder, file_stem(image)), [])
    return candidates


def _same_page(labels: Path, image: Path) -> Path:
    page = split_page(image)[1]
    return labels if page is None else page_path(labels, page)
