"""Look at some images and write a config for them, which 'rlseg train' can use as it is.

Tries recipes (bright or dark blobs, membranes, regions, filaments, stained nuclei, at several
sizes; flags narrow them) on a few of IMAGES without training, and shows the best six on a
sheet and a page, with the outlines that each finds. On a terminal it asks which looks right
(Enter takes the first); --pick N answers that, also later, without trying again, and --yes
takes the first. CONFIG gets a comment on every entry. A second sheet shows the superpixels:
outlines of objects have to be among theirs. In the end an audit tells whether the reward can
be gamed.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.cli.arguments import add_region, channel, checked, whole_number
from agents.cli.output import complain, on_terminal, say
from agents.cli.questions import ask
from agents.cli.reading import add_images, add_reading, given, places
from agents.runs.durations import format_duration, parse_duration
from agents.suggest.parsing import (
    Micrometres,
    check_diameter,
    one_of,
    parse_count,
    parse_diameter,
)
from agents.suggest.recipes.family import SHAPES
from gym_rlseg.images.reading.calibration import calibration_doubts, in_pixels
from gym_rlseg.images.reading.remote import is_remote
from gym_rlseg.options import suggest
from gym_rlseg.paths import output_folder, user_path
from gym_rlseg.writing import write_picture, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agents.suggest.candidates import Told
    from agents.suggest.suggestions import Suggestion
    from gym_rlseg.graph import SuperpixelGraph
    from gym_rlseg.images import FilesSource
    from gym_rlseg.images.reading.facts import PixelSize

#: Images on the contact sheet.
_SHOWN = 6
_UNASKED = argparse.SUPPRESS
_DEFAULT_TIME_LIMIT = 600.0  # seconds
_ANSWERS = ("colour", "channel", "dark", "diameter", "count", "shape", "fills")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_images(parser)
    parser.add_argument("-o", "--output", metavar="CONFIG", required=True, help="YAML to write")
    answers = parser.add_argument_group("what you know about the objects")
    answers.add_argument(
        "--diameter", metavar="D", default=_UNASKED, type=checked(parse_diameter),
        help="how wide one usually is, in pixels, or as in 8um where files tell the size of a "
        "pixel; the shorter side of elongated ones",
    )  # fmt: skip
    answers.add_argument(
        "--count", metavar="N", default=_UNASKED, type=checked(parse_count),
        help="how many are on an image: a range such as 10-60, one number, or unknown",
    )  # fmt: skip
    answers.add_argument(
        "--shape", metavar="S", default=_UNASKED, type=checked(one_of(*SHAPES)),
        help="round, convex, elongated (much longer than wide, straight or bent) or any",
    )  # fmt: skip
    polarity = answers.add_mutually_exclusive_group()
    polarity.add_argument(
        "--bright", dest="dark", action="store_const", const=False, default=_UNASKED,
        help="they are brighter than the ground",
    )  # fmt: skip
    polarity.add_argument(
        "--dark", dest="dark", action="store_const", const=True, default=_UNASKED,
        help="they are darker than the ground",
    )  # fmt: skip
    answers.add_argument(
        "--fills", action=argparse.BooleanOptionalAction, default=_UNASKED,
        help="they fill the image, side by side with no ground between them",
    )  # fmt: skip
    answers.add_argument(
        "--colour", metavar="NAME", default=_UNASKED,
        help="channels, grey, rgb, darkness, or a stain: hematoxylin, eosin, dab",
    )  # fmt: skip
    answers.add_argument(
        "--channel", metavar="C", default=_UNASKED, type=channel,
        help="in which they are seen best, its number from 0 or its name (default: where they "
        "stand out most)",
    )  # fmt: skip
    add_region(parser, "everywhere")
    add_reading(parser)
    parser.add_argument("--labels", metavar="DIR", help="true labels, for the audit only")
    parser.add_argument(
        "--time-limit", metavar="T", default=_DEFAULT_TIME_LIMIT, type=checked(parse_duration),
        help="of the training, such as 90s, 30m or 1.5h (default: 10m)",
    )  # fmt: skip
    parser.add_argument(
        "--sheet",
        metavar="FILE",
        help="the contact sheet (default: CONFIG's name, _superpixels.png)",
    )
    parser.add_argument(
        "--pick", metavar="N", type=checked(whole_number(1)),
        help="take the Nth recipe of the sheet, counted from 1; a second init doesn't try anew",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="ask nothing, take the first recipe")
    parser.add_argument("--force", action="store_true", help="replace CONFIG and the contact sheet")
    parser.add_argument("--no-audit", action="store_true", help="leave out the audit")


def run(args: argparse.Namespace) -> int:
    """Write a config; see the module's text."""
    config, sheet = _outputs(args)
    from dataclasses import replace

    from agents.runs.environment import resolve
    from agents.suggest.candidates import Told
    from agents.suggest.config_text import render
    from agents.suggest.few_images import look_at_few
    from agents.suggest.sentences import assumptions, doubts, images_seen
    from agents.suggest.settings import settings
    from gym_rlseg.images import FilesSource
    from gym_rlseg.images.reading.regions import region_channel
    from gym_rlseg.pictures.contact_sheet import contact_sheet

    reading = {"pattern": args.pattern, **given(args)}
    source = FilesSource(path=places(args), **reading)
    for sentence in source.found.passed_over():
        complain(sentence, kind="")
    looked, bad = look_at_few(source)
    for sentence in bad[:3]:
        complain(f"left out: {sentence}", kind="")
    if bad[3:]:
        complain(f"{len(bad) - 3} more images can't be used", kind="")
    images = list(looked.values())
    _measure(args, {str(path): source.facts(path).pixel_size for path in looked})
    told = Told(**_answers(args, source, next(iter(looked))))
    seen = images_seen(", ".join(args.images), len(source.all_files()), images)
    say(seen)
    suggestions = _suggestions(looked, told, config, reading)
    number = _number(args, len(suggestions))
    chosen = suggestions[number - 1]
    for warning in doubts(told, chosen):
        complain(warning, kind="warning: ")
    say(f"taken: {chosen.line(number)}")
    for line in assumptions(told, chosen.candidate):
        say(line)
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    sections = settings(chosen.candidate, height, width)
    unusual = {name: value for name, value in reading.items() if value not in (None, "*")}
    region = unusual.get("region")
    if isinstance(region, str) and region_channel(region) is None:
        unusual["region"] = _relative(region, config)
    where = {"id": sections["environment"].pop("id"), "path": _places(args.images, config)}
    sections["environment"] = where | unusual | sections["environment"]
    sections["training"]["time_limit"] = format_duration(args.time_limit)
    environment = resolve(sections["environment"], config.absolute().parent)
    source = replace(
        source,
        colour=environment["colour"],
        compress=environment["compress"],
        labels=args.labels,
        partial_labels=True,
    )
    graphs = _graphs(source, looked, environment)
    sheet.absolute().parent.mkdir(parents=True, exist_ok=True)
    diameter = chosen.candidate.known.diameter
    title = f"Superpixels. Objects should be about as wide as the ring, {diameter:g} px"
    write_picture(sheet, contact_sheet(graphs[:_SHOWN], diameter=diameter, title=title))
    header = ["Written by 'rlseg init', which saw:", seen, f"and took: {chosen.line(number)}"]
    write_text(config, render(sections, header))
    say(f"config: {config}")
    say(f"superpixels: {sheet} (outlines of objects should be among theirs)")
    if not args.no_audit:
        _audit(graphs, environment["reward"])
    say("next:")
    limit = format_duration(args.time_limit)
    pattern = "" if args.pattern == "*" else f" --pattern {shlex.quote(args.pattern)}"
    say(f"  rlseg train {shlex.quote(str(config))} -o run    # takes {limit}")
    say(f"  rlseg segment run {shlex.join(args.images)} -o out{pattern}")
    return 0


