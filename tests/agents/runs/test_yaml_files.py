"""YAML of configs: odd strings come back as they went, and no file takes long to refuse."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.runs.yaml_files import LARGEST, one_line, read_yaml
from agents.suggest.config_text import render

ODD = (
    "1e3", "1E-3", "+1.e5", "0x10", "0o7", "017", "yes", "No", "on", "null", "~", "~user", "=",
    "<<", "1_000", "1:30", ".inf", ".NaN", "2020-01-01", "a\nb", "a\n", "\n", "a: b", "a #b", "#",
    "- a", "-", "?", "!tag", "&a", "*a", "@", "`", "%", "{", "[a]", ",", "'", '"', "''", "\\",
    " a ", "", "...", "---", "größe", "\u2028", "\x85", "\t", "\x07", "\x1b[2J", "\udce9", "\ufeff",
    "😀", "a" * 5000,
)  # fmt: skip


def read_back(folder, text: str):
    path = folder / "a.yaml"
    path.write_text(text, "utf-8")
    return read_yaml(path)


def check(folder, value) -> None:
    text = one_line(value)
    assert len(text.splitlines()) == 1
    # As an entry, within a list and as a comment's neighbour, which is how configs use it.
    both = read_back(folder, f"a:  # b\n  c: {text}  # {{d: e}}\n  f:\n  - {text}\n")
    assert both == {"a": {"c": value, "f": [value]}}
    assert type(both["a"]["c"]) is type(value)


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_stay_texts(text, tmp_path):
    check(tmp_path, text)
    check(tmp_path, {"name": [text, text]})


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.one_of(
            st.text(), st.sampled_from(ODD), st.integers(), st.booleans(), st.none(),
            st.floats(allow_nan=False), st.from_regex(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?"),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
        ),
        max_leaves=5,
    )
)  # fmt: skip
@example({"1e3": "1e3"})
def test_plain_data_come_back(tmp_path_factory, value):
    check(tmp_path_factory.getbasetemp(), value)


def test_a_list_named_twice_is_written_out_twice():
    same = [1, 2]
    assert one_line([same, same]) == "[[1, 2], [1, 2]]"


def test_what_init_saw_is_one_comment_a_line(tmp_path):
    sections = {"environment": {"path": "1e3"}}
    text = render(sections, ["saw:", "a\nmalicious: 1", "b\u2028c"])
    assert read_back(tmp_path, text) == sections
    assert text.startswith("# saw:\n# a\\nmalicious: 1\n# b\\u2028c\n")


BOMB = "a: &a [x, x]\n" + "".join(
    f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n"
    for one, two in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, ("line 2", "aliases")),
        ("a: &a [*a]", ("line 1", "aliases")),
        ("a: &a {b: 1}\nc: {<<: *a}", ("aliases",)),
        ("[" * 500, ("nested too deeply",)),
        ("a: " + "{a: " * 2000, ("nested too deeply",)),
        ("a: !!bool maybe", ("a value that is none",)),
        ("a: !!int x", ("a value that is none",)),
        ("a: 2020-99-99", ("a value that is none",)),
        ("a: !!timestamp x", ("not valid YAML",)),
        ("a: !odd 3", ("not valid YAML", "!odd")),
        ("a: !!python/object/apply:os.system [ls]", ("not valid YAML",)),
        ("a: " + "9" * 5000, ("a value that is none",)),
        ("a: \x00", ("not valid YAML",)),
        ("a" * (LARGEST + 1), ("larger than",)),
        ("".join(f"k{i}: 1\n" for i in range(3000)) + "k7: 2", ("'k7' is given twice",)),
    ],
)
def test_refused_soon(text, words, tmp_path):
    started = time.process_time()
    with pytest.raises(ValueError, match=r"a\.yaml") as refused:
        read_back(tmp_path, text)
    assert time.process_time() - started < 20
    for word in words:
        assert word in str(refused.value)
    assert len(str(refused.value)) < 400
