"""Fakes and conformance suites, for the tests of stretto and of whoever builds on it."""

from stretto.models.script import call, calls, fail, say
from stretto.models.scripted import ScriptedModel
from stretto.testing.conformance import MODEL_CHECKS, model_conformance
from stretto.testing.provider import FakeProvider

__all__ = ["MODEL_CHECKS", "FakeProvider", "ScriptedModel", "call", "calls", "fail", "model_conformance", "say"]
