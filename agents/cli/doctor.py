"""Check the installation: versions, look-alike packages, device, and a step of training.

Each line says ok or FAIL, and what to do about it. Environments alone need no torch: then
what agents need besides is only named.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata

from agents.cli.output import say

#: Extras whose packages are checked, too: what they are for, unless torch is absent.
_EXTRAS = {"agents": "to train and segment", "sb3": "for agents of stable-baselines3"}
#: Look-alikes on PyPI: import name -> (a file that only the right one has, what to do then).
_LOOK_ALIKES = {
    "elf": ("elf/evaluation/__init__.py", "then pip install --force-reinstall python-elf"),
    "nifty": ("nifty/graph/", "bioimage-cpp has what is needed of the right one"),
    "affogato": ("affogato/segmentation/", "bioimage-cpp has what is needed of the right one"),
}

Check = tuple[bool, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: there are none."""


def run(args: argparse.Namespace) -> int:
    """Check; see the module's text."""
    healthy = True
    for passed, line in _checks():
        say(f"{'ok  ' if passed else 'FAIL'}  {line}")
        healthy &= passed
    return 0 if healthy else 1


def _checks() -> Iterator[Check]:
    version = platform.python_version()
    yield sys.version_info >= (3, 11), f"python {version}, {platform.platform()} (needs >= 3.11)"
    needed = requirements()
    for name in needed.pop("", ()):
        yield _installed(name, "pip install gym-rlseg")
    for extra, purpose in _EXTRAS.items():
        command = f"pip install 'gym-rlseg[{extra}]'"
        found = [_installed(name, command) for name in needed.get(extra, ())]
        missing = [line.split()[0] for passed, line in found if not passed]
        if "torch" in missing or (extra != "agents" and missing):
            # The environments do without; some of its packages may be there for others.
            names = ", ".join(missing)
            yield True, f"without {names}, which only those need who want {purpose}: {command}"
        else:
            yield from found
    for name in _LOOK_ALIKES:
        yield from look_alike(name)
    yield True, f"{_cpu_count()} CPU cores"
    if importlib.util.find_spec("torch") is not None:
        yield _guarded(_device)
    for check in (_compiled, _self_test):
        yield _guarded(check)


def requirements() -> dict[str, list[str]]:
    """The distributions that each extra needs by the package's own word; "" is none."""
    found: dict[str, list[str]] = {}
    with contextlib.suppress(metadata.PackageNotFoundError):  # run from its sources
        for line in metadata.requires("gym-rlseg") or ():
            extra = re.search(r"extra == ['\"](\w+)", line)
            name = re.match(r"[\w.-]+", line)
            if name is not None and name[0] != "gym-rlseg":
                found.setdefault("" if extra is None else extra[1], []).append(name[0])
    return found


def look_alike(name: str) -> Iterator[Check]:
    """Whether what `import name` finds is a project of the same name, by its metadata."""
    marker, advice = _LOOK_ALIKES[name]
    try:
        files = metadata.distribution(name).files
    except metadata.PackageNotFoundError:
        files = None
    # Without a list of files there is nothing to go by; PyPI's packages always have one.
    wrong = files is not None and not any(file.as_posix().startswith(marker) for file in files)
    if wrong:
        what = f"uninstall PyPI's {name}, another project: pip uninstall {name}"
        yield False, f"{name} is not the right one; {what}; {advice}"
    elif name == "elf" and "python-elf" in metadata.packages_distributions().get("elf", ()):
        yield True, "elf comes from python-elf"


def _installed(name: str, command: str) -> Check:
    try:
        return True, f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return False, f"{name} is not installed; run: {command}"


def _cpu_count() -> int:
    # What this process may use, which a cluster limits.
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable is not None else os.cpu_count() or 1


def _guarded(check: Callable[[], str]) -> Check:
    try:
        return True, check()
    except Exception as error:  # whatever is broken, doctor is there to say so
        reason = " ".join(str(error).split())
        return False, f"{check.__name__.strip('_')}: {type(error).__name__}: {reason}"


def _compiled() -> str:
    from gym_rlseg.compiled import cache_folder

    folder = cache_folder()
    if folder is None:
        return (
            "compiled functions are kept nowhere, so each process takes longer to start; "
            "set NUMBA_CACHE_DIR to a folder that can be written to"
        )
    return f"compiled functions are kept in {folder}"


def _device() -> str:
    import torch

    if not torch.cuda.is_available():
        return f"torch on the CPU, {torch.get_num_threads()} threads"
    return f"torch on {torch.cuda.get_device_name()}"


def _self_test() -> str:
    import numpy as np

    from gym_rlseg.envs import SuperpixelEnv

    started = time.monotonic()
    env = SuperpixelEnv(
        {"name": "circles", "height": 64, "width": 64, "count": (3, 4), "radius": (5.0, 8.0)},
        subgraph_sizes=(4,),
        pool_size=1,
    )
    env.reset(seed=0)
    action = np.zeros(env.action_space.shape or (), np.float32)
    action[: env.graph.n_edges] = env.graph.evidence
    reward = env.step(action)[1]
    seconds = time.monotonic() - started
    return f"self-test: a small image segmented, reward {reward:.2f}, {seconds:.1f} s"
