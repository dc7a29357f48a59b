"""What runs inside of the peers' throw-away environments: each module trains, exports and predicts with one peer."""
