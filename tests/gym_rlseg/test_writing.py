"""Files that results are written to: links, devices, and tables with odd cells."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from gym_rlseg.messages import printable
from gym_rlseg.options.declared import shown
from gym_rlseg.paths import output_file, user_path
from gym_rlseg.writing import append_csv, read_csv, write_bytes, write_csv

FORMULAS = ["=1+1", "+1 image.tif", "-a.tif", "@SUM(A1)", "\tx", "-", "='a'!B2"]


def test_cells_that_start_a_formula_are_defused_and_come_back(tmp_path):
    path = tmp_path / "a.csv"
    texts = [*FORMULAS, "'=a", "''", "a=b", "größe", "a,b", 'a"b', "a\nb", ""]
    numbers = [-1, -0.5, "-0.25", "+3", "-1e-05", "1.5"]
    write_csv(path, ("text",), [[text] for text in texts] + [[one] for one in numbers])
    with path.open(newline="", encoding="utf-8") as file:
        cells = [row[0] if row else "" for row in csv.reader(file)][1:]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in cells[:-6])
    assert cells[-6:] == [str(number) for number in numbers]
    assert [row["text"] for row in read_csv(path)] == texts + [str(one) for one in numbers]
    write_csv(path, ("text",), [["a\rb"]])
    assert read_csv(path) == [{"text": "a\\rb"}]


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n", b"\xff\xfe", b"a\n\0\n1,2"])
def test_no_table(content, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.csv is no table"):
        read_csv(path)


def test_rows_are_appended_all_or_none(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    write_csv(path, ("text", "number"), [["=a", 1]])
    append_csv(path, [["größe\n", 2], ["+b", 3]])
    append_csv(path, [])
    texts = ["=a", "größe\n", "+b"]
    assert [row["text"] for row in read_csv(path)] == texts
    before = path.read_bytes()

    class Full(io.FileIO):
        def write(self, content):
            if len(content) < 6:
                raise OSError(28, "No space left on device")
            return super().write(content[:3])

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda self, mode, buffering: Full(self, mode))
        with pytest.raises(OSError, match=r"No space left on device: .*a\.csv"):
            append_csv(path, [["a long text", 4]])
    assert path.read_bytes() == before


def test_links_stay_and_devices_are_refused(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "later")
    write_bytes(dangling, b"x")
    assert (tmp_path / "later").read_bytes() == b"x"
    os.mkfifo(tmp_path / "fifo")
    for place, words in (
        (tmp_path / "fifo", "no ordinary file"),
        (tmp_path, "is a folder"),
        (target / "below", "is a file"),
    ):
        with pytest.raises(ValueError, match=words):
            write_bytes(place, b"x")
    with pytest.raises(ValueError, match="no ordinary file"):
        output_file(user_path("/dev/null"))


def test_loops_of_links_end_in_an_error(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises((OSError, ValueError), match="loop"):
        write_bytes(loop / "a", b"x")


def test_home_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/a") == tmp_path / "a"
    assert str(user_path("~nobody-of-this-name/a")) == "~nobody-of-this-name/a"


def test_values_and_names_in_messages():
    assert shown([1, "a"]) == "[1, 'a']"
    assert len(shown(list(range(10**6)))) < 100
    assert len(shown("a" * 10**6)) < 200
    assert len(shown([[[[[[["a"] * 50] * 50] * 50] * 50] * 50] * 50])) < 10**6
    assert printable("größe 1") == "größe 1"
    assert printable("a\nb\t\x1b[2J\u202e") == "a\\nb\\t\\x1b[2J\\u202e"
