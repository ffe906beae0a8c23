"""YAML as configs are read and written: plain data alone, of a size that a person writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from gym_rlseg.options.declared import shown

#: Bytes of a config. Its parser takes seconds for so many; lists of excluded files are long.
LARGEST = 2**20
# YAML 1.1 wants a dot in front of an exponent, which nobody expects.
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$")


def read_yaml(path: Path) -> Any:
    """The contents of a YAML file, as plain data.

    Raises:
        ValueError: naming the file, and the line if it is one of YAML.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST} bytes; give a YAML config")
    try:
        # A subclass of the safe loader: it makes plain data and nothing else.
        return yaml.load(content.decode("utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8; give a YAML config") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f", line {mark.line + 1}"
        reason = getattr(error, "problem", None) or str(error)
        raise ValueError(f"{path}{place}: not valid YAML ({reason})") from error
    except RecursionError as error:
        raise ValueError(f"{path}: not valid YAML (nested too deeply)") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # Of a tag that its value doesn't fit, such as !!bool maybe or 2020-99-99.
        raise ValueError(f"{path}: not valid YAML (a value that is none: {error})") from error


def one_line(value: Any) -> str:
    """Plain data as YAML on one line, which `read_yaml` takes for the same data."""
    text = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True,
        width=float("inf"),
    )  # fmt: skip
    return text.removesuffix("...\n").strip()  # the mark behind a scalar document


class _Loader(yaml.SafeLoader):
    """`yaml.safe_load` that refuses aliases and keys given twice."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # type: ignore[no-untyped-call]
            # A few lines of aliases of aliases stand for billions of values.
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            problem = "anchors and aliases aren't taken; write the value out"
            raise yaml.composer.ComposerError(None, None, problem, mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = f"the key {shown(key.value)} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen |= {key.value} if isinstance(key, yaml.ScalarNode) else set()
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """`yaml.safe_dump` that writes every value out, and no text on several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = None if data.isprintable() else '"'  # the others would be folded
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Dumper.add_representer(str, _Dumper.represent_str)
for _kind in (_Loader, _Dumper):  # what reads as a number is quoted where it is a text
    _kind.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))
