"""Learn embeddings of the pixels of a config's images, without annotation or reward.

OUT is a small file (.npz) for the environment of a config, whose agent then knows the
superpixels' embeddings besides the handcrafted features, and starts from how far they are
apart:

    environment:
      features: {name: embedding, path: OUT.npz}

or for an agent that sees pixels, whose U-Net then starts from it:

    agent: {policy: pixels, unet: [8, 16, 32], pretrained: OUT.npz}

What belongs together is said by how superpixels look (appearance), by the boundary map
between them (boundary), or by how alike pixels are (affinity). Ctrl-C stops after the
current update and saves.
"""

from __future__ import annotations

import argparse
from functools import partial

from agents.cli.arguments import add_device, add_threads, checked, whole_number
from agents.cli.output import complain, say
from agents.runs.durations import parse_duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("config", metavar="CONFIG", help="YAML file, as for 'rlseg train'")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="file to write")
    parser.add_argument(
        "--time-limit", metavar="T", type=checked(parse_duration),
        help="stop after T, such as 90s or 5m (default: 3m, unless --updates is given)",
    )  # fmt: skip
    parser.add_argument(
        "--updates", metavar="N", type=checked(whole_number(1)), help="stop after N updates"
    )
    parser.add_argument(
        "--contrast", choices=("appearance", "boundary", "affinity"), default="appearance",
        help="what says which superpixels belong together (default: appearance)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", metavar="N", type=checked(whole_number(0)), default=0,
        help="of weights and of the order of images",
    )  # fmt: skip
    add_device(parser)
    add_threads(parser)
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def run(args: argparse.Namespace) -> int:
    """Pretrain; see the module's text."""
    from agents.pretraining import pretrain

    made = pretrain(
        args.config,
        args.output,
        time_limit=args.time_limit,
        updates=args.updates,
        seed=args.seed,
        device=args.device,
        threads=args.threads,
        tell=None if args.quiet else say,
        warn=partial(complain, kind="warning: "),
        contrast=args.contrast,
    )
    if not args.quiet:
        say(f"{made.updates} updates, loss {made.loss:.3f}; see {made.path}")
    return 130 if made.interrupted else 0
