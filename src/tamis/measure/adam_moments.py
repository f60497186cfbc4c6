"""The direction in which Adam would step for one example: its gradient, seen through the moments of training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from tamis import refusals


@dataclass(frozen=True)
class Adam:
    """Moments of parameters, by name, and what Adam makes of one more gradient g:

        m' = β1 m + (1 − β1) g,   v' = β2 v + (1 − β2) g²,   Γ = m' / √(v' + ε)

    So LESS has it, with ε inside the root and moments as they are. torch's optimisers have ε outside, and divide m' by
    `1 − β1^t` and v' by `1 − β2^t` at step t; `eps_inside=False, corrected=True` gives the direction of their step.

    Args:
        first: m, tensors in the shapes of the parameters.
        second: v, likewise; from AMSGrad too it is the moment itself, not its maximum.
        betas: β1 and β2.
        eps: ε.
        steps: updates that each parameter has had, which only `corrected` needs.
        corrected: divide the moments as above, for t = steps + 1.
        eps_inside: add ε inside the root.

    Weight decay is no part of it.

    Examples:
        >>> import torch
        >>> adam = Adam({"w": torch.tensor([1.0])}, {"w": torch.tensor([4.0])}, betas=(0.5, 0.75), eps=0.0)
        >>> adam.direction("w", torch.tensor([[3.0]]))  # (0.5 + 1.5) / √(3 + 2.25)
        tensor([[0.8729]])

    Source: Xia et al. 2024, LESS: Selecting Influential Data for Targeted Instruction Tuning, section 3.1, and the code
    of its authors; Kingma and Ba 2015, Adam.
    """

    first: Mapping[str, Tensor]
    second: Mapping[str, Tensor]
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    steps: Mapping[str, int] = field(default_factory=dict)
    corrected: bool = False
    eps_inside: bool = True

    def direction(self, name: str, gradient: Tensor) -> Tensor:
        """Γ of each example, `[b, *shape]`, of gradients `[b, *shape]`; high where the gradient goes on as before."""
        beta1, beta2 = self.betas
        first, second = self.first[name].to(gradient), self.second[name].to(gradient)
        found = (gradient * (1 - beta1)).add_(first, alpha=beta1)
        scale = gradient.square().mul_(1 - beta2).add_(second, alpha=beta2)
        if self.corrected:
            step = self.steps[name] + 1
            found /= 1 - beta1**step
            scale /= 1 - beta2**step
        scale = scale.add_(self.eps).sqrt_() if self.eps_inside else scale.sqrt_().add_(self.eps)
        return found.div_(scale)

    def check(self, parameters: Mapping[str, Tensor]) -> None:
        """Refuse parameters of which there are no moments, or of another shape."""
        for name, parameter in parameters.items():
            if any(name not in has for has in (self.first, self.second)) or (self.corrected and name not in self.steps):
                raise refusals.ADAM_WITHOUT("adam", name=name)
            for moment in (self.first[name], self.second[name]):
                if moment.shape != parameter.shape:
                    found, wanted = list(moment.shape), list(parameter.shape)
                    raise refusals.ADAM_SHAPE("adam", name=name, found=found, wanted=wanted)


def moments_of(
    optimizer: Any,
    model: nn.Module,
    *,
    names: Sequence[str] | None = None,
    corrected: bool = False,
    eps_inside: bool = True,
) -> Adam:
    """The moments, β and ε of `torch.optim.Adam` or `AdamW`, or of what its `state_dict` returned.

    Args:
        optimizer: an optimiser whose parameters are those of the model, or a state.
        model: whose parameters they are.
        names: parameters in the order in which the optimiser got them. A state needs it, unless the optimiser was given
            names or it is one group of all parameters of the model, or of all that require a gradient, in their order.
        corrected: as of `Adam`.
        eps_inside: as of `Adam`.

    Parameters without a state, which never had a gradient, are left out. Tensors are not copied.

    Raises:
        Refused: if the state does not tell which parameters it is of, or groups have different β or ε.

    Examples:
        >>> import torch
        >>> model = nn.Linear(2, 1)
        >>> optimizer = torch.optim.Adam(model.parameters(), betas=(0.8, 0.99))
        >>> model(torch.ones(1, 2)).sum().backward()
        >>> optimizer.step()
        >>> adam = moments_of(optimizer, model)
        >>> sorted(adam.first), adam.betas, adam.steps["weight"]
        (['bias', 'weight'], (0.8, 0.99), 1)
    """
    if not isinstance(optimizer, Mapping):
        known = {id(parameter): name for name, parameter in model.named_parameters()}
        given = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        if not all(id(parameter) in known for parameter in given):
            raise refusals.ADAM_ORDER("the optimiser", said="some are not those of the model")
        names, optimizer = [known[id(parameter)] for parameter in given], optimizer.state_dict()
    groups, state = optimizer["param_groups"], optimizer["state"]
    numbers = [number for group in groups for number in group["params"]]
    names = _names(groups, numbers, model) if names is None else list(names)
    if len(names) != len(numbers):
        raise refusals.ADAM_ORDER("the state", said=f"it has {len(numbers):,}, and there are {len(names):,} names")
    for what in ("betas", "eps"):
        if any(group[what] != groups[0][what] for group in groups):
            raise refusals.ADAM_GROUPS("the optimiser", what=what)
    held = {name: state[number] for name, number in zip(names, numbers, strict=True) if state.get(number)}
    first, second = ({name: of[key] for name, of in held.items()} for key in ("exp_avg", "exp_avg_sq"))
    steps = {name: int(of["step"]) for name, of in held.items() if "step" in of}
    beta1, beta2 = groups[0]["betas"]
    return Adam(first, second, (float(beta1), float(beta2)), groups[0]["eps"], steps, corrected, eps_inside)


def _names(groups: Sequence[Mapping[str, Any]], numbers: Sequence[int], model: nn.Module) -> list[str]:
    """What the state itself says, or the only order that fits it."""
    if all("param_names" in group for group in groups):
        return [name for group in groups for name in group["param_names"]]
    if len(groups) > 1:
        raise refusals.ADAM_ORDER("the state", said=f"it has {len(groups):,} groups of parameters without names")
    every = list(model.named_parameters())
    for named in (every, [(name, parameter) for name, parameter in every if parameter.requires_grad]):
        if len(named) == len(numbers):
            return [name for name, _ in named]
    raise refusals.ADAM_ORDER("the state", said=f"it has {len(numbers):,}, and the model has {len(every):,}")
