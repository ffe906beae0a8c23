"""The page on recipes says all that there are."""

from __future__ import annotations

import re
from pathlib import Path

from agents.suggest.recipes import FAMILIES

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "howto" / "recipes.md").read_text()


def test_every_family_has_a_section_and_a_picture() -> None:
    sections = re.findall(r"^### (.*)$", PAGE, re.MULTILINE)
    assert set(sections) == set(FAMILIES)
    shown = re.findall(r"!\[(.*?)\]\((.*?)\)", PAGE)
    assert [name for name, _ in shown] == sections
    for _, file in shown:
        picture = (DOCS / "howto" / file).resolve()
        assert picture.stat().st_size < 60_000
    files = {path.name for path in (DOCS / "recipes").iterdir()}
    assert files == {Path(file).name for _, file in shown}


def test_the_least_score_that_convinces() -> None:
    from agents.suggest.looking import CONVINCING

    assert f"a score below {CONVINCING}" in PAGE