def _answers(args: argparse.Namespace, source: FilesSource, image: Path) -> dict[str, Any]:
    """What was said of the objects, a channel by its number.

    Raises:
        ValueError: if an image has no channel of that name.
    """
    found = {name: getattr(args, name) for name in _ANSWERS if hasattr(args, name)}
    wanted = found.get("channel")
    if isinstance(wanted, str):
        names = source.reader.names_of(source.facts(image), len(source.raw(image)))
        if wanted not in names:
            known = suggest(wanted, names) if names else ": its channels have no names"
            raise ValueError(f"--channel: {image} has no channel {wanted!r}{known}")
        found["channel"] = names.index(wanted)
    return found


def _suggestions(
    looked: Mapping[Path, NDArray[Any]], told: Told, config: Path, reading: Mapping[str, Any]
) -> list[Suggestion]:
    """The best recipes, as an earlier init left them or tried now; with sheet and page."""
    from agents.suggest import suggestions as cards
    from agents.suggest.looking import look, shown
    from agents.suggest.sentences import mixed
    from gym_rlseg.images.reading.colour import convert

    memory, sheet, page = (
        config.with_name(f"{config.stem}_recipes{end}") for end in (".json", ".png", ".html")
    )
    where = [str(path).rpartition("#")[0] or str(path) for path in looked]
    key = cards.fingerprint([Path(path) for path in where], told, reading)
    found, lines = cards.recall(memory, key) or ([], [])
    if not found:
        for path, image in looked.items():
            convert(image, told.colour or "channels", str(path))  # refuses what it can't use
        looks = look(list(looked.values()), told, _bar())
        if warning := mixed(looks):
            complain(warning, kind="warning: ")
        looks = shown(looks)
        found = [cards.Suggestion.of(one) for one in looks]
        lines = [one.line(number) for number, one in enumerate(found, start=1)]
        config.absolute().parent.mkdir(parents=True, exist_ok=True)
        pictures, captions = cards.cards(list(looked.values()), looks)
        write_picture(sheet, cards.suggestion_sheet(pictures, captions))
        choose = "Another than the first: rlseg init again, with --pick and its number."
        write_text(page, cards.suggestion_page(pictures, captions, choose))
        cards.remember(memory, key, found, lines)
    for line in lines:
        say(f"  {line}")
    say(f"recipes: {sheet} and {page} (outlines of the objects that each finds)")
    return found


