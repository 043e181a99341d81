"""Pruning by draws: of an activation map (Dhillon et al. 2018, section 3), or of a weight tensor
(appendix B.4). Imports torch only.

Of a map h with a entries, of one image, r = a * percent / 100 draws with replacement take entry j
with p_j = |h_j| / sum |h|. What is drawn at least once is kept and divided by the probability of
that, q_j = 1 - (1 - p_j)^r, so that E[M(h)] = h.

`exact` draws in two parts (Poissonisation). First, Poisson processes of rate R p_j at each entry j,
for a time of 1, with R a little below r. Given that they have m points in all, the entries of these
are as m independent draws from p, whatever m is. So where m <= r, another r - m draws complete
them. Where m > r, the map begins anew; that looks at m alone, and changes no law of what is kept.
Of each process only the first point is drawn, at E_j / (R p_j) with E_j exponential: the entry is
met if E_j < R p_j. From there on the process has Poisson(R p_j - E_j) further points, and sums of
these are Poisson, so m is the number of entries met + Poisson(sum of R p_j - E_j over those). The
r - m draws are few, about 3 sqrt(r), and the only ones that are looked up in a cumulated
distribution.

`fast` keeps each entry with the same probability, but by itself: the same marginals, another joint
law. Where r = 1, the draw keeps one entry, and independent decisions none or several.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from adapters.base import UnsupportedSettings

BELOW = 3.0
"""How many times sqrt(r) the first part's mean R lies below r: a map begins anew once in 740."""
_SMALLEST = torch.finfo(torch.float32).tiny


def pruned(
    h: Tensor, percent: float, *, fast: bool = False, generator: torch.Generator | None = None
) -> Tensor:
    """M(h): h with what was not drawn at 0, and what was, scaled up.

    Its gradient is that of h times a constant factor: the attacker's loss J(M_p(θ), x, y) holds the
    instance p of the policy fixed (section 3.2).

    Args, raises: as `factor` has them.

    Returns:
        of h's shape, dtype and memory format.
    """
    return (h * factor(h, percent, fast=fast, generator=generator)).to(h.dtype)


def factor(
    h: Tensor, percent: float, *, fast: bool = False, generator: torch.Generator | None = None
) -> Tensor:
    """M(h) / h for each entry: 0 where it is dropped.

    A map of zeros has zeros, one with a single entry keeps it whole, and one with an entry that is
    not finite is lost: nan.

    Args:
        h: (N, ...), maps of N images, each pruned by itself.
        percent: draws in percent of a map's entries, above 0; one draw at least.
        fast: by independent decisions with the same marginals.
        generator: of h's device; None for that device's own.

    Returns:
        of h's shape, laid out in memory as h is, detached; float64 for float64, else float32.

    Raises:
        UnsupportedSettings: h has no images, or no floating-point numbers, or the generator is of
            another device.
    """
    _check(h)
    order = [0, *sorted(range(1, h.ndim), key=h.stride, reverse=True)]
    laid = h.detach().permute(order)
    maps = laid.reshape(len(h), -1) if h.numel() else laid.new_zeros(0, 1)
    maps = maps.abs().to(torch.float64 if h.dtype == torch.float64 else torch.float32)
    if maps.numel():
        draws = max(1, round(maps.shape[1] * percent / 100))
        maps = (_independent if fast else _drawn)(*_shares(maps), draws, generator)
    back = sorted(range(h.ndim), key=order.__getitem__)
    return maps.reshape(laid.shape).permute(back)


