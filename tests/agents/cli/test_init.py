"""`rlseg init` on a tiny folder of drawn discs."""

from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import yaml

from agents.cli import init_recipes
from agents.runs.config import RunConfig
from agents.suggest.sentences import audit_outcome, audit_warning
from gym_rlseg.rewards.audit import Audit, AuditRow

#: Fewer recipes to try, and no audit.
QUICK = ("--diameter", 18, "--no-audit")


@pytest.fixture
def config(task):
    """A config that isn't there yet."""
    return task / "new.yaml"


def read(config):
    return yaml.safe_load(config.read_text())


def test_by_default_it_asks_nothing_and_says_what_it_took(rlseg, task, config):
    for number in (2, 3):  # two are as good
        (task / "images" / f"im{number}.tif").unlink()
    outcome = rlseg("init", task / "images", "-o", config)
    assert outcome.code == 0, outcome
    assert outcome.err == ""
    assert "2 images" in outcome.out
    assert "64 x 64 px, 1 channel, uint8" in outcome.out
    assert "taken: 1. bright blobs" in outcome.out
    for flag in ("--bright or --dark", "--fills", "--diameter PX", "--count LOW-HIGH", "--shape"):
        assert flag in outcome.out
    assert "--colour" not in outcome.out  # grey files leave no choice
    assert f"rlseg train {config} -o run" in outcome.out
    assert f"rlseg segment run {task / 'images'} -o out" in outcome.out
    environment = read(config)["environment"]
    assert environment["path"] == "images"
    # The discs are 18 px wide, and a recipe's median area is that of a square.
    assert environment["reward"]["name"] == "nuclei"
    assert environment["reward"]["median"] == pytest.approx(18**2, rel=0.4)
    assert environment["reward"]["dark"] is False
    loaded = RunConfig.load(config)
    assert loaded.environment["path"] == str(task / "images")
    assert loaded.training.time_limit == 600.0
    for name in ("superpixels", "recipes"):
        sheet = iio.imread(task / f"new_{name}.png")
        assert sheet.ndim == 3
        assert np.ptp(sheet) == 255
    assert "<img" in (task / "new_recipes.html").read_text()


def test_three_commands_and_no_edit_give_labels(rlseg, task, config):
    assert rlseg("init", task / "images", "-o", config, *QUICK).code == 0
    run, out = task / "new-run", task / "new-labels"
    outcome = rlseg("train", config, "-o", run, "--timesteps", 12, "--quiet")
    assert outcome.code == 0, outcome
    outcome = rlseg("segment", run, task / "images", "-o", out)
    assert outcome.code == 0, outcome
    assert tifffile.imread(out / "im0.tif").shape == (64, 64)


def test_the_same_images_give_the_same_files(rlseg, task):
    for name in ("a", "b"):
        assert rlseg("init", task / "images", "-o", task / f"{name}.yaml", *QUICK).code == 0
    for end in (".yaml", "_superpixels.png", "_recipes.png", "_recipes.html", "_recipes.json"):
        assert (task / f"a{end}").read_bytes() == (task / f"b{end}").read_bytes(), end


def test_flags_take_precedence(rlseg, task, config):
    outcome = rlseg(
        "init", task / "images", "-o", config, "--diameter", 30, "--count", "3-5",
        "--shape", "elongated", "--dark", "--no-fills", "--time-limit", "90s",
        "--sheet", task / "s.png", "--pattern", "im[01].tif", "--no-audit",
    )  # fmt: skip
    assert outcome.code == 0, outcome
    assert "assumed" not in outcome.out
    assert "audit" not in outcome.out
    sections = read(config)
    reward = sections["environment"]["reward"]
    assert reward["name"] == "priors"
    assert reward["count"] == [3, 5]
    assert reward["superpixels"] == "darkness"
    assert sections["environment"]["evidence"] == [
        {"name": "levels", "diameter": 30.0, "long": True, "dark": True, "weight": 0.8}
    ]
    assert sections["environment"]["pattern"] == "im[01].tif"
    assert sections["training"]["time_limit"] == "90s"
    assert (task / "s.png").exists()
    assert "--pattern 'im[01].tif'" in outcome.out
    assert "2 images" in outcome.out


