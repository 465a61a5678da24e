"""How a flow file's stages follow each other."""

from __future__ import annotations

from stretto.app.flows.flow import Flow
from stretto.app.flows.gates import Question, Review, ToolCall
from stretto.app.flows.stages import Fallback, Loop, Parallel, Route, Row, Stage, Use
from stretto.app.graph.data import Canvas, Graph, Part, alone
from stretto.app.graph.workers import AnyWorker, Draw, Drawing, asked_of, called


def of_worker(worker: AnyWorker) -> Graph:
    """A worker before it runs, whether Python or a flow file made it."""
    drawing = FlowDrawing(Canvas(worker.name))
    drawing.worker(worker, outermost=True)
    return drawing.canvas.graph()


class FlowDrawing(Drawing):
    """Draws workers, and flows among them."""

    def shape(self, worker: AnyWorker) -> Draw | None:
        """See `Drawing.shape`."""
        if isinstance(worker, Flow):
            stages = worker.stages
            return lambda: self.stage(stages)
        return super().shape(worker)

    def stage(self, stage: Stage) -> Part:
        """Draw one stage, with those inside it."""
        match stage:
            case Use(worker=worker):
                return self.worker(worker)
            case Row(inner=inner):
                return self.row([self._later(one) for one in inner])
            case Parallel(inner=inner, names=names, merge=merge):
                with self.canvas.group("parallel", "parallel"):
                    return self.fan(
                        [self._later(one) for one in inner], names, f"merge: {called(merge)}" if merge else ""
                    )
            case Fallback(inner=inner):
                with self.canvas.group("fallback", "fallback"):
                    return self.instead([self._later(one) for one in inner])
            case Route(by=by, choices=choices, otherwise=otherwise):
                ways = {label: self._later(one) for label, one in choices.items()}
                ways |= {"otherwise": self._later(otherwise)} if otherwise else {}
                with self.canvas.group("route", "route"):
                    return self.route(self._later(by), ways)
            case Loop(do=do, check=check, rounds=rounds, otherwise=otherwise):
                parts = [self._later(one) for one in (do, check) if one is not None]
                out = self._later(otherwise) if otherwise else None
                with self.canvas.group("loop", "loop"):
                    return self.again(parts, f"again, at most {rounds}", out)
            case Review():
                return self._review(stage)
            case Question(question=question, to=to):
                return alone(self.canvas.node("question", question.node.text, asked_of(to)))
            case ToolCall(tool=tool):
                return alone(self.canvas.node("tool", called(tool), ("tool",)))
            case _:
                return self.row([self._later(one) for one in stage.inner])

    def _later(self, stage: Stage) -> Draw:
        return lambda: self.stage(stage)

    def _review(self, review: Review) -> Part:
        """A question; what is rejected goes another way, or is revised and shown again."""
        when = ("only where needed",) if review.when is not None else ()
        asked = alone(self.canvas.node("gate", review.question.node.text, (*asked_of(review.to), *when)), "yes")
        ends = asked.ends
        for stage, again in ((review.rejected, False), (review.revise, True)):
            if stage is not None:
                part = self.stage(stage)
                self.canvas.join(asked, part, "no")
                if again:
                    self.canvas.join(part, asked, "again", "back")
                else:
                    ends += part.ends
        return Part(asked.begins, ends)
