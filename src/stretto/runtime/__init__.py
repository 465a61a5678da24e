"""Floor 2: the engine. Scopes give every effect its identity, steps do it once, branches run at once, waits cost nothing."""
