"""The recipes that 'rlseg init' offers, and which of them is taken."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.cli.output import complain, on_terminal, say
from agents.cli.questions import ask
from agents.suggest.parsing import one_of
from gym_rlseg.writing import write_picture, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agents.suggest.candidates import Told
    from agents.suggest.suggestions import Suggestion


def suggested(
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


def picked(args: argparse.Namespace, count: int) -> int:
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
