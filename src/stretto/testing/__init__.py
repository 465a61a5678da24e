"""Fakes and conformance suites, for the tests of stretto and of whoever builds on it."""

from stretto.models.script import call, calls, fail, say
from stretto.models.scripted import ScriptedModel
from stretto.testing.conformance import MODEL_CHECKS, model_conformance
from stretto.testing.journal_conformance import JOURNAL_CHECKS, journal_conformance
from stretto.testing.memory_conformance import MEMORY_CHECKS, memory_conformance
from stretto.testing.people import Person, agree
from stretto.testing.provider import FakeProvider
from stretto.testing.simulation import Simulation, simulate
from stretto.testing.virtual_loop import Stuck, VirtualLoop

__all__ = [
    "JOURNAL_CHECKS",
    "MEMORY_CHECKS",
    "MODEL_CHECKS",
    "FakeProvider",
    "Person",
    "ScriptedModel",
    "Simulation",
    "Stuck",
    "VirtualLoop",
    "agree",
    "call",
    "calls",
    "fail",
    "journal_conformance",
    "memory_conformance",
    "model_conformance",
    "say",
    "simulate",
]
