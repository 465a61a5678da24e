"""Floor 4: settings, discovery of code, drivers for ports, flow files, `App`, `run` and `start`."""
