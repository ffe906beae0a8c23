"""Statistics, table and plot of `compare_agents.py`'s measurements.

A measurement is a row of text: env, agent, seed, mode ("steps" or "time"), fraction of the
budget, steps, seconds, validation (reward), reward and sbd (of the test images).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from common import table
from numpy.typing import NDArray
from scipy.stats import trim_mean

Row = Mapping[str, str]
MODES = ("steps", "time")
EVIDENCE, BOUND = "evidence", "superpixel bound"
_RESAMPLES = 2000


def interquartile_mean(scores: Iterable[NDArray[np.float64]]) -> float:
    """Mean of the middle half of all runs of all tasks; (runs,) per task."""
    return float(trim_mean(np.concatenate(list(scores)), 0.25))


def confidence_interval(
    scores: Sequence[NDArray[np.float64]], seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the interquartile mean by stratified bootstrap (Agarwal et al., 2021).

    Runs are drawn with replacement within each task.

    Args:
        scores: (runs,) per task.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    draws = [rng.choice(of_task, (_RESAMPLES, of_task.size)) for of_task in scores]
    means = trim_mean(np.concatenate(draws, axis=1), 0.25, axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def selected(
    rows: Iterable[Row], env: str, agent: str, mode: str, value: str = "sbd"
) -> dict[float, NDArray]:
    """SBD or "reward" of every seed by fraction of the budget, {fraction: (seeds,)}.

    That of the checkpoint with the highest validation reward so far, whatever its SBD.
    Only fractions that all seeds have.
    """
    by_seed: dict[str, list[Row]] = {}
    for row in rows:
        if (row["env"], row["agent"], row["mode"]) == (env, agent, mode):
            by_seed.setdefault(row["seed"], []).append(row)
    curves = []
    for own in by_seed.values():
        own.sort(key=lambda row: float(row["fraction"]))
        best, curve = own[0], {}
        for row in own:
            if float(row["validation"]) > float(best["validation"]):
                best = row
            curve[float(row["fraction"])] = float(best[value])
        curves.append(curve)
    if not curves:
        return {}
    shared = sorted(set.intersection(*(set(curve) for curve in curves)))
    return {fraction: np.array([curve[fraction] for curve in curves]) for fraction in shared}


def results_table(rows: Sequence[Row]) -> str:
    """A table per budget: interquartile means with their intervals, by agent and environment.

    The last column is over all environments, of (SBD - evidence) / (bound - evidence).
    """
    envs, agents = _names(rows, "env"), _names(rows, "agent")
    header = ["", *(f"{env}, {value}" for env in envs for value in ("return", "SBD"))]
    header.append("share of the way from evidence to bound")
    found = []
    for mode in (mode for mode in MODES if any(row["mode"] == mode for row in rows)):
        lines = []
        for agent in agents:
            line, shares = [agent], []
            for env in envs:
                line += [_cell([_final(rows, env, agent, mode, v)]) for v in ("reward", "sbd")]
                shares.append(_normalised(rows, env, mode, _final(rows, env, agent, mode)))
            lines.append([*line, _cell(shares)])
        found.append(f"Equal {mode}:\n\n{table(header, lines)}")
    return "\n\n".join(found)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Learning curves with confidence bands, one panel per environment and mode."""
    from matplotlib.figure import Figure

    envs = _names(rows, "env")
    agents = [name for name in _names(rows, "agent") if name not in (EVIDENCE, BOUND)]
    figure = Figure(figsize=(11, 4 * len(envs)), layout="constrained")
    axes = figure.subplots(len(envs), len(MODES), squeeze=False, sharey="row")
    for line, env in zip(axes, envs, strict=True):
        for panel, mode in zip(line, MODES, strict=True):
            for number, agent in enumerate(agents):
                curve = selected(rows, env, agent, mode)
                if not curve:
                    continue
                x = [fraction * _budget(rows, env, mode) for fraction in curve]
                bands = np.array([confidence_interval([scores]) for scores in curve.values()])
                colour = f"C{number % 10}"
                means = [interquartile_mean([scores]) for scores in curve.values()]
                style = "-" if number < 10 else "--"
                panel.plot(x, means, style, color=colour, label=agent)
                panel.fill_between(x, bands[:, 0], bands[:, 1], color=colour, alpha=0.15, lw=0)
            for name, style in ((EVIDENCE, ":"), (BOUND, "-.")):
                for score in _final(rows, env, name, mode)[:1]:
                    panel.axhline(score, color="black", ls=style, lw=1, label=name)
            panel.set_title(f"{env}, equal {mode}", fontsize=10)
            panel.set_xlabel("environment steps" if mode == "steps" else "seconds of training")
            panel.grid(alpha=0.3)
        line[0].set_ylabel("SBD on held-out images")
    axes[0, -1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def _final(
    rows: Iterable[Row], env: str, agent: str, mode: str, value: str = "sbd"
) -> NDArray[np.float64]:
    return selected(rows, env, agent, mode, value).get(1.0, np.empty(0))


def _normalised(
    rows: Sequence[Row], env: str, mode: str, scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    low, high = (_final(rows, env, name, mode) for name in (EVIDENCE, BOUND))
    if not low.size or not high.size:
        return np.empty(0)
    return (scores - low[0]) / (high[0] - low[0])


def _cell(scores: Sequence[NDArray[np.float64]]) -> str:
    if not all(of_task.size for of_task in scores):
        return ""
    if all(of_task.size == 1 for of_task in scores):
        return f"{interquartile_mean(scores):.3f}"
    low, high = confidence_interval(scores)
    return f"{interquartile_mean(scores):.3f} [{low:.3f}, {high:.3f}]"


def _budget(rows: Iterable[Row], env: str, mode: str) -> float:
    return max(float(row["budget"]) for row in rows if row["env"] == env and row["mode"] == mode)


def _names(rows: Iterable[Row], column: str) -> list[str]:
    return list(dict.fromkeys(row[column] for row in rows))
