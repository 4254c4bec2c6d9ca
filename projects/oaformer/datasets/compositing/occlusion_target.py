"""How much shall be hidden, and how much was."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

PLACEMENT_ERROR = 0.02
"""Largest difference of an object's occlusion rate to the one aimed at."""


class OcclusionBin(NamedTuple):
    """Share of all objects whose occlusion rate is to lie in [low, high)."""

    low: float
    high: float
    share: float

    def __str__(self) -> str:
        return f'{self.low:g}-{self.high:g}'


class OcclusionTarget(NamedTuple):
    """A histogram of occlusion rates; what the bins leave is to be unoccluded.

    Attributes:
        bins: The bins. Within one, rates are drawn uniformly.
    """

    bins: tuple[OcclusionBin, ...]

    @classmethod
    def parse(cls, texts: Sequence[str]) -> 'OcclusionTarget':
        """Read ``LOW-HIGH:SHARE`` bins such as ``0.1-0.7:0.5``.

        Raises:
            ValueError: If a bin can't be read or the shares exceed 1.
        """
        bins = []
        for text in texts:
            try:
                interval, share = text.split(':')
                low, high = interval.split('-')
                one = OcclusionBin(float(low), float(high), float(share))
            except ValueError:
                raise ValueError(
                    f'{text!r} is not LOW-HIGH:SHARE such as 0.1-0.7:0.5, in which '
                    'half of the objects are hidden by a tenth to seven tenths'
                ) from None
            if not (0 < one.low < one.high < 1 and one.share >= 0):
                raise ValueError(
                    f'{text!r}: 0 < LOW < HIGH < 1 and SHARE >= 0 must hold; what the '
                    'bins leave is unoccluded'
                )
            bins.append(one)
        target = cls(tuple(sorted(bins)))
        if target.occluded_share > 1 + 1e-9:
            raise ValueError(
                f'the shares of all bins are {target.occluded_share:g} > 1'
            )
        for first, second in zip(target.bins, target.bins[1:], strict=False):
            if second.low < first.high:
                raise ValueError(f'the bins {first} and {second} overlap')
        return target

    @property
    def occluded_share(self) -> float:
        """Share of the objects that are to be occluded at all."""
        return float(sum(one.share for one in self.bins))

    def draw(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Draw occlusion rates of occluded objects.

        Args:
            rng: Source of randomness.
            number: Number of rates.

        Returns:
            Rates, (number,). Far enough from the ends of their bin to be in it where
            placement misses them by ``PLACEMENT_ERROR``.
        """
        if number == 0:
            return np.zeros(0)
        shares = np.array([one.share for one in self.bins]) / self.occluded_share
        rates = []
        for index in rng.choice(len(self.bins), number, p=shares):
            low, high, _ = self.bins[index]
            inset = min(PLACEMENT_ERROR, (high - low) / 4)
            rates.append(rng.uniform(low + inset, high - inset))
        return np.array(rates)

    def table(self, rates: Sequence[float]) -> str:
        """Achieved shares beside the wanted ones, a line for each bin.

        Args:
            rates: Occlusion rates of all objects made.
        """
        rates = np.asarray(rates, float)
        rows = [('unoccluded', 1 - self.occluded_share, rates == 0)]
        rows += [
            (str(one), one.share, (rates >= one.low) & (rates < one.high))
            for one in self.bins
        ]
        other = (rates > 0) & ~np.any([inside for _, _, inside in rows], axis=0)
        rows.append(('other rates', 0.0, other))
        lines = ['occlusion rate   wanted  achieved  objects']
        for name, wanted, inside in rows:
            number = int(inside.sum())
            achieved = f'{number / len(rates):9.1%}' if len(rates) else '        -'
            lines.append(f'{name:<15}{wanted:8.1%} {achieved} {number:8d}')
        return '\n'.join(lines)
