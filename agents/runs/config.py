"""One YAML per task: which images, which agent, how long to train."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, Lt

from agents.colouring.options import ColouringConfig
from agents.graph.options import AgentOptions
from agents.mask_actor_critic.options import MaskActorCriticConfig
from agents.runs.durations import format_duration, parse_duration
from agents.runs.environment import (
    PIXEL_KINDS,
    PixelEnv,
    build_env,
    build_pixel_env,
    pixel_algorithm,
    resolve,
)
from agents.runs.yaml_files import one_line, read_yaml
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.images import ListedSource
from gym_rlseg.options import Options, check_names, plain, suggest
from gym_rlseg.options.declared import shown
from gym_rlseg.options.ranges import Amount, Positive
from gym_rlseg.paths import user_path

_COMMENTS = {
    "environment": "which images, and how they become graphs and rewards",
    "agent": "the policy, and the options of the learner",
    "training": "when to stop: whichever limit comes first; and by how many processes",
}
#: Used where neither a time limit nor a number of time steps is given.
DEFAULT_TIME_LIMIT = "10m"
#: Used where a config names none, on superpixel graphs; of what acts on pixels there is one each.
DEFAULT_ALGORITHM = "sac"
#: Options of agents that act on pixels.
PixelConfig = ColouringConfig | MaskActorCriticConfig


@dataclass(frozen=True, kw_only=True)
class Training(Options):
    """The `training` section.

    Attributes:
        seed: of weights, exploration, replay and the environment's draws.
        time_limit: seconds of one call of `rlseg train`, or None.
        total_timesteps: time steps of the run in all, or None.
        patience: validations in a row without a better reward after which to stop, or None.
        workers: processes that make the graphs of the images which come next, in each process
            that trains. Results are the same for any number.
    """

    seed: Annotated[int, Ge(0), Lt(2**64)] = 0
    time_limit: Positive | None = None
    total_timesteps: Annotated[int, Ge(1), Le(10**12)] | None = None
    patience: Amount | None = None
    workers: Annotated[int, Ge(0), Le(256)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.time_limit is None and self.total_timesteps is None:
            raise ValueError("time_limit or total_timesteps must be given; training would not end")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A validated config with every default filled in.

    Attributes:
        environment: the id and all keyword arguments, as plain data; paths are absolute.
        algorithm: name of the agent, in `agents.algorithms`.
        policy: name of the policy whose options `agent` started from.
        agent: options of the agent.
        training: when to stop.
        source: the images, where they have been listed or are in memory; else the
            environment's options say where they are.
    """

    environment: Mapping[str, Any]
    algorithm: str
    policy: str
    agent: AgentOptions | PixelConfig
    training: Training
    source: ListedSource[Any] | None = dataclasses.field(default=None, compare=False, repr=False)

    @classmethod
    def load(cls, path: str | Path, training: Mapping[str, Any] | None = None) -> RunConfig:
        """Read and validate a config; images are not looked at.

        Args:
            path: a YAML file with the sections environment, agent and training.
            training: entries of the last section that take precedence, unless they are None.

        Raises:
            ValueError: naming the file and the key that cannot be used.
            OSError: if the file cannot be read.
        """
        path = user_path(path)
        return cls.from_data(read_sections(path), path.absolute().parent, training, name=str(path))

    @classmethod
    def from_data(
        cls,
        sections: Mapping[str, Any],
        folder: Path,
        training: Mapping[str, Any] | None = None,
        *,
        name: str = "config",
    ) -> RunConfig:
        """Validate what a config file would hold; images are not looked at.

        Args:
            sections: environment, agent and training, as plain data.
            folder: what relative paths are relative to.
            training: entries of the last section that take precedence, unless they are None.
            name: what error messages call the config.

        Raises:
            ValueError: naming the key that cannot be used.
        """
        with _naming(name):
            check_names("config", sections, _COMMENTS)
            if "environment" not in sections:
                raise ValueError("the section 'environment' is missing")
            for key, section in sections.items():
                if not isinstance(section, Mapping):
                    raise ValueError(f"{key} must hold keys and values, got {shown(section)}")
        with _naming(name, "environment"):
            environment = resolve(sections["environment"], folder)
        with _naming(name, "agent"):
            algorithm, policy, agent = _agent(sections.get("agent", {}), environment["id"])
        if isinstance(agent, AgentOptions) and agent.unet:
            environment["observe_image"] = True  # it has nothing to see otherwise
            if agent.pretrained is not None:
                at = os.path.abspath(folder / user_path(agent.pretrained))
                agent = dataclasses.replace(agent, pretrained=at)
        with _naming(name, "training"):
            given = {k: v for k, v in (training or {}).items() if v is not None}
            limits = _training({**sections.get("training", {}), **given})
        return cls(
            environment=environment,
            algorithm=algorithm,
            policy=policy,
            agent=agent,
            training=limits,
        )

    def to_yaml(self) -> str:
        """The config with every default written out; it loads back to an equal one."""
        lines = []
        for name, section in self.sections().items():
            lines += ["", f"{name}:  # {_COMMENTS[name]}"]
            lines += [f"  {key}: {one_line(value)}" for key, value in section.items()]
        return "\n".join(lines[1:]) + "\n"

    def sections(self) -> dict[str, dict[str, Any]]:
        """The three sections as plain data."""
        limit = self.training.time_limit
        return {
            "environment": dict(self.environment),
            "agent": {
                "algorithm": self.algorithm,
                "policy": self.policy,
                **plain(dataclasses.asdict(self.agent)),
            },
            "training": {
                **dataclasses.asdict(self.training),
                "time_limit": None if limit is None else format_duration(limit),
            },
        }

    @property
    def by_pixels(self) -> bool:
        """Whether it is about pixels (colourings, masks) rather than superpixel graphs."""
        return self.algorithm in PIXEL_KINDS

    def make_env(self) -> SuperpixelEnv:
        """The environment on superpixel graphs.

        Raises:
            ValueError: if its images can't be used, or it has none.
        """
        if self.by_pixels:
            raise ValueError(f"{self.environment['id']} has no superpixels; this is for those")
        return build_env(self.environment, self.source)

    def make_pixel_env(self) -> PixelEnv:
        """The environment whose agent acts on pixels.

        Raises:
            ValueError: if its images can't be used.
        """
        return build_pixel_env(self.environment, self.source)


