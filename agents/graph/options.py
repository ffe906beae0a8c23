"""Options that all agents on graphs have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Gt, Le, Len, Lt

from gym_rlseg.options import Options, Rule
from gym_rlseg.options.ranges import NotNegative, Positive

#: Named policies of every agent: options that differ from its defaults.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "pixels": {"unet": (16, 32, 64)},
    "paper": {
        "initial_policy": "neutral",
        "std_range": (0.01, 5.0),
        "layers": 1,
        "edge_features": False,
        "context": False,
        "averaging": 0.0,
    },
}

#: Optimisers' steps; larger ones never train.
Rate = Annotated[float, Gt(0), Le(100)]
#: Environment steps, or images.
Count = Annotated[int, Ge(1), Le(10**9)]
#: Images that are held at once.
Few = Annotated[int, Ge(1), Le(10_000)]
_Std = Annotated[float, Gt(0), Le(100)]


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(Options):
    """Size and range of the policy.

    Attributes:
        width: features per node and edge inside the networks.
        layers: rounds of message passing.
        initial_policy: "evidence" starts with mean = logit(boundary evidence), so that
            the untrained agent segments like the edge map; "neutral" (the paper's)
            starts at a weight of 0.5 everywhere.
        mean_limit: the mean lies in ± this, in logit space.
        std_range: least and greatest standard deviation of the policy, in logit space.
        edge_features: whether the networks see the edges' features; Eq. 1 has none.
        context: whether every round of message passing also tells each node the mean of its
            graph's nodes; Eq. 1 and 3 have nothing like it.
        unet: channels of each level of a U-Net whose embeddings of the pixels, pooled to
            superpixels and edges, are features besides the others; none: there is no U-Net.
            The environment needs observe_image=True.
    """

    width: Annotated[int, Ge(1), Le(8192)] = 32
    layers: Annotated[int, Ge(1), Le(100)] = 2
    initial_policy: Literal["evidence", "neutral"] = "evidence"
    mean_limit: Annotated[float, Gt(0), Le(100)] = 5.0
    std_range: Annotated[tuple[_Std, _Std], Rule(lambda std: std[0] < std[1], "low < high")] = (
        0.05,
        0.6,
    )
    edge_features: bool = True
    context: bool = True
    unet: Annotated[tuple[Annotated[int, Ge(1), Le(4096)], ...], Len(0, 8)] = ()


#: Their names: without the same options, weights mean something else.
NETWORK_OPTIONS = tuple(field.name for field in fields(NetworkOptions))


@dataclass(frozen=True, kw_only=True)
class AgentOptions(NetworkOptions):
    """What every agent that trains has besides.

    Attributes:
        averaging: decay of the actor's moving average per update, which is what is
            validated and kept: the actor itself jumps about from update to update.
        gradient_clip: greatest norm of a gradient.
        evaluate_every: environment steps between validations.
        evaluation_samples: validation images.
        precision: "float32", or "bfloat16" for the matrix products of updates: for GPUs, as
            CPUs without instructions for it are slower by it.
        image_noise: standard deviation of noise on the pixels that the U-Net sees in updates.
        pretrained: a file that `rlseg pretrain` wrote, from whose weights the U-Net starts; it
            must be of the same widths.
    """

    averaging: Annotated[float, Ge(0), Lt(1)] = 0.995
    gradient_clip: Positive = 10.0
    evaluate_every: Count = 1000
    evaluation_samples: Few = 32
    precision: Literal["float32", "bfloat16"] = "float32"
    image_noise: NotNegative = 0.0
    pretrained: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pretrained is not None and not self.unet:
            raise ValueError(
                "pretrained is where a U-Net starts, and there is none; choose policy: pixels, or "
                "features: {name: embedding, path: ...} in the environment"
            )

    def continued(self) -> Self:
        """The options of a training that starts from another's weights."""
        return dataclasses.replace(self, pretrained=None)
