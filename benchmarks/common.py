"""What every benchmark needs: the machine, the versions and the results file."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_PACKAGES = (
    "gymnasium", "numpy", "numba", "bioimage-cpp", "python-elf", "scikit-image",
    "torch", "torch-geometric",
)  # fmt: skip


def machine() -> str:
    """One line about the processor."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    return f"{os.cpu_count()} cores ({model}), no GPU used, {platform.system()}"


def versions() -> str:
    """Python's and the packages' versions in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Python {platform.python_version()}, {packages}"


def command() -> str:
    """The command line of this process, as a reader would type it."""
    # Folders are the runner's own business.
    arguments = [Path(a).name if Path(a).is_absolute() else a for a in sys.argv[1:]]
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *arguments])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def record(name: str, title: str, body: str) -> None:
    """Put a section into RESULTS.md, in place of the one of the same name."""
    text = RESULTS.read_text() if RESULTS.exists() else "# Measured results\n"
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = "\n".join(
        [
            begin,
            f"## {title}",
            "",
            f"- Command: `{command()}`",
            f"- Machine: {machine()}",
            f"- Versions: {versions()}",
            "",
            body.strip(),
            end,
        ]
    )
    if begin in text:
        before, rest = text.split(begin, 1)
        text = before + section + rest.split(end, 1)[1]
    else:
        text = text.rstrip() + "\n\n" + section + "\n"
    RESULTS.write_text(text)