def answers(monkeypatch, *typed):
    """Makes this a terminal at which `typed` is entered; returns what was asked."""
    asked: list[str] = []

    def enter(prompt):
        asked.append(prompt)
        return typed[len(asked) - 1] if len(asked) <= len(typed) else ""

    monkeypatch.setattr(
        init_recipes, "on_terminal", lambda stream: stream is init_recipes.sys.stdin
    )
    monkeypatch.setattr("builtins.input", enter)
    return asked


def test_on_a_terminal_it_asks_which_looks_right(rlseg, task, config, monkeypatch):
    asked = answers(monkeypatch, "99", "2")
    outcome = rlseg("init", task / "images", "-o", config, *QUICK)
    assert outcome.code == 0, outcome
    assert asked == ["Which looks right? [1] "] * 2
    assert "taken: 2. " in outcome.out


def test_enter_is_the_same_as_yes(rlseg, task, monkeypatch):
    asked = answers(monkeypatch)
    assert rlseg("init", task / "images", "-o", task / "a.yaml", *QUICK).code == 0
    assert len(asked) == 1
    assert rlseg("init", task / "images", "-o", task / "b.yaml", *QUICK, "--yes").code == 0
    assert len(asked) == 1
    assert read(task / "a.yaml") == read(task / "b.yaml")


def test_a_pick_takes_another_without_trying_anew(rlseg, task, config, monkeypatch):
    first = rlseg("init", task / "images", "-o", config, *QUICK)
    assert "taken: 1. " in first.out

    def again(*arguments):
        raise AssertionError("tried anew")

    monkeypatch.setattr("agents.suggest.looking.look", again)
    arguments = ("init", task / "images", "-o", config, "--force", *QUICK)
    second = rlseg(*arguments, "--pick", 2)
    assert second.code == 0, second
    (line,) = [line for line in first.out.splitlines() if line.startswith("  2. ")]
    assert f"taken: {line.strip()}" in second.out
    rlseg(*arguments, "--pick", 9).refused("--pick 9", "recipes on the sheet")
    rlseg(*arguments, "--pick", 0).refused("--pick")
    # Other images, or other answers, are another matter.
    with pytest.raises(AssertionError, match="tried anew"):
        rlseg(*arguments, "--count", "2-9", "--pick", 1)


def test_three_alike_channels_are_grey(rlseg, task, config):
    for file in (task / "images").iterdir():
        tifffile.imwrite(file, np.stack([tifffile.imread(file)] * 3, axis=-1))
    assert rlseg("init", task / "images", "-o", config, *QUICK).code == 0
    assert read(config)["environment"]["colour"] == "grey"


def test_dark_objects_are_recognised(rlseg, task, config):
    for file in (task / "images").iterdir():
        tifffile.imwrite(file, 255 - tifffile.imread(file))
    outcome = rlseg("init", task / "images", "-o", config, *QUICK)
    assert outcome.code == 0
    assert "dark objects" in outcome.out
    environment = read(config)["environment"]
    assert environment["reward"]["dark"] is True
    assert environment["compress"] is None


def test_stained_sections_are_recognised(rlseg, task, config):
    from skimage.color import hed2rgb

    for file in (task / "images").iterdir():
        stains = np.zeros((64, 64, 3))
        stains[..., 0] = 0.02 + 0.2 * (tifffile.imread(file) > 100)
        tifffile.imwrite(file, np.rint(255 * hed2rgb(stains)).astype(np.uint8))
    outcome = rlseg("init", task / "images", "-o", config, *QUICK)
    assert outcome.code == 0, outcome
    assert "taken: 1. stained nuclei" in outcome.out
    environment = read(config)["environment"]
    assert environment["colour"] in ("darkness", "hematoxylin")
    assert environment["reward"]["dark"] is False


