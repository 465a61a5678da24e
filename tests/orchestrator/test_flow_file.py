"""A flow file's orchestrator has the same parts."""

from pathlib import Path

import pytest

from stretto import start
from stretto.app.flows import load

CODE = """
from stretto import Score

def a(goal): return {"price": 10}
def b(goal): return {"price": 12}
def desk(goal): return {"note": goal}
def planner(goal): return [{"id": "x", "worker": "a"}, {"id": "y", "worker": "b"}, {"id": "z", "worker": "nobody"}]
def judge(result): return Score(0.7 if result["values"]["price"] == 12 else 0.1, "")
"""
FLOW = """
workers: {a: app.py:a, b: app.py:b, desk: app.py:desk, plan: app.py:planner, judge: app.py:judge}
flow:
  - orchestrate: {workers: [a, b], planner: plan, judge: judge, accept: 0.6, otherwise: desk, resolve: last}
"""


@pytest.mark.capability(10, 12, 14)
def test_judge_accept_otherwise_and_resolve_stand_in_a_flow_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(CODE)
    (tmp_path / "flow.yaml").write_text(FLOW)
    job = start(load(tmp_path / "flow.yaml"), "EV", db=":memory:")
    assert job.state == "done", job.error
    assert job.output["values"] == {"price": 12, "note": "EV"}
    assert [opinion["ok"] for opinion in job.why()["judged"]] == [True]
