"""The one line of statistics a count of trials needs."""

from math import sqrt

from deadheat.model import Interval

_Z95 = 1.959963984540054


def wilson(successes: int, trials: int) -> Interval:
    """Give the Wilson score interval of a proportion at 95 % (E. B. Wilson, JASA 22, 1927).

    Unlike the normal approximation it says something at 0 of n and n of n, which is where
    forced races live.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} of {trials} is no proportion")
    share = successes / trials
    spread = _Z95 * sqrt(share * (1 - share) / trials + _Z95**2 / (4 * trials**2))
    centre = share + _Z95**2 / (2 * trials)
    scale = 1 + _Z95**2 / trials
    # At the ends the interval is one-sided; floating point must not say 0.9999999999999999.
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return Interval(low, high)
