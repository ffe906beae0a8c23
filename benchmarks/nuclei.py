"""Real nuclei without annotation: four sets, five folds each, against classical methods.

Every image is segmented by an agent that never saw it, and no agent sees any truth. A
set's config is what `rlseg init --diameter D` makes of it. --train FOLDER trains and
writes what each fold gave into FOLDER (so that sets can run side by side); --assemble
FOLDER adds the methods that don't learn and records the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from common import record, table
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[1] / "examples"))
import supervised_edges
from held_out import budget

from agents.algorithms import ALGORITHMS
from agents.baselines import OtsuWatershed, PixelMutexWatershed, edge_multicut
from agents.graph.agent import GraphAgent
from agents.runs.environment import build_env, resolve
from agents.segmenting.by_reward import segment_by_reward
from agents.segmenting.pipeline import Pipeline, segment_graph
from agents.suggest.candidates import Candidate
from agents.suggest.recipes import Known
from agents.suggest.settings import settings
from gym_rlseg.graph.superpixels import MutexWatershed
from gym_rlseg.images import FilesSource, Sample
from gym_rlseg.metrics import Evaluation, evaluate, mean_scores, superpixel_bound

Labels = NDArray[np.int32]
FOLDS = 5
#: Name of each set -> usual diameter in px, and what becomes of the colours.
SETS = {
    "dsb2018_fluo_crop": (25.0, "channels"),
    "dsb2018_fluo_large": (40.0, "channels"),
    "dsb2018_fluo": (15.0, "channels"),
    "dsb2018_he": (21.0, "darkness"),
}
#: Parameters of Otsu + watershed; lengths in diameters.
GRID = {
    "smoothing": (0.04, 0.08),
    "min_distance": (0.15, 0.25, 0.35, 0.5),
    "distance_smoothing": (0.04, 0.08),
}
BIASES = (0.3, 0.4, 0.5, 0.6, 0.7)
REACHES = (0.3, 0.6, 1.0)
METHODS = ("plain", "searched", "supervised")


def main() -> None:
    """Train and keep, or assemble and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the sets: SET/images, SET/labels")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--train", type=Path, help="folder for the folds' outcomes")
    parser.add_argument("--assemble", type=Path, help="folder of --train")
    parser.add_argument("--minutes", type=float, default=1.5, help="of training a fold")
    parser.add_argument(
        "--supervised", action="store_true", help="train the same network with the truth as well"
    )
    parser.add_argument("--algorithm", choices=ALGORITHMS, default="reinforce")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--suffix", default="", help="of a section of its own in RESULTS.md")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    if arguments.train is None and arguments.assemble is None:
        parser.error("nothing to do: give --train, --assemble or both")
    torch.set_num_threads(1)
    for name in arguments.sets:
        if arguments.train is not None:
            for fold in range(FOLDS):
                train_fold(arguments, name, fold)
        if arguments.assemble is not None:
            title, body = assemble(arguments, name)
            print(body, flush=True)
            if not arguments.dry_run:
                record(f"nuclei {name}{arguments.suffix}", f"{title}{arguments.suffix}", body)


def environment(data: Path, name: str, exclude: Sequence[str] = ()) -> dict[str, Any]:
    """The resolved environment of a set."""
    diameter, colour = SETS[name]
    options: dict[str, Any] = {"path": str(data / name / "images"), "colour": colour}
    source = FilesSource(**options)
    height, width = source.load(source.all_files()[0]).image.shape[1:]
    family = "stained nuclei" if colour == "darkness" else "bright blobs"
    candidate = Candidate(family=family, known=Known(diameter=diameter, colour=colour))
    section = settings(candidate, height, width)["environment"]
    return resolve({**section, **options, "exclude": list(exclude)}, Path())


def held_back(data: Path, name: str, fold: int | None = None) -> Iterator[Sample]:
    """The images of a fold (None: of all), with truth and the set's own normalisation."""
    options = environment(data, name)
    names = {f.name for f in dataclasses.fields(FilesSource)}
    source = FilesSource(
        **{k: v for k, v in options.items() if k in names and k != "labels"},
        labels=str(data / name / "labels"),
    )
    for index, file in enumerate(source.all_files()):
        if fold is None or index % FOLDS == fold:
            yield source.load(file)


