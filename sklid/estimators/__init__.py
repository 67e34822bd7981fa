"""The estimators that learn by networks, and the parts they share; users import them from `sklid`."""
