"""The README's Python blocks run as they stand, one after the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.usefixtures("one_thread_of_torch")
def test_python_blocks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 3
    namespace: dict[str, object] = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, "README.md", "exec", dont_inherit=True), namespace)
    assert "objects" in capsys.readouterr().out
    assert (tmp_path / "build" / "first.pt").is_file()


def test_files_that_it_names_exist():
    text = (ROOT / "README.md").read_text()
    for name in re.findall(r"`((?:agents|gym_rlseg)/[\w/]+\.py)`", text):
        assert (ROOT / name).is_file(), name
    for link in re.findall(r"\]\(([\w/.]+)\)", text):
        assert (ROOT / link).is_file(), link
