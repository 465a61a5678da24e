"""Floor 1: what agents and workflows may call, with schema, risk and effect."""
