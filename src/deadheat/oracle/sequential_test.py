"""When to stop: Wald's sequential probability ratio test on the share of rounds that violate.

Owns the decision that enough rounds were seen. Each round is a Bernoulli trial; the test compares
"violations are rarer than `rare`" with "at least `common` of the rounds violate" and stops as soon
as the likelihood ratio says so with the wanted certainty (A. Wald, *Sequential Tests of Statistical
Hypotheses*, Annals of Mathematical Statistics 16, 1945). Of all tests with these errors it needs
the fewest rounds on average. A sound oracle needs one violation to be believed; the second rules
out a slip of the pen in what is called unstable.
"""

from math import log

from msgspec import Struct


class SequentialTest(Struct, frozen=True):
    """The rates it tells apart, and how often it may be wrong about each.

    `rare` is the rate below which nothing is there to be found by timing, `common` the rate that
    a clean end rules out; `false_alarm` and `miss` are the errors of the two answers.
    """

    rare: float = 0.000_1
    common: float = 0.01
    false_alarm: float = 0.001
    miss: float = 0.05

    def decide(self, violated: int, total: int) -> bool | None:
        """True: it violates. False: at least `common` is ruled out. None: go on."""
        ratio = violated * log(self.common / self.rare)
        ratio += (total - violated) * log((1 - self.common) / (1 - self.rare))
        if ratio >= log((1 - self.miss) / self.false_alarm):
            return True
        if ratio <= log(self.miss / (1 - self.false_alarm)):
            return False
        return None


def ruled_out(total: int, miss: float = 0.05) -> float:
    """The rate that `total` clean rounds exclude with an error of `miss`: 1 − miss^(1/total).

    About 3/total at 5 % (the rule of three: Hanley and Lippman-Hand, JAMA 249, 1983).

    Raises:
        ValueError: there were no rounds.
    """
    if total < 1:
        raise ValueError("nothing is ruled out by no rounds")
    return 1.0 - float(miss ** (1 / total))
