"""Skip the parameter gradients that an adversarial attack computes and throws away.

>>> with semi_backward(model):
...     adversarial = attack(images, labels)

This package imports torch and nothing else.
"""

from semibackward.freeze import semi_backward

__all__ = ["semi_backward"]
