"""Floor 1: where runs are kept. `open_store` picks the driver that an URL names."""
