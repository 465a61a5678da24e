"""Flow files: agents, patterns, gates, triggers and policies in YAML; logic is Python beside the file."""

from stretto.app.flows.flow import Flow
from stretto.app.flows.load import load
from stretto.app.flows.shape import schema

__all__ = ["Flow", "load", "schema"]
