"""What stands around the code: citation, forms, hooks, versions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from gym_rlseg import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_citation():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == __version__
    assert citation["license"] == PROJECT["license"]
    (paper,) = citation["references"]
    assert paper["title"] in re.sub(r"\s+", " ", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_forms(form):
    """What GitHub asks of them: it shows nothing of a form that it can't read."""
    content = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= set(content)
    ids = [field["id"] for field in content["body"]]
    assert len(ids) == len(set(ids))
    for field in content["body"]:
        assert field["type"] in {"dropdown", "input", "markdown", "textarea"}
        assert field["attributes"]["label"]
    assert any(field.get("validations", {}).get("required") for field in content["body"])


def test_there_are_forms_for_bugs_and_questions():
    assert [form.stem for form in FORMS] == ["bug", "question"]


def test_hooks_run_what_make_check_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    entries = " ".join(hook["entry"] for hook in hooks[0]["hooks"])
    recipe = (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    tools = re.findall(r"\$\(BIN\)/(\w+)", recipe)
    assert set(tools) == set(re.findall(r"\.venv/bin/(\w+)", entries)) == {"ruff", "mypy"}


def test_constraints_are_sorted_and_pin_what_is_asked_for():
    names = [name.lower().replace("_", "-") for name, _ in CONSTRAINTS]
    assert names == sorted(set(names))
    extras = PROJECT["optional-dependencies"].values()
    asked = [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    needed = {re.match(r"[\w-]+", text)[0].lower().replace("_", "-") for text in asked}
    assert needed - {"gym-rlseg"} <= set(names)


def test_pythons_claimed_are_those_said_to_be_tested():
    claimed = {c.split(" :: ")[-1] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert claimed
    assert claimed == set(re.findall(r"^\| (3\.\d+) \|", text, re.MULTILINE))
