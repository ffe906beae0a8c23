"""The agent learns a toy in seconds, resumes exactly, and says what it can't do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3.common.evaluation import evaluate_policy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents.common.diverged import DivergedError
from agents.mask_actor_critic import MaskActorCritic
from agents.mask_actor_critic.latent_masks import LatentMasks
from agents.mask_actor_critic.policy import MaskPolicy
from gym_rlseg.envs import MasksEnv
from gym_rlseg.images.base import ImageSource, Sample, Split
from gym_rlseg.metrics import symmetric_best_dice

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

TINY: dict[str, Any] = {
    "widths": (8, 16), "latent": 4, "features": 32, "memory_size": 8, "channel_widths": (8, 16),
    "batch": 4, "objects": 2, "evaluate_every": 40, "evaluation_samples": 2,
    "channel_steps": 8, "mask_steps": 8, "start_steps": 8, "critic_steps": 4, "actor_steps": 12,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Squares(ImageSource):
    """Two touching squares, at a place of their own in every image; the seventh shows nothing."""

    images: int = 6

    def size(self, split: Split) -> int:
        return self.images

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        truth = np.zeros((16, 16), np.int32)
        y, x = 2 + index % 3, 1 + index % 2 * 2
        if index < 6:
            truth[y : y + 8, x : x + 6], truth[y : y + 8, x + 6 : x + 12] = 1, 2
        image = np.where(truth == 1, 0.6, np.where(truth == 2, 0.9, 0.1)).astype(np.float32)
        return Sample(image=image[None], truth=truth, name=f"squares {index}")


def squares(images: int = 6, **options: Any) -> MasksEnv:
    return MasksEnv(Squares(images=images), **{"max_masks": 4, **options})


def weights(agent: MaskActorCritic) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in agent.policy.actor.state_dict().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def trained() -> MaskActorCritic:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    agent = MaskActorCritic(
        "default", squares(7), seed=1, rate=5e-3, averaging=0.9,
        **{
            **TINY, "batch": 7, "channel_steps": 420, "mask_steps": 700, "start_steps": 1400,
            "critic_steps": 70, "actor_steps": 350, "evaluate_every": 700,
            "lengths": ((0.0, 1), (0.3, 4)),
        },
    )  # fmt: skip
    agent.learn(2940)
    torch.set_num_threads(threads)
    return agent


def segmented(policy: Any, env: MasksEnv, index: int) -> NDArray[np.int32]:
    observation, _ = env.reset(options={"index": index})
    over, state = False, None
    while not over:
        action, state = policy.predict(observation, state, deterministic=True)
        observation, _, over, _, _ = env.step(action)
    return env.segmentation


def test_two_touching_squares_are_learned(trained: MaskActorCritic) -> None:
    env = squares(split="test", known_count=False)
    for index in range(6):
        found = segmented(trained, env, index)
        assert found.max() == 2
        assert symmetric_best_dice(found, env.truth) > 0.9
    assert trained.best_reward > 1.6


def test_it_ends_at_once_where_there_is_nothing(trained: MaskActorCritic) -> None:
    env = squares(7, split="test", known_count=False)
    observation, _ = env.reset(options={"index": 6})
    mask, _ = trained.predict(observation, deterministic=True)
    assert mask.max() <= 0.5
    assert env.step(mask)[2]
    assert env.segmentation.max() == 0
    assert len(trained.policy.masks(observation["image"], 4)) == 0


def test_saved_and_loaded(trained: MaskActorCritic, tmp_path: Path) -> None:
    path = trained.save(tmp_path / "agent")
    loaded = MaskActorCritic.load(path, squares(7))
    assert same(weights(loaded), weights(trained))
    assert loaded.learning_curve == trained.learning_curve
    policy = MaskPolicy.load(path)
    env = squares(split="test", known_count=False)
    assert np.array_equal(segmented(policy, env, 0), segmented(trained, env, 0))
    image = Squares().sample("test", 0, 0).image
    assert np.array_equal(policy.segment(image), trained.policy.segment(image))
    further = MaskActorCritic("default", squares(), **TINY)
    further.start_from(path)
    assert same(weights(further), weights(trained))
    other = MaskActorCritic("default", squares(), **{**TINY, "latent": 3})
    with pytest.raises(ValueError, match=r"trained with latent 4, this agent has 3"):
        other.start_from(path)
    with pytest.raises(ValueError, match=r"\(channels, height, width\) \(1, 16, 16\), the env"):
        MaskActorCritic.load(path, squares(size=32))


def test_the_decoder_by_itself(trained: MaskActorCritic) -> None:
    decoder = trained.policy.decoder()
    env = LatentMasks(squares(), decoder)
    assert env.action_space.shape == (4,)
    observation, _ = env.reset(options={"index": 0})
    latent = np.zeros(4, np.float32)
    mask = decoder(latent, observation)
    assert np.array_equal(mask, decoder(latent, observation))
    assert not np.allclose(mask, decoder(latent + 2, observation))
    assert not np.allclose(mask, decoder(latent, {"image": 1 - observation["image"]}))
    assert np.array_equal(mask, decoder(latent, observation))
    assert np.array_equal(env.step(latent)[0]["covered"], mask)
    with pytest.raises(ValueError, match=r"latent must be \(4,\), got \(3,\)"):
        decoder(latent[:3], observation)
    with pytest.raises(ValueError, match=r"image must be \(1, 16, 16\), got \(1, 8, 16\)"):
        decoder(latent, {"image": observation["image"][:, :8]})


def test_segmented_as_mirror_images_agree(trained: MaskActorCritic) -> None:
    for index in range(6):
        sample = Squares().sample("test", index, 0)
        assert sample.truth is not None
        for mirrored, least in ((False, 0.9), (True, 0.8)):
            found = trained.policy.segment(sample.image, mirrored=mirrored)
            assert found.max() == 2
            assert symmetric_best_dice(found, sample.truth) > least
        # All four are drawn on, whichever comes first.
        turned = trained.policy.segment(sample.image[:, ::-1, ::-1].copy())
        assert symmetric_best_dice(turned[::-1, ::-1], found) > 0.95
    nothing = Squares(images=7).sample("test", 6, 0).image
    assert trained.policy.segment(nothing).max() == 0


def test_images_of_other_sizes(trained: MaskActorCritic) -> None:
    image = Squares().sample("test", 0, 0).image
    double = image.repeat(2, axis=1).repeat(2, axis=2)
    labels = trained.policy.segment(double)
    assert labels.shape == (32, 32)
    truth = Squares().sample("test", 0, 0).truth
    assert truth is not None
    assert symmetric_best_dice(labels, truth.repeat(2, axis=0).repeat(2, axis=1)) > 0.8
    many = np.tile(image, (1, 2, 3))
    assert trained.policy.segment(many, fit="crop").shape == (32, 48)
    assert trained.policy.segment(image[:, :9, :12], fit="crop").shape == (9, 12)
    assert trained.policy.segment(image, min_size=80).max() == 0
    with pytest.raises(ValueError, match=r"image must be \(C, H, W\) with C = 1, got \(2, 16"):
        trained.policy.segment(np.repeat(image, 2, axis=0))


@pytest.mark.parametrize("options", [{}, {"truncated": False}, {"training": "supervised"}])
def test_resuming_changes_nothing(options: dict[str, Any], tmp_path: Path) -> None:
    whole = MaskActorCritic("default", squares(), seed=3, **TINY, **options)
    whole.learn(40)
    part = MaskActorCritic("default", squares(), seed=3, **TINY, **options)
    part.learn(14)  # within a batch, and within a stage
    part.save(tmp_path / "part")
    resumed = MaskActorCritic.load(tmp_path / "part", squares())
    resumed.learn(26)
    assert same(weights(resumed), weights(whole))
    for name, network in resumed._learner.networks.items():
        assert same(network.state_dict(), whole._learner.networks[name].state_dict())
    new = MaskActorCritic("default", squares(), seed=3, **TINY, **options)
    assert not same(weights(whole), new._learner.averaged_actor.state_dict())


def test_same_seed_same_training_and_no_trace_outside() -> None:
    state = torch.get_rng_state()
    curves = []
    for seed in (0, 0, 1):
        agent = MaskActorCritic("default", squares(), seed=seed, **TINY)
        agent.learn(36)
        curves.append(weights(agent))
    assert same(curves[0], curves[1])
    assert not same(curves[0], curves[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_each_stage_trains_its_own_part() -> None:
    agent = MaskActorCritic("default", squares(), **TINY)
    changed = []
    before: dict[str, torch.Tensor] = {}
    for end in (8, 16, 24, 28, 40):
        parts = {
            **dict(agent._learner.actor.named_children()),
            "critic": agent._learner.networks["critic"],
        }
        before = {
            n: torch.cat([p.detach().flatten().clone() for p in part.parameters()])
            for n, part in parts.items()
        }
        agent.learn(end - agent.num_timesteps)
        after = {
            n: torch.cat([p.detach().flatten() for p in part.parameters()])
            for n, part in parts.items()
        }
        changed.append({name for name in before if not torch.equal(before[name], after[name])})
    assert changed == [
        {"channels"}, {"encoder", "decoder"}, {"actor"}, {"critic"}, {"actor", "critic"},
    ]  # fmt: skip
    # The decoder is frozen, and no gradient is left in it.
    assert all(p.grad is None for p in agent._learner.actor.decoder.parameters())


def test_a_blank_mask_does_not_end_a_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    env = squares(known_count=False)
    env.reset(options={"index": 0})
    one, two = (np.float32(env.truth == number) for number in (1, 2))
    masks = {True: [one, 0.4 * two, two, 0 * one], False: [one, 0 * one, two]}

    class Drawing:
        """Draws from a list; its memory is the step."""

        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def predict(self, _: Any, step: Any = None, **__: Any) -> Any:
            step = step or 0
            return masks[going_on][step], step + 1

    agent = MaskActorCritic("default", squares(), **TINY)
    monkeypatch.setattr("agents.mask_actor_critic.agent.MaskPolicy", Drawing)
    found = {}
    for going_on in (True, False):
        found[going_on] = agent._validated(env, 1, render=False).reward
    assert found[True] == pytest.approx(2.0, abs=0.05)
    assert found[False] == pytest.approx(1.0)


def test_without_truth(tmp_path: Path) -> None:
    options = {"teacher": "bright", "diameter": 8.0}
    env = squares(reward={"name": "circularity", "radius": [3.0, 6.0], "count": [1, 3]})
    # Labels are never looked at: what is suggested comes from the image alone.
    agent = MaskActorCritic("default", env, **TINY, **options)
    agent.learn(40)
    prepared = agent._draws.pool.image(0)
    found = agent._labels(0, prepared)
    assert prepared.sample.truth is not None
    assert ((found > 0) == (prepared.sample.truth > 0)).mean() > 0.8
    assert set(agent.seconds) == {
        "images", "channels", "auto-encoder", "actor", "rewards", "critic", "validation",
    }  # fmt: skip
    for wrong, where in (({}, env), (options, squares())):
        with pytest.raises(ValueError, match="teacher must be 'truth' where masks are matched"):
            MaskActorCritic("default", where, **TINY, **wrong)


def test_what_is_logged(tmp_path: Path) -> None:
    agent = MaskActorCritic("default", squares(), tensorboard_log=tmp_path, **TINY)
    seen = []
    agent.learn(40, callback=lambda local, _: seen.append(dict(local["logged"])))
    log = EventAccumulator(str(tmp_path))
    log.Reload()
    names = {"reward", "critic_loss", "value", "kl", "stop_loss", "learning_rate", "length"}
    assert {f"train/{name}" for name in names} <= set(log.Tags()["scalars"])
    assert log.Tags()["images"] == ["validation/panels"]
    assert 0 < seen[-1]["train/reward"] <= 2
    assert seen[0] == {"train/reward": 0.0}  # the first batch isn't full yet


def test_memory_of_the_policy(trained: MaskActorCritic) -> None:
    observation, _ = squares().reset(options={"index": 0})
    two = {key: np.stack([value] * 2) for key, value in observation.items()}
    first, state = trained.predict(observation, deterministic=True)
    masks, _ = trained.predict(two, deterministic=True)
    assert masks.shape == (2, 16, 16)
    assert np.allclose(masks[1], first, atol=1e-5)
    repeated = tuple(np.repeat(one, 2, axis=0) for one in state)
    starts = np.array([True, False])
    masks, _ = trained.predict(two, repeated, starts, deterministic=True)  # type: ignore[arg-type]
    later, _ = trained.predict(observation, state, deterministic=True)
    assert np.allclose(masks[0], first, atol=1e-5)
    assert np.allclose(masks[1], later, atol=1e-5)
    with pytest.raises(ValueError, match=r"observation must have an image \(1, 16, 16\) and as"):
        trained.predict({"image": observation["image"], "covered": np.zeros((3, 3))})


def test_stable_baselines3_evaluates_it(trained: MaskActorCritic) -> None:
    reward, _ = evaluate_policy(trained, squares(split="test"), n_eval_episodes=2, warn=False)  # type: ignore[arg-type]
    assert reward > 1.6


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match=r"env must be an environment of masks .* got CartPole"):
        MaskActorCritic("default", gym.make("CartPole-v1"))
    with pytest.raises(ValueError, match="unknown option 'latents'; did you mean 'latent'"):
        MaskActorCritic("default", squares(), latents=2)
    with pytest.raises(ValueError, match="multiples of 32 for 5 widths, got 16 x 16; set the env"):
        MaskActorCritic("default", squares(), widths=(4,) * 5)
    agent = MaskActorCritic("default", squares(), **TINY)
    with torch.no_grad():
        agent._learner.actor.channels.head.bias.fill_(torch.nan)
    with pytest.raises(DivergedError):
        agent.learn(4)
