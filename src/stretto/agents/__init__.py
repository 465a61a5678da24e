"""Floor 3: workers that think with a model and act with tools."""
