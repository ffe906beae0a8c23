"""List the environments, with the defaults that a config may change."""

from __future__ import annotations

import argparse

from agents.cli.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: there are none."""


def run(args: argparse.Namespace) -> int:
    """List; see the module's text."""
    import gymnasium as gym

    from agents.runs.environment import PIXEL_KINDS, environment_ids, pixel_ids
    from agents.runs.yaml_files import one_line
    from gym_rlseg.envs.superpixel.options import SuperpixelOptions, defaults
    from gym_rlseg.images import SOURCES
    from gym_rlseg.options import plain

    for env_id in environment_ids():
        own = plain(gym.spec(env_id).kwargs)
        of_source = defaults(SOURCES[own["source"]])
        say(f"{env_id}")
        for name, value in {**own, **{k: v for k, v in of_source.items() if k not in own}}.items():
            say(f"  {name}: {one_line(value)}")
        if own["source"] == "files":
            say("  path: (required) a folder with images, or one file")
        say("")
    for algorithm, kind in PIXEL_KINDS.items():
        for env_id in pixel_ids(algorithm):
            say(f"{env_id}  (algorithm: {algorithm})")
            own = plain(gym.spec(env_id).kwargs)
            for name, value in {**defaults(kind.options), **own}.items():
                say(f"  {name}: {one_line(value)}")
            say("")
    say("all others, unless listed above")
    for name, value in defaults(SuperpixelOptions).items():
        say(f"  {name}: {one_line(value)}")
    return 0
