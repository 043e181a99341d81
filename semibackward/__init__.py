"""Skip the parameter gradients that an adversarial attack computes and throws away.

>>> with semi_backward(model):
...     adversarial = attack(images, labels)

`examine(model)` tells what that meets in a model, and what is to mend before.

This package imports torch and nothing else.
"""

from semibackward.examine import examine
from semibackward.findings import Finding
from semibackward.freeze import semi_backward

__all__ = ["Finding", "examine", "semi_backward"]
