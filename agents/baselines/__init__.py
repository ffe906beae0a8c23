"""Segmentation without learning, to compare with."""

from agents.baselines.edge_multicut import edge_multicut
from agents.baselines.otsu_watershed import OtsuWatershed
from agents.baselines.pixel_mutex_watershed import PixelMutexWatershed

__all__ = ["OtsuWatershed", "PixelMutexWatershed", "edge_multicut"]
