"""Floor 0: values, the canonical form, events, ports, errors and the current scope. Imports only the standard library and the encoder."""