def test_the_channel_with_the_objects_is_found(rlseg, task, config):
    rng = np.random.default_rng(0)
    for file in (task / "images").iterdir():
        image = tifffile.imread(file)
        empty = rng.integers(0, 20, image.shape).astype(np.uint8)
        tifffile.imwrite(file, np.stack([empty, image]))
    outcome = rlseg("init", task / "images", "-o", config, *QUICK)
    assert outcome.code == 0, outcome
    assert "--channel N" in outcome.out
    assert read(config)["environment"]["reward"]["channel"] == 1
    rlseg("init", task / "images", "-o", config, "--force", "--channel", 2).refused("channel 2")


def test_a_count_that_contradicts_the_pictures_is_said(rlseg, task, config):
    outcome = rlseg("init", task / "images", "-o", config, *QUICK, "--bright", "--count", "40-90")
    assert outcome.code == 0, outcome
    assert "40 to 90 were told" in outcome.err
    assert read(config)["environment"]["reward"]["count"] == [40, 90]


def test_pages_of_a_stack(rlseg, task, config):
    files = sorted((task / "images").iterdir())
    stack = np.stack([tifffile.imread(file) for file in files] * 2)
    (task / "stacks").mkdir()
    tifffile.imwrite(task / "stacks" / "st.tif", stack, metadata={"axes": "TYX"})
    rlseg("init", task / "stacks", "-o", config, *QUICK).refused("page")
    outcome = rlseg("init", task / "stacks", "-o", config, *QUICK, "--page", "each")
    assert outcome.code == 0, outcome
    assert "8 images" in outcome.out
    assert read(config)["environment"]["page"] == "each"
    one = rlseg("init", task / "stacks", "-o", config, "--force", *QUICK, "--page", 2)
    assert one.code == 0
    assert read(config)["environment"]["page"] == 2


def test_broken_and_constant_images_are_passed_over(rlseg, task, config):
    (task / "images" / "broken.png").write_bytes(b"no image")
    tifffile.imwrite(task / "images" / "flat.tif", np.full((64, 64), 7, np.uint8))
    outcome = rlseg("init", task / "images", "-o", config, "--diameter", 18)
    assert outcome.code == 0, outcome
    assert "6 images" in outcome.out
    assert "4 looked at" in outcome.out
    assert outcome.err.count("rlseg: left out: ") == 2
    assert "broken.png" in outcome.err
    assert "flat.tif" in outcome.err


def test_what_cannot_be_used_is_refused_and_leaves_nothing(rlseg, task, config):
    (task / "empty").mkdir()
    rlseg("init", task / "empty", "-o", config).refused("holds no image file")
    rlseg("init", task / "nowhere", "-o", config).refused("does not exist")
    (task / "flat").mkdir()
    for name in ("a", "b"):
        tifffile.imwrite(task / "flat" / f"{name}.tif", np.zeros((64, 64), np.uint8))
    rlseg("init", task / "flat", "-o", config).refused("none of the 2 images", "constant")
    rlseg("init", task / "images", "-o", config, "--labels", task / "none").refused("none")
    rlseg("init", task / "images", "-o", config, "--colour", "dab").refused("dab", "im0.tif")
    assert not config.exists()
    assert not (task / "new_superpixels.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--diameter", "1"), ("--count", "9-3"), ("--shape", "flat"), ("--page", "-1"),
     ("--time-limit", "0"), ("--bright", "--dark"), ("--sheet", "sheet.jpg")],
)  # fmt: skip
def test_bad_arguments(rlseg, task, config, arguments):
    rlseg("init", task / "images", "-o", config, *arguments).refused(arguments[0])