def _agent(options: Mapping[str, Any], env_id: str) -> tuple[str, str, AgentOptions | PixelConfig]:
    """Names of algorithm and policy, and the options that they come to."""
    from agents.algorithms import ALGORITHMS
    from agents.common.arguments import configure

    values = dict(options)
    of_pixels = pixel_algorithm(env_id)
    algorithm = values.pop("algorithm", of_pixels or DEFAULT_ALGORITHM)
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise ValueError(
            f"unknown algorithm {shown(algorithm)}{suggest(str(algorithm), ALGORITHMS)}"
        )
    if of_pixels != (algorithm if algorithm in PIXEL_KINDS else None):
        wanted = "another one" if of_pixels is None else repr(of_pixels)
        raise ValueError(f"algorithm {algorithm!r} can't learn {env_id}; choose {wanted}")
    agent = ALGORITHMS[algorithm]
    known = [f.name for f in dataclasses.fields(agent.config_class)]
    check_names("agent", options, ("algorithm", "policy", *known))
    policy = values.pop("policy", "default")
    return algorithm, policy, configure(agent, policy, values)


def _training(options: Mapping[str, Any]) -> Training:
    check_names("training", options, (f.name for f in dataclasses.fields(Training)))
    values = dict(options)
    if values.get("time_limit") is None and values.get("total_timesteps") is None:
        values["time_limit"] = DEFAULT_TIME_LIMIT
    if values.get("time_limit") is not None:
        try:
            values["time_limit"] = parse_duration(values["time_limit"])
        except ValueError as error:
            raise ValueError(f"time_limit: {error}") from error
    return Training(**values)


def read_sections(path: Path) -> dict[str, Any]:
    """The sections of a config file, not yet validated.

    Raises:
        ValueError: if the file holds no YAML, or something else than sections.
        OSError: if it cannot be read.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold the sections {', '.join(_COMMENTS)}")
    # A section whose keys are all commented out reads as null.
    return {name: {} if section is None else section for name, section in content.items()}


@contextmanager
def _naming(name: str, section: str = "") -> Iterator[None]:
    """Put the config's name, and the section unless the message has it, before an error."""
    try:
        yield
    except ValueError as error:
        message = str(error)
        inner = section if section and not message.startswith(f"{section}:") else ""
        raise ValueError(": ".join(filter(None, (name, inner, message)))) from error
