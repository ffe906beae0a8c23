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
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.cli.arguments import add_region, channel, checked, whole_number
from agents.cli.init_places import outputs, relative, relative_places
from agents.cli.init_recipes import picked, suggested
from agents.cli.output import complain, say
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
from gym_rlseg.options import suggest
from gym_rlseg.writing import write_picture, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    config, sheet = outputs(args)
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
    suggestions = suggested(looked, told, config, reading)
    number = picked(args, len(suggestions))
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
        unusual["region"] = relative(region, config)
    where = {"id": sections["environment"].pop("id"), "path": relative_places(args.images, config)}
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
