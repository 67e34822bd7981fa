"""Probabilistic PCA that knows which components are identified; users import `IdentifiablePPCA` from `sklid`."""
