"""Floor 0: values, canonical form, events, ports, errors, the current scope. Needs the standard library and the encoder."""
