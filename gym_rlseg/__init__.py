"""Instance segmentation without annotation, as one-step Gymnasium environments.

Importing this package registers the environment ids (`gym_rlseg.registration`).
"""

from gym_rlseg._version import __version__
from gym_rlseg.registration import register_environments

register_environments()

__all__ = ["__version__"]
