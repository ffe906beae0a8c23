"""Trainings that are limited by the processor's time, and go on where they were stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Seconds of the processor between two checkpoints of a training.
SAVE_EVERY = 120.0


def clock(seconds: float) -> Callable[..., bool]:
    """Says whether this process has computed for less than so many seconds from now on."""
    started = time.process_time()
    return lambda *_: time.process_time() - started < seconds


def trained(
    make: Callable[[], Any], load: Callable[[Path], Any], seconds: float, saved: Path
) -> tuple[Any, float]:
    """An agent that has learned for so many seconds of the processor, and how many they were.

    Args:
        make: makes a new agent.
        load: makes one from a checkpoint.
        seconds: of the processor; what else the machine does doesn't count.
        saved: the checkpoint, in whose folder the time is kept as well.
    """
    times = saved.with_suffix(".seconds")
    before = float(times.read_text()) if saved.exists() and times.exists() else 0.0
    agent = load(saved) if before else make()
    started = time.process_time()
    due = before + SAVE_EVERY

    def spent() -> float:
        return before + time.process_time() - started

    def save() -> None:
        saved.parent.mkdir(parents=True, exist_ok=True)
        agent.save(saved)
        times.write_text(str(spent()))

    def go_on(*_: Any) -> bool:
        nonlocal due
        if spent() >= due:
            due = spent() + SAVE_EVERY
            save()
        return spent() < seconds

    if before < seconds:
        agent.learn(10**9, callback=go_on)
        save()
    return agent, max(before, spent())