def train_fold(arguments: argparse.Namespace, name: str, fold: int) -> None:
    """Train on all but a fold, segment the fold, keep the scores."""
    target = arguments.train / f"{name}-{fold}.json"
    if target.exists():
        return
    samples = list(held_back(arguments.data, name, fold))
    options = environment(arguments.data, name, [sample.name for sample in samples])
    agent = trained_agent(arguments, arguments.train / f"{name}-{fold}", options)
    outcome: dict[str, Any] = {
        "steps": agent.num_timesteps,
        "minutes": arguments.minutes,
        "validation": [row["reward"] for row in agent.learning_curve],
    }
    pipeline = Pipeline.from_options(options)
    shared: dict[str, Any] = {"partition": pipeline.partition, "reward": pipeline.reward}
    for method in METHODS if arguments.supervised else METHODS[:2]:
        supervised = method == "supervised"
        predictor = Supervised(arguments, name, options) if supervised else agent
        rows, seconds = [], 0.0
        for sample in samples:
            graph = pipeline.graph(sample)
            begun = time.perf_counter()
            if method == "searched":
                rng = np.random.default_rng(0)
                result = segment_by_reward(agent.policy, graph, rng=rng, **shared)
            else:
                result = segment_graph(predictor, graph, **shared)
            seconds += time.perf_counter() - begun
            truth = cast(Labels, sample.truth)
            rows.append(dataclasses.asdict(evaluate(result.object_labels, truth)))
        outcome[method] = {"scores": rows, "ms": 1e3 * seconds / len(samples)}
    target.write_text(json.dumps(outcome))
    means = [mean_scores([Evaluation(**r) for r in outcome[m]["scores"]]).sbd for m in METHODS
             if m in outcome]  # fmt: skip
    print(name, fold, agent.num_timesteps, "steps", means, flush=True)


def trained_agent(arguments: argparse.Namespace, path: Path, options: dict[str, Any]) -> GraphAgent:
    """The agent of a fold: loaded if it was trained before, or trained and kept."""
    # Processor time, so that what else runs on the machine takes nothing from the training.
    started = time.process_time()
    env = build_env(options)
    if path.with_suffix(".pt").exists():
        return ALGORITHMS[arguments.algorithm].load(path, env)
    agent = ALGORITHMS[arguments.algorithm]("default", env, seed=arguments.seed)
    limit = 60.0 * arguments.minutes
    agent.learn(10**9, callback=lambda *_: time.process_time() - started < limit)
    path.parent.mkdir(parents=True, exist_ok=True)
    agent.save(path, include_replay=False)
    return agent


class Supervised:
    """The agents' network, trained with the truth; see `examples/supervised_edges.py`."""

    def __init__(self, arguments: argparse.Namespace, name: str, options: dict[str, Any]) -> None:
        labels = str(arguments.data / name / "labels")
        env = build_env({**options, "labels": labels})
        env.pool.prepare()
        proceed = budget(10**9, 60.0 * arguments.minutes)
        self._predict = supervised_edges.train(env, seed=arguments.seed, proceed=proceed)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], Any]:  # fmt: skip
        """See `agents.segmenting.pipeline.Predictor`."""
        return self._predict(observation), state


