"""Actor-critic instance segmentation, with the interface of stable-baselines3."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.common.agent import Agent
from agents.common.evaluation import Predict, Validation, mean_of
from agents.common.reporting import Reporter
from agents.common.selection import Selection
from agents.mask_actor_critic.batch import Batch
from agents.mask_actor_critic.drawer import check_side
from agents.mask_actor_critic.learner import MaskLearner
from agents.mask_actor_critic.options import NETWORK_OPTIONS, POLICIES, MaskActorCriticConfig
from agents.mask_actor_critic.policy import FORMAT, MaskPolicy, Memory
from agents.mask_actor_critic.stages import Stage
from agents.mask_actor_critic.suggested import suggested
from gym_rlseg.envs import MasksEnv
from gym_rlseg.envs.image_pool import Prepared
from gym_rlseg.rewards.drawn_masks import DRAWN

#: Greatest value of a mask that would be blank.
_BARELY = 1.02 * DRAWN


class MaskActorCritic(Agent):
    """Draws one object after the other (Araslanov et al., "Actor-Critic Instance Segmentation").

    A time step of `learn` is an image of a batch, whichever of the five stages it is in: see
    `MaskActorCriticConfig`. Where the environment matches masks with the truth, the truth is
    what the stages before the critic learn from; where a reward of priors scores them, no truth
    is looked at, and those stages learn from a classical segmentation (`teacher`).

    Args:
        policy: "default"; "paper", with the paper's sizes; its baselines and ablations "bl",
            "bl_trunc", "no_kl" and "no_pyramid"; or a `MaskActorCriticConfig`.
        env: a `MasksEnv`, or what `gym.make` returns for one. Wrappers around it are passed by.
        eval_env: validation images; None takes the validation split of `env`.
        seed: of weights, actions, what is given, and the environment's draws.
        device: "auto", "cpu" or "cuda".
        tensorboard_log: folder for TensorBoard's files; None writes none.
        **options: fields of `MaskActorCriticConfig` that differ from the policy's.

    Raises:
        ValueError: if an argument can't be used.
    """

    config_class: ClassVar[type[Any]] = MaskActorCriticConfig
    policies: ClassVar[Mapping[str, Mapping[str, Any]]] = POLICIES
    network_options: ClassVar[tuple[str, ...]] = NETWORK_OPTIONS
    checkpoint_format: ClassVar[str] = FORMAT
    config: MaskActorCriticConfig
    policy: MaskPolicy
    _learner: MaskLearner

    def _check_environment(self, env: gym.Env[Any, Any]) -> None:
        super()._check_environment(env)
        if not isinstance(env.unwrapped, MasksEnv):
            raise ValueError(
                "env must be an environment of masks such as RLSeg-Masks-v0, got "
                f"{type(env.unwrapped).__name__}"
            )

    def _set_up(self) -> None:
        inner, config = self.env.unwrapped, self.config
        assert isinstance(inner, MasksEnv)  # see `_check_environment`
        self._by_truth = inner.options.reward is None
        if self._by_truth != (config.teacher == "truth"):
            raise ValueError(
                "teacher must be 'truth' where masks are matched with the truth, and 'bright' or "
                f"'dark' where a reward of priors scores them, got {config.teacher!r}"
            )
        channels, height, width = inner.image_shape
        self.form = (channels, height, width)
        check_side(self.form[1:], config)
        self._draws = inner.sibling()
        self._draws.reset(seed=self.team.seed(self.seed))
        self._logged = {"train/reward": 0.0}
        self._suggested: dict[int, NDArray[np.int32]] = {}
        self._seen: dict[int, Tensor] = {}
        self._drawn_objects: dict[int, NDArray[np.bool_]] = {}
        self._learner = MaskLearner(
            self.form[0],
            self.form[1:],
            config,
            by_truth=self._by_truth,
            seed=self.seed,
            device=self.device,
            watch=self._watch,
        )
        self.policy = MaskPolicy(
            copy.deepcopy(self._learner.averaged_actor),
            self.form,
            device=self.device,
            seed=self.seed,
        )
        self._selection = Selection(self.policy.actor)

    def _step(self) -> dict[str, float]:
        """One more image; the last of a batch trains on them all, so none is ever half done."""
        if (self.num_timesteps // self.team.size + 1) % self.config.batch == 0:
            self._logged = {"train/reward": 0.0, **self._update()}
        self.num_timesteps += self.team.size
        return self._logged

    def _update(self) -> dict[str, float]:
        """An update of the stage; critics that learn more often than actors do so first."""
        stage = Stage.at(self.config, self.num_timesteps)
        self._learner.set_rate(stage.rate)
        extra = self.config.critic_updates if stage.name == "actor" else 0
        for _ in range(extra):
            self._learned(stage, actor=False)
        logged = self._learned(stage, actor=stage.name == "actor")
        self._learner.average(self.config.averaging)
        return {**logged, "train/learning_rate": stage.rate, "train/length": stage.length}

    def _learned(self, stage: Stage, *, actor: bool) -> dict[str, float]:
        with self._watch("images"):
            indices, prepared = zip(*self._drawn(), strict=True)
            batch = self._batch(indices, prepared)
        learner = self._learner
        if stage.name == "channels":
            return learner.learn_channels(batch)
        with self._watch("channels"):
            seen = self._channels(indices, batch)
        if stage.name == "masks":
            return learner.learn_masks(batch, seen)
        if self.config.redraws:
            with self._watch("auto-encoder"):
                batch = replace(batch, drawn=self._redrawn(indices, batch, seen))
        if stage.name == "start":
            return learner.learn_start(batch, seen, stage.length)
        return learner.learn_by_critic(batch, seen, stage.length, actor=actor)

    def _drawn(self) -> list[tuple[int, Prepared]]:
        """Random images that can be used, and their indices."""
        pool, rng = self._draws.pool, self._draws.np_random
        return [
            pool.first(int(rng.integers(pool.limit)) for _ in count())
            for _ in range(self.config.batch)
        ]

    def _batch(self, indices: tuple[int, ...], prepared: tuple[Prepared, ...]) -> Batch:
        labels = [self._labels(index, one) for index, one in zip(indices, prepared, strict=True)]
        reward = self._draws.reward
        return Batch(
            pixels=np.stack([one.sample.image for one in prepared]),
            labels=np.stack(labels),
            judging=[partial(reward.judge, one.scored.judged) for one in prepared],
        )

    def _labels(self, index: int, prepared: Prepared) -> NDArray[np.int32]:
        """The truth, or what is suggested in its place."""
        if self._by_truth:
            assert prepared.sample.truth is not None  # the reward has seen it
            return prepared.sample.truth
        if index not in self._suggested:
            config = self.config
            found = suggested(prepared.sample.image, config.teacher, config.diameter)
            self._suggested[index] = found
        return self._suggested[index]

    def _channels(self, indices: tuple[int, ...], batch: Batch) -> Tensor:
        """What is seen of images; of those in the pool it is kept, as it changes no more."""
        size = self._draws.pool.size or 0
        found = []
        for index, pixels in zip(indices, batch.pixels, strict=True):
            # One by one: a batch of others might change the last bit of it.
            seen = self._seen.get(index)
            if seen is None:
                # Half the memory, and as exact as is needed.
                seen = self._learner.actor.see(self._learner.tensor(pixels[None])).half()
                if index < size:
                    self._seen[index] = seen
            found.append(seen)
        return torch.cat(found).float()

    def _redrawn(
        self, indices: tuple[int, ...], batch: Batch, seen: Tensor
    ) -> list[NDArray[np.bool_]]:
        """Objects of every image by the auto-encoder, which changes no more; see `_channels`."""
        size, found = self._draws.pool.size or 0, []
        for index, labels, view in zip(indices, batch.labels, seen, strict=True):
            drawn = self._drawn_objects.get(index)
            if drawn is None:
                # The same whenever it is drawn: a training that goes on equals one that went on.
                noise = torch.Generator().manual_seed((self.seed + 7919 * index) % 2**63)
                drawn = self._learner.redrawn(labels, view[None], noise)
                if index < size:
                    self._drawn_objects[index] = drawn
            found.append(drawn)
        return found

    def _validate(self, env: gym.Env[Any, Any], samples: int, reporter: Reporter) -> None:
        """See `TrainingLoop`; before the actor is trained there is nothing to choose from."""
        if Stage.at(self.config, self.num_timesteps).name not in ("channels", "masks"):
            super()._validate(env, samples, reporter)

    def _averaged(self) -> Predict:
        policy = MaskPolicy(self._learner.averaged_actor, self.form, device=self.device)
        return lambda observation: policy.predict(observation, deterministic=True)[0]

    def _validated(self, env: gym.Env[Any, Any], samples: int, *, render: bool) -> Validation:
        """Mean return of images 0..samples-1; that of the last is shown.

        A blank mask ends an episode, but labels are made of those behind it as well. So where
        the truth scores them, and the actor means to go on, masks are just about not blank.
        """
        policy = MaskPolicy(self._learner.averaged_actor, self.form, device=self.device)

        def returned(index: int) -> float:
            observation, _ = env.reset(options={"index": index})
            over, total = False, 0.0
            memory: Memory | None = None
            while not over:
                mask, memory = policy.predict(observation, memory, deterministic=True)
                if self._by_truth and 0 < mask.max() <= DRAWN:
                    mask = mask * np.float32(_BARELY / mask.max())
                observation, reward, over, _, _ = env.step(mask)
                total += float(reward)
            return total

        with self._watch("validation"):
            return mean_of(env, returned, samples, self.team, render=render)

    def _fits(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        return {"form": ("(channels, height, width)", self.form)}

    def _env_rng(self) -> str | None:
        return json.dumps(self._draws.np_random.bit_generator.state)

    def _restore_env_rng(self, saved: str) -> None:
        self._draws.np_random.bit_generator.state = json.loads(saved)

    def _episodes(self, *, include_replay: bool) -> dict[str, Any]:
        return {"logged": dict(self._logged)}

    def _restore_episodes(self, saved: Mapping[str, Any]) -> None:
        self._logged = dict(saved["logged"])
