"""Floor 1: the rules that allow, ask or deny a step before it happens, and the money."""
