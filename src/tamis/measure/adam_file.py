"""Adam's moments in a file beside a checkpoint: `adam.safetensors`, with no pickle, which an optimiser's own state is.

A tensor `exp_avg.NAME` is the first and `exp_avg_sq.NAME` the second moment of the parameter NAME, called as in
`model.named_parameters()` and in its shape. Metadata, all of them text, may have `beta1`, `beta2` and `eps`; without
them these are 0.9, 0.999 and 1e-8. Other tensors are not read.
"""

from pathlib import Path
from typing import Any

from tamis import refusals
from tamis.measure.adam_moments import Adam

NAME = "adam.safetensors"
FIRST, SECOND = "exp_avg.", "exp_avg_sq."


def save_adam(adam: Adam, folder: str) -> str:
    """Write moments as `adam.safetensors` into the folder of their checkpoint; the path of that file.

    Examples:
        >>> import tempfile, torch
        >>> folder = tempfile.mkdtemp()
        >>> _ = save_adam(Adam({"w": torch.ones(2)}, {"w": torch.ones(2)}, betas=(0.8, 0.99)), folder)
        >>> adam = open_adam(folder)
        >>> adam.first["w"], adam.betas
        (tensor([1., 1.]), (0.8, 0.99))
    """
    from safetensors.torch import save_file

    tensors = {f"{FIRST}{name}": one.detach().cpu().contiguous().clone() for name, one in adam.first.items()}
    tensors |= {f"{SECOND}{name}": one.detach().cpu().contiguous().clone() for name, one in adam.second.items()}
    said = {"beta1": repr(adam.betas[0]), "beta2": repr(adam.betas[1]), "eps": repr(adam.eps)}
    path = str(Path(folder) / NAME)
    save_file(tensors, path, said)
    return path


def open_adam(folder: str) -> Adam | None:
    """The moments in the folder of a checkpoint, as LESS uses them; None where it has no such file.

    Raises `Refused` for a file that cannot be read.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return None
    from safetensors import safe_open

    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    try:
        with safe_open(str(path), "pt") as file:
            said = file.metadata() or {}
            for name in sorted(file.keys()):
                for start, into in ((FIRST, first), (SECOND, second)):
                    if name.startswith(start):
                        into[name.removeprefix(start)] = file.get_tensor(name)
        betas = float(said.get("beta1", 0.9)), float(said.get("beta2", 0.999))
        return Adam(first, second, betas, float(said.get("eps", 1e-8)))
    except Exception as error:  # the library has no class of its own for what it cannot read
        raise refusals.MODEL_UNREADABLE(str(path), said=f"{NAME}: {error}") from None
