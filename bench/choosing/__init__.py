"""From what was asked to cases: suites, and the product that makes comparisons of them."""
