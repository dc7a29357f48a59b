"""What the operators' station does beside a running line, measured in a real browser and by real clients."""
