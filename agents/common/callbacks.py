"""Callbacks of `learn`: plain callables, and stable-baselines3's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agents.common.reporting import Reporter

Variables = dict[str, Any]
#: A callable of (locals, globals), a `BaseCallback` of stable-baselines3, or a list of those.
Callback = Callable[[Variables, Variables], bool | None] | Any | None


class Callbacks:
    """One form for all kinds of callbacks during one call of `learn`.

    stable-baselines3's see each episode, of one step, as a rollout; what they log goes to
    TensorBoard beside the agent's own. It is only imported if there are any.

    Args:
        callback: see `Callback`.
        agent: the one that learns.
        reporter: of this call.
    """

    def __init__(self, callback: Callback, agent: Any, reporter: Reporter) -> None:
        self._plain: Any = callback
        self._theirs: Any = None
        if isinstance(callback, list) or hasattr(callback, "init_callback"):
            from stable_baselines3.common.callbacks import CallbackList

            self._plain = None
            self._theirs = CallbackList(callback) if isinstance(callback, list) else callback
            agent.logger = _logger(reporter)
            self._theirs.init_callback(agent)

    def start(self, local: Variables, global_: Variables) -> None:
        """Before the first step."""
        if self._theirs is not None:
            self._theirs.on_training_start(dict(local), global_)

    def go_on(self, local: Variables, global_: Variables) -> bool:
        """After every step: whether there is to be another."""
        if self._theirs is None:
            return self._plain is None or self._plain(local, global_) is not False
        self._theirs.on_rollout_start()
        reward = local["logged"]["train/reward"]
        self._theirs.update_locals({**local, "rewards": [reward], "dones": [True]})
        proceed = self._theirs.on_step()
        self._theirs.on_rollout_end()
        return bool(proceed)

    def end(self) -> None:
        """After the last step, unless an error ends the training."""
        if self._theirs is not None:
            self._theirs.on_training_end()


def _logger(reporter: Reporter) -> Any:
    """stable-baselines3's logger, whose numbers go where the agent's go."""
    from stable_baselines3.common.logger import KVWriter, Logger

    class Scalars(KVWriter):
        def write(
            self, key_values: Variables, key_excluded: Mapping[str, Any], step: int = 0
        ) -> None:
            for name, value in key_values.items():
                if "tensorboard" not in (key_excluded.get(name) or ()):
                    reporter.scalar(name, value, step)

        def close(self) -> None:
            pass

    return Logger(None, [Scalars()])
