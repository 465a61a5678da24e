"""Floor 1: models behind one port. Providers, prices, token bounds, and the scripted model that needs no key."""
