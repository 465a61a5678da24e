"""How a flow file's stages follow each other."""

from __future__ import annotations

from stretto.app.flows.flow import Flow
from stretto.app.flows.stage import Stage, WayOut
from stretto.app.flows.wording import Wording
from stretto.app.graph.data import Canvas, Graph, Part, alone
from stretto.app.graph.workers import AnyWorker, Draw, Drawing, asked_of, called
from stretto.patterns.person import Person
from stretto.runtime.workflow import ToolTask


def of_worker(worker: AnyWorker) -> Graph:
    """A worker before it runs, whether Python or a flow file made it."""
    drawing = FlowDrawing(Canvas(worker.name))
    drawing.worker(worker, outermost=True)
    return drawing.canvas.graph()


class FlowDrawing(Drawing):
    """Draws workers, and flows among them."""

    def worker(self, worker: AnyWorker, *, outermost: bool = False) -> Part:
        """See `Drawing.worker`; a stage is drawn as the worker that stands in it."""
        match worker:
            case Stage(worker=inner) | WayOut(way=inner):
                return self.worker(inner)
            case Person(question=Wording() as question, to=to):
                return alone(self.canvas.node("question", question.node.text, asked_of(to)))
            case ToolTask(tools=(tool,)):
                return alone(self.canvas.node("tool", called(tool), ("tool",)))
            case _:
                return super().worker(worker, outermost=outermost)

    def shape(self, worker: AnyWorker) -> Draw | None:
        """See `Drawing.shape`."""
        if isinstance(worker, Flow):
            line = worker.line.workers
            return lambda: self.row(line)
        return super().shape(worker)
