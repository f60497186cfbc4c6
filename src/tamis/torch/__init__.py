"""Doors of PyTorch: what records, draws and weighs examples while a model trains.

Names are imported when they are first used, and torch with them.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from tamis import refusals

if TYPE_CHECKING:
    from tamis.torch.gradient_variance import vog
    from tamis.torch.huggingface import TrainerMixin
    from tamis.torch.in_step import JEST, RHO
    from tamis.torch.lightning import LightningCallback
    from tamis.torch.measuring import measure
    from tamis.torch.pruned import InfoBatch, SeTa
    from tamis.torch.recorder import Recorder
    from tamis.torch.samplers import RS2, Cooldown, FromSelection, FullData, TemperatureSampler, WeightedDraw
    from tamis.torch.threshold_samples import ThresholdSamples

MODULES = {
    "Cooldown": "samplers",
    "FromSelection": "samplers",
    "FullData": "samplers",
    "InfoBatch": "pruned",
    "JEST": "in_step",
    "LightningCallback": "lightning",
    "RHO": "in_step",
    "RS2": "samplers",
    "SeTa": "pruned",
    "TemperatureSampler": "samplers",
    "ThresholdSamples": "threshold_samples",
    "TrainerMixin": "huggingface",
    "WeightedDraw": "samplers",
    "measure": "measuring",
    "vog": "gradient_variance",
    "Recorder": "recorder",
}
"""Public name: the module that it is in."""

__all__ = [
    "JEST",
    "RHO",
    "RS2",
    "Cooldown",
    "FromSelection",
    "FullData",
    "InfoBatch",
    "LightningCallback",
    "Recorder",
    "SeTa",
    "TemperatureSampler",
    "ThresholdSamples",
    "TrainerMixin",
    "WeightedDraw",
    "measure",
    "vog",
]

if importlib.util.find_spec("torch") is None:
    raise ImportError(str(refusals.PACKAGE_MISSING("tamis.torch", package="torch", extra="torch")))


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *MODULES])