def _number(args: argparse.Namespace, count: int) -> int:
    """Which recipe to take, from 1.

    Raises:
        ValueError: if there are fewer than were asked for.
    """
    if args.pick is not None:
        if args.pick > count:
            raise ValueError(f"--pick {args.pick}: there are {count} recipes on the sheet")
        return int(args.pick)
    if args.yes or not on_terminal(sys.stdin) or count == 1:
        return 1
    return int(ask("Which looks right?", "1", one_of(*(str(n + 1) for n in range(count)))))


def _bar() -> Callable[[int, int], None] | None:
    """Shows how many recipes were tried, on a terminal."""
    if not on_terminal(sys.stderr):
        return None
    from tqdm import tqdm

    bar = tqdm(unit="recipe", desc="trying recipes", dynamic_ncols=True, leave=False)

    def step(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return step


def _outputs(args: argparse.Namespace) -> tuple[Path, Path]:
    """CONFIG and the contact sheet, if they can be written.

    Raises:
        ValueError: if one is there already, or can't be made where it should be.
    """
    config = user_path(args.output)
    default = config.with_name(f"{config.stem}_superpixels.png")
    sheet = user_path(args.sheet) if args.sheet else default
    if sheet.suffix.lower() != ".png":
        raise ValueError(f"--sheet must end in .png, got {sheet}")
    for file in (config, sheet):
        if file.is_dir():
            raise ValueError(f"{file} is a folder; give the name of a file")
        if file.exists() and not args.force:
            raise ValueError(f"{file} exists; choose another name, or replace it with --force")
        output_folder(file.absolute().parent)
    folder = sheet.absolute().parent.resolve()
    images = [Path(os.path.realpath(user_path(place))) for place in args.images]
    below = "**" in args.pattern and any(place in folder.parents for place in images)
    if below or any(place.is_dir() and folder == place for place in images):
        raise ValueError(
            f"the contact sheet {sheet} would lie among the images, and be trained on; choose "
            "another place for CONFIG, or for the sheet with --sheet"
        )
    return config, sheet


def _graphs(
    source: FilesSource, looked: Mapping[Path, NDArray[Any]], environment: Mapping[str, Any]
) -> list[SuperpixelGraph]:
    """Graphs of the few images, or of their middles.

    Raises:
        ValueError: if none can be made.
    """
    from agents.segmenting.pipeline import Pipeline
    from agents.suggest.few_images import samples

    pipeline, graphs, reasons = Pipeline.from_options(environment), [], []
    for sample in samples(source, looked):
        try:
            graphs.append(pipeline.graph(sample))
        except ValueError as error:
            reasons.append(str(error))
            complain(f"left out: {error}", kind="")
    if not graphs:
        raise ValueError(f"no image can be used with these settings: {reasons[0]}")
    return graphs


def _audit(graphs: list[SuperpixelGraph], options: Mapping[str, Any]) -> None:
    """Say what scores how, and warn of what shouldn't."""
    import numpy as np

    from agents.suggest.sentences import audit_outcome, audit_warning
    from gym_rlseg.rewards import REWARDS
    from gym_rlseg.rewards.audit import audit

    reward = REWARDS.build(options)
    result = audit(graphs, reward, np.random.default_rng(0))
    for line in audit_outcome(result).splitlines():
        say(line)
    if warning := audit_warning(result):
        complain(warning, kind="warning: ")


def _measure(args: argparse.Namespace, sizes: Mapping[str, PixelSize | None]) -> None:
    """Convert --diameter to pixels, and say what is odd about the sizes of pixels.

    Raises:
        ValueError: if it can't be converted, or no object is so small or large.
    """
    for warning in calibration_doubts(sizes):
        complain(warning, kind="warning: ")
    diameter = getattr(args, "diameter", None)
    if isinstance(diameter, Micrometres):
        pixels = in_pixels(diameter.length, sizes)
        args.diameter = check_diameter(pixels, f"{diameter.length:g} µm = {pixels:.3g} px")
        say(f"{diameter.length:g} µm are {pixels:.4g} px")


def _places(images: list[str], config: Path) -> str | list[str]:
    """Where the images are, as seen from the config's folder."""
    return (
        _relative(images[0], config)
        if len(images) == 1
        else [_relative(place, config) for place in images]
    )


def _relative(images: str, config: Path) -> str:
    """A path as seen from the config's folder."""
    if is_remote(images):
        return images
    absolute = os.path.abspath(user_path(images))
    try:
        relative = os.path.relpath(absolute, config.absolute().parent)
    except ValueError:  # on another drive
        return absolute
    # A leading tilde would stand for a home folder.
    return absolute if relative.startswith("~") else Path(relative).as_posix()
