"""Probabilistic PCA that knows which of its components are identified, and its solvers; users import `IdentifiablePPCA` from `sklid`."""
