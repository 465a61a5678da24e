"""Between our messages and the models layer (pydantic-ai), which speaks each provider's wire format."""
