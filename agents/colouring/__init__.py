"""A bit per pixel and step, learned by an actor and a critic that see pixels (ColorRL)."""

from agents.colouring.agent import Colouring
from agents.colouring.options import ColouringConfig

__all__ = ["Colouring", "ColouringConfig"]
