"""Every registered component, with options that Hypothesis draws from what it declares."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gym_rlseg.graph import BOUNDARIES, EVIDENCE, FEATURES, PARTITIONS, SUPERPIXELS
from gym_rlseg.images import SOURCES
from gym_rlseg.options import Options, Registry, check_declared
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.priors import PRIORS

REGISTRIES: tuple[Registry[Any], ...] = (
    BOUNDARIES, EVIDENCE, FEATURES, PARTITIONS, SUPERPIXELS, SOURCES, REWARDS, PRIORS,
)  # fmt: skip
COMPONENTS = [(registry, name) for registry in REGISTRIES for name in registry]
IDS = [f"{registry.kind} {name}" for registry, name in COMPONENTS]
#: Options that are components themselves and declare no more than that.
COMPONENT_OPTIONS: dict[str, Any] = {
    "priors": st.lists(st.sampled_from(["convexity", "holes"]), min_size=1, max_size=3),
    "prior": st.just("convexity"),
    "objects": st.just("convexity"),
    "ground_if": st.none() | st.just("brighter"),
    "labelled": st.just("dice"),
    "otherwise": st.just("nuclei"),
    "reward": st.just("nuclei"),
    "path": st.just("embedding.npz"),
    "base": st.sampled_from(["handcrafted", "polar"]),
}
#: Beyond all measure, and no numbers.
BAD = (10**30, 1e300, float("inf"), float("nan"), -(10**30), "many", True)


def hints(cls: type) -> dict[str, Any]:
    of_class = typing.get_type_hints(cls, include_extras=True)
    return {f.name: of_class[f.name] for f in dataclasses.fields(cls) if f.init}


def numeric(hint: Any) -> bool:
    """Whether all that a hint admits is numbers, lists of them or null."""
    if typing.get_origin(hint) is typing.Annotated:
        return numeric(hint.__origin__)
    parts = [part for part in typing.get_args(hint) if part not in (type(None), Ellipsis)]
    return hint in (int, float) or (bool(parts) and all(map(numeric, parts)))


@pytest.mark.parametrize(("registry", "name"), COMPONENTS, ids=IDS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_declared_options_construct(registry: Registry[Any], name: str, data: Any) -> None:
    cls = registry[name]
    assert issubclass(cls, Options)
    drawn = {
        option: data.draw(COMPONENT_OPTIONS.get(option, st.from_type(hint)), label=option)
        for option, hint in hints(cls).items()
    }
    check_declared(cls, drawn)
    try:
        built = registry.build({"name": name, **drawn})
    except ValueError:
        # Only rules on several options at once, such as a ring that fits its image, may refuse.
        assert cls.__post_init__ is not Options.__post_init__
        return
    assert registry.build(registry.to_data(built)) == built


@pytest.mark.parametrize(("registry", "name"), COMPONENTS, ids=IDS)
def test_what_is_beyond_all_measure_is_refused_by_name(registry: Registry[Any], name: str) -> None:
    for option, hint in hints(registry[name]).items():
        if not numeric(hint):
            continue
        for bad in BAD:
            for value in (bad, [bad, bad]):
                with pytest.raises(ValueError, match=rf"^{option} must be "):
                    check_declared(registry[name], {option: value})