def uniform(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Numbers in (0, 1], of a float32 or float64 tensor's shape and dtype.

    A float32 comes from 31 bits, two of them from one 64-bit number, which takes half the time of
    `uniform_` on a CPU; and it is never 0, so that `u <= q` never holds for q = 0 and always for 1.
    """
    check_generator(generator, like)
    if like.dtype == torch.float64:
        drawn = torch.rand(like.shape, dtype=like.dtype, device=like.device, generator=generator)
        return drawn.neg_().add_(1)
    pairs = torch.empty((like.numel() + 1) // 2, dtype=torch.int64, device=like.device)
    pairs.random_(generator=generator)
    pairs.bitwise_and_(0x7FFFFFFF7FFFFFFF).bitwise_or_(0x0000000100000001)
    bits = pairs.view(torch.int32)[: like.numel()].view(like.shape)
    return bits.to(torch.float32).mul_(2.0**-31)


def check_generator(generator: torch.Generator | None, tensor: Tensor) -> None:
    """Whether numbers for a tensor can be drawn with it.

    Raises:
        UnsupportedSettings: it is of another device, or none.
    """
    if generator is not None and not isinstance(generator, torch.Generator):
        raise UnsupportedSettings(f"a torch.Generator draws, or None, not {generator!r:.60}")
    if generator is not None and generator.device.type != tensor.device.type:
        kind = tensor.device.type
        raise UnsupportedSettings(
            f"the generator is on {generator.device.type} and the network on {kind}; give"
            f" torch.Generator({kind!r})"
        )


def _check(h: Tensor) -> None:
    if h.ndim < 2 or not h.is_floating_point():
        raise UnsupportedSettings(
            "pruning by draws takes floating-point maps of shape (N, ...), one for each image, not"
            f" {h.dtype} of shape {tuple(h.shape)}"
        )


def _shares(maps: Tensor) -> tuple[Tensor, Tensor]:
    """p of maps (N, a) of absolute values, and which of them are drawn from, (N, 1).

    A map whose sum is not finite gets nan, and one of zeros zeros; neither is drawn from.
    """
    sums = maps.sum(1, keepdim=True)
    sums = sums + (sums - sums)
    drawn_from = sums > 0
    return maps.div_(sums.masked_fill_(sums == 0, 1)), drawn_from


def _independent(
    p: Tensor, drawn_from: Tensor, draws: int, generator: torch.Generator | None
) -> Tensor:
    return _scaled(None, p, draws, generator)


def _drawn(p: Tensor, drawn_from: Tensor, draws: int, generator: torch.Generator | None) -> Tensor:
    rate = max(0.0, draws - BELOW * math.sqrt(draws))
    kept, met = _process(p, rate, generator)
    left = torch.where(drawn_from.squeeze(1), draws - met, torch.zeros_like(met))
    least, most = _ends(left)
    while least < 0:
        anew = (left < 0).nonzero().squeeze(1)
        kept[anew], met = _process(p[anew], rate, generator)
        left[anew] = draws - met
        least, most = _ends(left)
    if most:
        _complete(kept, p, left, int(most), generator)
    return _scaled(kept, p, draws, generator)


def _process(p: Tensor, rate: float, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Which entries a Poisson process meets, 1 or 0 of p's shape, and its points in all, (N,)."""
    after = uniform(p, generator).neg_().log1p_().add_(p, alpha=rate)  # R p - E
    kept = torch.gt(after, 0, out=torch.empty_like(after))
    further = after.relu_().sum(1).double().nan_to_num_(0)
    return kept, kept.sum(1).double() + torch.poisson(further, generator)


def _ends(left: Tensor) -> tuple[float, float]:
    """The least and the greatest, in one look at what a device holds."""
    least, most = torch.stack([left.min(), left.max()]).tolist()
    return least, most


def _complete(
    kept: Tensor, p: Tensor, left: Tensor, most: int, generator: torch.Generator | None
) -> None:
    """Keep what further draws meet: `left` (N,) of each map, `most` of one."""
    cumulated = p.cumsum(1)
    total = cumulated[:, -1:]
    u = torch.rand(len(p), most, dtype=p.dtype, device=p.device, generator=generator)
    u = torch.minimum(u.mul_(total), torch.nextafter(total, torch.zeros_like(total)))
    met = torch.searchsorted(cumulated, u, right=True).clamp_max_(p.shape[1] - 1)
    more = left[:, None] > 0
    wanted = torch.arange(most, device=p.device) < left[:, None]
    # What is drawn beyond a map's number repeats its first, and if it has none changes nothing. A
    # sum that is rounded in parallel may point at an entry of 0, which is none to keep.
    met = torch.where(wanted, met, met[:, :1])
    drawn = (more & (p.gather(1, met) > 0)) | (kept.gather(1, met) > 0)
    kept.scatter_(1, met, drawn.to(kept.dtype))


def _scaled(
    kept: Tensor | None, p: Tensor, draws: int, generator: torch.Generator | None
) -> Tensor:
    """What is kept, or without it what decisions with probability q keep, divided by q.

    p is overwritten.
    """
    q = p.neg_().log1p_().mul_(draws).expm1_().neg_()
    if kept is None:
        u = uniform(q, generator)
        kept = torch.le(u, q, out=u)
    return kept.div_(q.clamp_min_(_SMALLEST))
