"""The documentation's site builds without a warning and fetches nothing to be viewed."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import agents
from agents.cli.main import parser
from gym_rlseg import rewards
from gym_rlseg.rewards import priors

ROOT = Path(__file__).parent.parent
#: Attributes of tags that a browser fetches by itself.
FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
#: Links that are only followed; all others are fetched.
FOLLOWED = {"canonical", "next", "prev", "alternate"}


class Page(HTMLParser):
    """Collects what a page has the browser fetch, its pictures and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "link" and values.get("rel") in FOLLOWED:
            return
        if values.get(FETCHED.get(tag, "")):
            self.fetched.append(values[FETCHED[tag]])
        if tag == "img":
            self.pictures.append(values["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_every_page_and_picture_is_there(site):
    pages = [str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")]
    for page in (*pages, "results.md", "changelog.md", "cli.md"):
        file = site / page.replace(".md", ".html")
        assert file.is_file(), page
        for picture in Page(file.read_text()).pictures:
            assert (file.parent / picture).is_file(), picture
    assert not list(site.rglob("*.py"))


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(site):
    for file in site.rglob("*.html"):
        fetched = Page(file.read_text()).fetched
        assert fetched
        for url in fetched:
            assert not re.match(r"(?:\w+:)?//", url), (file.name, url)
    for file in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", file.read_text()), file.name


@pytest.mark.slow
def test_results_are_those_of_the_repository(site):
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    shown = (site / "results.html").read_text()
    headings = re.findall(r"^## (.*)$", results, re.MULTILINE)
    assert len(headings) > 5
    for heading in headings:
        assert heading.replace("&", "&amp;") in shown


@pytest.mark.slow
def test_every_argument_of_the_command_line_is_there(site):
    page = html.unescape((site / "cli.html").read_text())
    (commands,) = (action for action in parser()._actions if action.choices)
    assert {"init", "train", "segment"} <= set(commands.choices)
    for name, command in commands.choices.items():
        section = page.split(f'<h2 id="rlseg-{name}">')[1].split("<h2 ")[0]
        for action in command._actions:
            if action.dest != "help":
                assert (", ".join(action.option_strings) or action.metavar) in section, action


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("agents", agents.__all__),
        ("gym_rlseg.rewards", rewards.__all__),
        ("gym_rlseg.rewards.priors", priors.__all__),
    ],
)
def test_everything_that_is_exported_has_its_docstring_there(site, package, names):
    page = (site / "api" / f"{package}.html").read_text()
    for name in names:
        assert f'id="{package}.{name}"' in page or f'.{name}"' in page, name
