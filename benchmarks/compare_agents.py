"""Agents against each other: the package's, stable-baselines3's, REINFORCE, evolution search.

Each agent gets the same steps and the same time on one core: a run goes on until both are
spent, and is measured at fractions of either. What counts is the SBD of test images at the
checkpoint with the highest validation reward so far. Images are prepared before the
clock starts, and it stands still while an agent is measured. Evolution search learns
nothing: it spends the budget on the test images themselves, in equal shares.

    python benchmarks/compare_agents.py --agents graph_sac reinforce --seeds 0 1 --out part1.csv
    python benchmarks/compare_agents.py --merge part1.csv part2.csv
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from agent_curves import MODES, plot, results_table
from agent_runs import NAMES, Bench, Row
from common import record

RESULTS = Path(__file__).parent / "results" / "agents.csv"
KEY = ("env", "agent", "seed", "mode")
COLUMNS = (
    *KEY, "fraction", "budget", "steps", "seconds", "validation", "reward", "sbd",
    "images", "versions",
)  # fmt: skip


def merged(parts: Iterable[Iterable[Row]]) -> list[dict[str, str]]:
    """All rows; of an agent's runs with the same seed, budget and environment the last ones."""
    runs: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for part in parts:
        rows = [{k: str(row[k]) for k in COLUMNS} for row in part]
        key_of = {id(row): tuple(row[k] for k in KEY) for row in rows}
        for key in dict.fromkeys(key_of.values()):
            runs[key] = [row for row in rows if key_of[id(row)] == key]
    return list(itertools.chain.from_iterable(runs.values()))


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a results file; none if there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write a results file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Run or merge; write the CSV and the plot, print and record the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", nargs="+", choices=tuple(NAMES), default=list(NAMES))
    parser.add_argument("--env", nargs="+", default=["RLSeg-Circles-v0", "RLSeg-Embryo-v0"])
    parser.add_argument("--options", default="{}", help="keywords of the environments, as JSON")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), help="budgets")
    parser.add_argument("--images", type=int, default=50, help="per held-out split")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--merge", type=Path, nargs="+", help="files of --out; nothing is run")
    parser.add_argument("--note", default="", help="a sentence for the record")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)

    rows = merged([read(options.out)])
    if options.merge:
        rows = merged([rows, *(read(path) for path in options.merge)])
        write(options.out, rows)
    else:
        for env_id in options.env:
            bench = Bench(env_id, options)  # prepares the images
            rows = merged([rows, bench.references()])
            for seed, name in itertools.product(options.seeds, options.agents):
                rows = merged([rows, bench.run(NAMES[name], seed)])
                write(options.out, rows)
                print(f"{env_id} {name} {seed}: done", flush=True)
    plot(rows, options.out.with_suffix(".png"))
    body = "\n".join([f"{description(rows)} {options.note}".rstrip(), "", results_table(rows)])
    print(body)
    if not options.dry_run:
        record("agents", "Agents compared", body)


def description(rows: Sequence[Row]) -> str:
    """What the table shows."""
    budgets = {mode: {float(r["budget"]) for r in rows if r["mode"] == mode} for mode in MODES}
    steps, seconds = (
        ", ".join(f"{budget:g}" for budget in sorted(budgets[mode])) for mode in MODES
    )
    images = ", ".join(sorted({str(row["images"]) for row in rows}))
    return (
        f"SBD on {images} held-out images (split `test`) after {steps} environment steps and "
        f"after {seconds} seconds of training on one core, at the checkpoint with the highest "
        "reward on validation images; preparing images and measuring are not counted. "
        "Interquartile means over seeds, which are means where there are three, with 95 % "
        "intervals by stratified bootstrap. Curves: "
        "`benchmarks/results/agents.png`."
    )


if __name__ == "__main__":
    main()
