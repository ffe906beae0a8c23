"""The colouring agent learns a toy in seconds, resumes exactly, and says what it can't do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.colouring import Colouring
from agents.colouring.policy import ColouringPolicy
from agents.common.diverged import DivergedError
from gym_rlseg.envs import ColouringEnv
from gym_rlseg.images.base import ImageSource, Sample, Split
from gym_rlseg.wrappers import FlatBits

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

TINY: dict[str, Any] = {
    "widths": (8, 16), "batch": 4, "evaluate_every": 40, "evaluation_samples": 2,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TwoSquares(ImageSource):
    """Two touching squares, at a place of their own in every image."""

    depth: int | None = None

    def size(self, split: Split) -> int:
        return 6

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        truth = np.zeros((16, 16), np.int32)
        y, x = 2 + index % 3, 1 + index % 2 * 2
        truth[y : y + 8, x : x + 6], truth[y : y + 8, x + 6 : x + 12] = 1, 2
        image = np.where(truth == 1, 0.6, np.where(truth == 2, 0.9, 0.1)).astype(np.float32)
        if self.depth is not None:
            truth = np.repeat(truth[None], self.depth, 0)
            image = np.repeat(image[None], self.depth, 0)
        return Sample(image=image[None], truth=truth, name=f"squares {index}")


def squares(**options: Any) -> ColouringEnv:
    source = TwoSquares(depth=options.pop("depth", None))
    reward = {"name": "prox", "radii": [3.0]}
    return ColouringEnv(source, **{"steps": 2, "min_size": 4, "reward": reward, **options})


def weights(agent: Colouring) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in agent.policy.actor.state_dict().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def trained() -> Colouring:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    agent = Colouring(
        "default", squares(), seed=1, averaging=0.9, rates=((0, 3e-3),), **{**TINY, "batch": 8}
    )
    agent.learn(1200)
    torch.set_num_threads(threads)
    return agent


def objects(policy: Any, env: ColouringEnv, index: int) -> NDArray[np.int32]:
    observation, _ = env.reset(options={"index": index})
    over = False
    while not over:
        action, _ = policy.predict(observation, deterministic=True)
        observation, _, over, _, _ = env.step(action)
    return env.segmentation


def test_two_touching_squares_are_learned(trained: Colouring) -> None:
    env = squares(split="test")
    for index in range(6):
        found = objects(trained, env, index)
        assert env.truth is not None
        assert found.max() == 2
        assert (np.where(found == found[env.truth == 1][0], 1, found) > 0).any()
        agreement = max(
            ((found == order[0]) & (env.truth == 1)).sum()
            + ((found == order[1]) & (env.truth == 2)).sum()
            for order in ((1, 2), (2, 1))
        )
        assert agreement > 0.9 * 96
    assert trained.best_reward > trained.learning_curve[0]["reward"] + 0.5


def test_saved_and_loaded(trained: Colouring, tmp_path: Path) -> None:
    path = trained.save(tmp_path / "agent")
    loaded = Colouring.load(path, squares())
    assert same(weights(loaded), weights(trained))
    assert loaded.learning_curve == trained.learning_curve
    assert loaded.num_timesteps == 1200
    policy = ColouringPolicy.load(path)
    env = squares(split="test")
    assert np.array_equal(objects(policy, env, 0), objects(trained, env, 0))
    # At once, and of another size than it has been trained on.
    wide = np.pad(TwoSquares().sample("test", 0, 0).image, ((0, 0), (0, 3), (0, 9)))
    assert policy.colours(wide).shape == (19, 25)
    large = np.tile(TwoSquares().sample("test", 0, 0).image, (1, 3, 3))
    labels = policy.segment(large, min_size=4, tile=16, overlap=8)
    assert labels.shape == (48, 48)
    assert 15 <= labels.max() <= 21  # 9 times two squares
    assert policy.segment(large, min_size=4).max() > 9
    further = Colouring("default", squares(), **{**TINY, "batch": 8})
    further.start_from(path)
    assert same(weights(further), weights(trained))
    other = Colouring("default", squares(), **{**TINY, "widths": (8, 8)})
    with pytest.raises(ValueError, match=r"trained with widths \(8, 16\), this agent has \(8, 8\)"):
        other.start_from(path)
    with pytest.raises(ValueError, match=r"\(channels, steps, dimensions\) \(1, 2, 2\), the env"):
        Colouring.load(path, squares(steps=3))


@pytest.mark.parametrize("options", [{}, {"noise": 1.5, "jitter": 0.1, "weight_shift": 1.0}])
def test_resuming_changes_nothing(options: dict[str, Any], tmp_path: Path) -> None:
    options = {**TINY, "shift_every": 10, **options}
    whole = Colouring("default", squares(subset=0.5), seed=3, **options)
    whole.learn(30)
    part = Colouring("default", squares(subset=0.5), seed=3, **options)
    part.learn(14)  # within a batch
    part.save(tmp_path / "part")
    resumed = Colouring.load(tmp_path / "part", squares(subset=0.5))
    resumed.learn(16)
    assert same(weights(resumed), weights(whole))
    online, other = (a._learner.actor.state_dict() for a in (resumed, whole))
    assert same(online, other)
    assert not same(
        online, Colouring("default", squares(), seed=3, **options)._learner.actor.state_dict()
    )


def test_same_seed_same_training_and_no_trace_outside() -> None:
    state = torch.get_rng_state()
    curves = []
    for seed in (0, 0, 1):
        agent = Colouring("default", squares(), seed=seed, **TINY)
        agent.learn(16)
        curves.append(weights(agent))
    assert same(curves[0], curves[1])
    assert not same(curves[0], curves[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_volumes_one_step_and_attention() -> None:
    agent = Colouring("default", squares(depth=4), **{**TINY, "batch": 2, "attention": True})
    agent.learn(4)
    assert objects(agent, squares(depth=4, split="test"), 0).shape == (4, 16, 16)
    agent = Colouring("default", squares(steps=1), **TINY)
    agent.learn(8)
    assert agent.form == (1, 1, 2)


def test_by_priors_from_the_brightness() -> None:
    reward = {
        "name": "priors",
        "reward": {"name": "circularity", "count": [2, 4], "radius": [4.0, 9.0]},
    }
    env = gym.make(
        "RLSeg-Colouring-v0", height=40, width=40, count=[2, 3], radius=[5.0, 7.0], ground=0.02,
        pool_size=4, reward=reward,
    )  # fmt: skip
    options = {**TINY, "initial_policy": "brightness", "noise": 2.0}
    agent = Colouring("default", env, **options)
    agent.learn(8)
    assert agent.learning_curve[0]["reward"] > 0.3  # whole objects from the start
    assert agent._logged["train/reward"] > 0.05  # and in what is drawn


def test_what_is_logged(tmp_path: Path) -> None:
    agent = Colouring("default", squares(), tensorboard_log=tmp_path, **TINY)
    seen = []
    agent.learn(40, callback=lambda local, _: seen.append(dict(local["logged"])))
    log = EventAccumulator(str(tmp_path))
    log.Reload()
    names = {"reward", "reward_ground", "reward_splitting", "reward_merging", "policy_loss",
             "value_loss", "entropy", "learning_rate", "crowded"}  # fmt: skip
    assert {f"train/{name}" for name in names} <= set(log.Tags()["scalars"])
    assert log.Tags()["images"] == ["validation/panels"]
    last = seen[-1]
    parts = [last[f"train/reward_{part}"] for part in ("ground", "splitting", "merging")]
    assert sum(parts) == pytest.approx(last["train/reward"], abs=1e-5)
    assert seen[0] == {"train/reward": 0.0}  # the first batch isn't full yet


def test_weights_go_over_from_splitting_to_merging() -> None:
    options = {**TINY, "weight_shift": 1.0, "shift_every": 8, "shift_stages": 2}
    agent = Colouring("default", squares(), **options)
    agent.learn(24)
    rewards = [env.reward for env in agent._envs.singles]
    assert [(r.splitting, r.merging) for r in rewards] == [(0.5, 2.0)] * 4  # type: ignore[attr-defined]
    inner = agent.env.unwrapped
    assert isinstance(inner, ColouringEnv)
    assert inner.reward.splitting == 1.5  # type: ignore[attr-defined]


def test_samples_follow_the_chances(trained: Colouring) -> None:
    observation, _ = squares().reset(options={"index": 0})
    batch = {key: np.stack([value] * 3) for key, value in observation.items()}
    drawn, state = trained.predict(batch, state="kept")
    assert drawn.shape == (3, 16, 16)
    assert drawn.dtype == np.int8
    assert state == "kept"
    sure, _ = trained.predict(observation, deterministic=True)
    again, _ = trained.predict(observation, deterministic=True)
    assert np.array_equal(sure, again)
    assert (drawn == sure).mean() > 0.7
    with pytest.raises(ValueError, match=r"must have 1 channels and 2 bits in 2-D, got image"):
        trained.predict({"image": observation["image"], "bits": np.zeros((3, 16, 16))})


def test_stable_baselines3(trained: Colouring) -> None:
    reward, _ = evaluate_policy(trained, squares(split="test"), n_eval_episodes=2, warn=False)  # type: ignore[arg-type]
    assert reward > 0.8
    env = FlatBits(squares())
    assert env.action_space == gym.spaces.MultiBinary(256)
    PPO("MultiInputPolicy", env, n_steps=8, batch_size=8, n_epochs=1, device="cpu").learn(8)
    with pytest.raises(ValueError, match="FlatBits needs an env with MultiBinary actions"):
        FlatBits(gym.make("CartPole-v1"))


def test_what_it_refuses() -> None:
    with pytest.raises(
        ValueError, match=r"env must be a colouring environment .* got SuperpixelEnv"
    ):
        Colouring("default", gym.make("RLSeg-Circles-v0", pool_size=1))
    with pytest.raises(ValueError, match="unknown option 'batches'; did you mean 'batch'"):
        Colouring("default", squares(), batches=2)
    agent = Colouring("default", squares(), **{**TINY, "rates": ((0, 1e-3),)})
    with torch.no_grad():
        agent._learner.actor.heads.bias.fill_(torch.nan)
    with pytest.raises(DivergedError):
        agent.learn(4)
