"""Label pages of one file: their numbers, and where they are kept."""

from __future__ import annotations

import contextlib
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.segmenting import stacks
from agents.segmenting.stacks import LabelStack
from gym_rlseg.images.reading.pages import PageAxes


def row(*labels: int) -> NDArray[np.int32]:
    """A page of one row whose objects are four pixels wide each."""
    return np.repeat(np.array([labels], np.int32), 4, axis=1)


@pytest.fixture
def stacked(tmp_path):
    """Makes stacks of some of their pages: stacked(axes, {page: labels}, link=True)."""
    with contextlib.ExitStack() as opened:

        def make(axes: PageAxes, pages: dict[int, NDArray[np.int32]], *, link=True) -> LabelStack:
            stack = LabelStack(axes, link=link, folder=tmp_path)
            opened.callback(stack.close)
            for page, labels in pages.items():
                numbers = stack.add(page, labels)
                np.testing.assert_array_equal(numbers[labels], stack.page(page))
            return stack

        yield make


def test_numbers_go_on_from_page_to_page(stacked):
    pages = {0: row(1, 0, 2, 0), 1: row(0, 0, 1, 2), 2: row(1, 0, 2, 3)}
    linked = stacked(PageAxes("T", (3,)), pages)
    assert [page[0, ::4].tolist() for page in linked] == [
        [1, 0, 2, 0],
        [0, 0, 2, 3],
        [4, 0, 2, 3],  # the first was gone on the page before
    ]
    assert (linked.highest, linked.pages, len(linked)) == (4, 3, 3)
    alone = stacked(PageAxes("T", (3,)), pages, link=False)
    assert [page[0, ::4].tolist() for page in alone] == [[1, 0, 2, 0], [0, 0, 3, 4], [5, 0, 6, 7]]


def test_along_two_axes(stacked):
    """Time 0: z 0 and 1; time 1: z 0 and 1."""
    pages = {0: row(1, 2, 0), 1: row(0, 1, 2), 2: row(1, 0, 2), 3: row(1, 2, 3)}
    stack = stacked(PageAxes("TZ", (2, 2)), pages)
    assert [page[0, ::4].tolist() for page in stack] == [
        [1, 2, 0],
        [0, 2, 3],
        [1, 0, 4],  # the last has nothing in z 0 of the time before
        [1, 2, 4],  # 1 and 4 from the page before, 2 from z 1 of the time before
    ]


def test_missing_pages_are_empty_and_passed_over(stacked):
    stack = stacked(PageAxes("I", (4,)), {0: row(0, 1), 3: row(1, 2)})
    assert [page[0, ::4].tolist() for page in stack] == [[0, 1], [0, 0], [0, 0], [2, 1]]
    assert stack.pages == 2


def test_an_empty_page_ends_its_objects(stacked):
    stack = stacked(PageAxes("I", (3,)), {0: row(1), 1: row(0), 2: row(1)})
    assert [int(page[0, 0]) for page in stack] == [1, 0, 2]


def test_an_image_is_not_copied(stacked):
    labels = row(1, 0, 2)
    stack = stacked(PageAxes("", ()), {0: labels})
    (page,) = stack
    assert page is labels
    assert stack.shape == labels.shape


def test_pages_of_other_sizes_are_refused(stacked):
    stack = stacked(PageAxes("I", (2,)), {0: row(1, 2)})
    with pytest.raises(ValueError, match="page 1 is 1 x 4 pixels, but those before it are 1 x 8"):
        stack.add(1, row(1))


@pytest.mark.parametrize("room", [100, 2**24])
def test_random_pages_from_memory_and_disk(room, stacked, tmp_path, monkeypatch):
    monkeypatch.setattr(stacks, "_IN_MEMORY", room)
    rng = np.random.default_rng(0)
    pages = {i: rng.integers(0, 9, (20, 30)).astype(np.int32) for i in range(8)}
    for labels in pages.values():
        labels.flat[:8] = range(1, 9)  # without gaps
    stack = stacked(PageAxes("I", (8,)), pages)
    for labels, page in zip(pages.values(), stack, strict=True):
        # The same objects under other numbers.
        pairs = {*zip(labels.ravel().tolist(), page.ravel().tolist(), strict=True)}
        assert len(pairs) == 9
        assert (0, 0) in pairs
    stack.close()
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_pages(stacked, monkeypatch):
    monkeypatch.setattr(stacks, "_IN_MEMORY", 1000)
    labels = np.arange(1, 301, dtype=np.int32).repeat(1000).reshape(300, 1000)

    def peak(count: int) -> int:
        tracemalloc.start()
        stacked(PageAxes("I", (count,)), dict.fromkeys(range(count), labels)).close()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(12) < peak(3) + labels.nbytes