def assemble(arguments: argparse.Namespace, name: str) -> tuple[str, str]:
    """Title and table of a set."""
    diameter, _ = SETS[name]
    samples = list(held_back(arguments.data, name))
    truths = [cast(Labels, sample.truth) for sample in samples]
    pipeline = Pipeline.from_options(environment(arguments.data, name))
    graphs = [pipeline.graph(sample) for sample in samples]

    def scored(labels: Sequence[Any]) -> Evaluation:
        return mean_scores([evaluate(a, b) for a, b in zip(labels, truths, strict=True)])

    otsu = {}
    for values in product(*GRID.values()):
        lengths = dict(zip(GRID, values, strict=True))
        watershed = OtsuWatershed(
            smoothing=lengths["smoothing"] * diameter,
            min_distance=max(1, round(lengths["min_distance"] * diameter)),
            distance_smoothing=lengths["distance_smoothing"] * diameter,
            min_size=round(0.08 * diameter**2),
        )
        otsu[str(lengths)] = scored([watershed(sample.image) for sample in samples])
    edges = {
        b: scored([edge_multicut(g, pipeline.reward, bias=b).object_labels for g in graphs])
        for b in BIASES
    }
    mutex = {
        reach: scored(
            [
                PixelMutexWatershed(
                    boundary=pipeline.recipe.boundary,
                    watershed=MutexWatershed(reach=(max(2, round(reach * diameter)),)),
                )(sample.image)
                for sample in samples
            ]
        )
        for reach in REACHES
    }
    bound = scored(
        [superpixel_bound(g.superpixels, t) for g, t in zip(graphs, truths, strict=True)]
    )
    outcomes = [
        json.loads((arguments.assemble / f"{name}-{fold}.json").read_text())
        for fold in range(FOLDS)
    ]
    rows = [row("superpixel bound (needs the truth)", bound)]
    best = max(otsu, key=lambda key: otsu[key].sbd)
    rows.append(row("Otsu + distance-transform watershed, best of the grid", otsu[best]))
    rows.append(row("edge map + multicut", edges[0.5]))
    bias = max(edges, key=lambda key: edges[key].sbd)
    rows.append(row(f"the same, best bias in hindsight ({bias})", edges[bias]))
    reach = max(mutex, key=lambda key: mutex[key].sbd)
    rows.append(row("mutex watershed of the pixels, best reach", mutex[reach]))
    for package in ("cellpose", "stardist"):
        there = importlib.util.find_spec(package) is not None
        reason = "installed, but without weights" if there else "not installed"
        rows.append((package, reason, *[""] * 5))
    folds = {}
    agent = ALGORITHMS[arguments.algorithm].__name__
    for method, label in (("plain", agent), ("searched", f"{agent}, searched")):
        scores = [[Evaluation(**r) for r in o[method]["scores"]] for o in outcomes]
        folds[method] = [mean_scores(s).sbd for s in scores]
        rows.append(row(f"{label} (no annotation)", mean_scores(list(chain.from_iterable(scores)))))
    if all("supervised" in o for o in outcomes):
        chained = chain.from_iterable(o["supervised"]["scores"] for o in outcomes)
        scored_rows = mean_scores([Evaluation(**r) for r in chained])
        rows.append(row("the same network, trained with the truth (needs annotation)", scored_rows))
    ratio = np.mean([o["searched"]["ms"] / o["plain"]["ms"] for o in outcomes])
    spans = [np.ptp(o["validation"][-10:]) for o in outcomes]
    header = ("", "SBD", "AP50", "mAP", "VI split", "VI merge", "\\|DiC\\|")
    spread = ", ".join(
        f"{m} {np.mean(v):.3f} (standard deviation {np.std(v, ddof=1):.3f})"
        for m, v in folds.items()
    )
    body = [
        f"{len(samples)} images in {FOLDS} folds, {outcomes[0]['minutes']:g} minutes of training a "
        f"fold on one core ({min(o['steps'] for o in outcomes)} to "
        f"{max(o['steps'] for o in outcomes)} steps), seed {arguments.seed}; "
        f"diameter given: {diameter:g} px.",
        "",
        table(header, rows),
        "",
        f"SBD of the folds: {spread}. Searching takes {ratio:.1f} times a plain prediction. The "
        f"last ten validation rewards of a fold span {max(spans):.3f} at most. Otsu's best "
        f"parameters, in diameters: {best}.",
    ]
    return f"Nuclei: {name}", "\n".join(body)


def row(label: str, scores: Evaluation) -> tuple[str, ...]:
    """A line of the table."""
    return (
        label,
        f"{scores.sbd:.3f}",
        f"{scores.ap50:.3f}",
        f"{scores.mean_ap:.3f}",
        f"{scores.vi_split:.3f}",
        f"{scores.vi_merge:.3f}",
        f"{scores.count_difference:.2f}",
    )


if __name__ == "__main__":
    main()
