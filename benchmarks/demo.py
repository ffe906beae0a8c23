"""The demo as a user runs it: time, coins found and SBD, for several seeds."""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import record, table

DEMO = Path(__file__).parent.parent / "examples" / "coins_demo.py"


def main() -> None:
    """Run, read, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--suffix", default="", help="of a section of its own in RESULTS.md")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    rows = []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            subprocess.run(
                [sys.executable, DEMO, "--out", folder, "--seed", str(seed)],
                check=True,
                capture_output=True,
            )
            minutes = (time.monotonic() - started) / 60
            with (Path(folder) / "scores.csv").open() as file:
                methods = list(csv.DictReader(file))
        if not rows:
            rows += [(m["method"], f"{m['coins_found']} of 24", m["sbd"], "") for m in methods[1:]]
        ours = methods[0]
        name = f"{ours['method']}, seed {seed}"
        rows.append((name, f"{ours['coins_found']} of 24", ours["sbd"], f"{minutes:.1f}"))
        print(rows[-1], flush=True)
    header = ("", "coins found (IoU 0.5)", "SBD", "minutes in all")
    body = "\n".join(
        [
            "`make demo` without the installation: training on the photograph by reward alone "
            "(no truth), segmentation, report.",
            "",
            table(header, rows),
        ]
    )
    print(body)
    if not arguments.dry_run:
        record(f"demo{arguments.suffix}", f"RLSeg-Coins-v0: the demo{arguments.suffix}", body)


if __name__ == "__main__":
    main()