def test_nothing_is_overwritten_without_force(rlseg, task, config):
    arguments = ("init", task / "images", "-o", config, *QUICK)
    config.write_text("mine")
    rlseg(*arguments).refused("new.yaml", "--force")
    assert config.read_text() == "mine"
    config.unlink()
    sheet = task / "new_superpixels.png"
    sheet.write_text("mine")
    rlseg(*arguments).refused("new_superpixels.png", "--force")
    assert sheet.read_text() == "mine"
    assert not config.exists()
    assert rlseg(*arguments, "--force").code == 0
    assert read(config)["environment"]["path"] == "images"


def test_the_sheet_must_not_lie_among_the_images(rlseg, task):
    inside = task / "images" / "config.yaml"
    rlseg("init", task / "images", "-o", inside).refused("among the images", "--sheet")
    below = task / "images" / "more" / "config.yaml"
    rlseg("init", task / "images", "-o", below, "--pattern", "**/*").refused("among the images")
    sheet = task / "sheet.png"
    assert rlseg("init", task / "images", "-o", inside, "--sheet", sheet, *QUICK).code == 0
    assert RunConfig.load(inside).environment["path"] == str(task / "images")


def test_a_config_elsewhere_finds_the_images(rlseg, task, tmp_path, monkeypatch):
    monkeypatch.chdir(task)
    config = tmp_path / "else where" / "deep" / "c.yaml"
    outcome = rlseg("init", "images", "-o", config, *QUICK)
    assert outcome.code == 0, outcome
    assert not read(config)["environment"]["path"].startswith("/")
    assert RunConfig.load(config).environment["path"] == str(task / "images")
    assert f"rlseg train '{config}' -o run" in outcome.out


def test_a_single_file_will_do(rlseg, task, config):
    assert rlseg("init", task / "images" / "im0.tif", "-o", config, "--diameter", 18).code == 0
    assert read(config)["environment"]["path"] == "images/im0.tif"


def test_the_audit_uses_labels_where_there_are_some(rlseg, task, config):
    outcome = rlseg(
        "init", task / "images", "-o", config, "--diameter", 18, "--labels", task / "labels"
    )
    assert outcome.code == 0
    assert "audit: reward" in outcome.out
    assert "Nothing beats the truth on any of 4 images" in outcome.out
    assert "labels" not in read(config)["environment"]


def test_noise_convinces_nobody(rlseg, task, config):
    for seed, file in enumerate(sorted((task / "images").iterdir())):
        noise = np.random.default_rng(seed).integers(0, 255, (64, 64))
        tifffile.imwrite(file, noise.astype(np.uint8))
    outcome = rlseg("init", task / "images", "-o", config, *QUICK)
    assert outcome.code in (0, 2)
    assert "no recipe is convincing" in outcome.err or "nothing is to be seen" in outcome.err


def outcome_of(**rewards):
    """An audit of one image; a reward may come with an SBD."""
    pairs = {name: value if isinstance(value, tuple) else (value, None) for name, value in
             rewards.items()}  # fmt: skip
    return Audit(
        rows=tuple(
            AuditRow(image="a", candidate=name.replace("_", " "), reward=reward, sbd=sbd)
            for name, (reward, sbd) in pairs.items()
        )
    )


def test_a_reward_for_what_is_visibly_wrong_is_warned_of():
    fine = outcome_of(evidence=0.7, all_merged=0.5, all_split=0.4)
    assert audit_warning(fine) == ""
    assert "0.70" in audit_outcome(fine)
    gamed = outcome_of(evidence=0.7, all_merged=0.8, all_split=0.4)
    assert "'all merged' has the highest reward" in audit_warning(gamed)


def test_labels_have_the_last_word():
    fine = outcome_of(evidence=(0.7, 0.5), all_merged=(0.5, 0), all_split=(0.4, 0), truth=(0.9, 1))
    assert audit_warning(fine) == ""
    assert "Nothing beats the truth" in audit_outcome(fine)
    gamed = outcome_of(evidence=(0.7, 0.5), all_merged=(0.5, 0), all_split=(0.4, 0), truth=(0.6, 1))
    assert "what beats the labels" in audit_warning(gamed)
    assert "'evidence' beats the truth on a" in audit_outcome(gamed)
