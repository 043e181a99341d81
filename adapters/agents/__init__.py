"""Agents that act by what they see, and environments for them to act in (Dhillon et al. 2018,
section 4.2 and appendix A)."""
