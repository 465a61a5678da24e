"""Cells and queues: one value that the tasks of a run share, and the messages of one channel between them.

State alone, rebuilt from the journal and kept up by whoever acts through a scope. Time is a count of the run's events
here: every reading, writing, sending and receiving is one tick, in the order in which the journal has them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stretto.runtime.scope import Scope

At = tuple[str, str]
"""A step: its scope and its identity there."""


@dataclass(slots=True)
class Cell:
    """One shared value: `data` is its canonical form, None as long as nobody has written it."""

    data: bytes | None = None
    version: int = 0
    written: int = 0
    """The tick of the last write."""
    by: str = ""
    """The worker that made it."""
    made: dict[str, bytes] = field(default_factory=dict)
    """The additions that are in it, by the key under which another attempt of their task would make them again."""
    past: dict[At, bytes | None] = field(default_factory=dict)
    """What recorded reads saw, until they are asked for again."""
    recorded: list[Recorded] | None = field(default_factory=list)
    """What the journal has of it, until somebody comes who knows how it is merged."""
    _seen: dict[str, int] = field(default_factory=dict)

    def saw(self, keys: Iterable[str], tick: int) -> None:
        """A scope knows the value as of a tick; what it awaits or returns goes to those around, so they do, too."""
        self._seen.update(dict.fromkeys(keys, tick))

    def is_news_to(self, scope: Scope) -> bool:
        """Whether somebody wrote what a scope cannot have known: beside it, or since it last looked."""
        for here in (scope, *scope.around()):
            seen = self._seen.get(here.key)
            if seen is not None:
                return seen < self.written
            if self.written > here.since:
                return True
        return False

    def take(self, verb: str, data: bytes, after: bytes, by: str, tick: int, key: str) -> None:
        """Take a change in: what was written, and what the value is `after` it. One made `again` changes nothing."""
        if verb == "again":
            return
        if verb == "set":
            self.made.clear()
        elif key:
            self.made[key] = data
        self.data, self.by, self.written, self.version = after, by, tick, self.version + 1


@dataclass(frozen=True, slots=True)
class Recorded:
    """A reading or writing of a cell in the journal: `request` is what was written, as stored; None for a reading."""

    tick: int
    at: At
    by: str
    request: object
    key: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A message between workers: `request` is what was sent, as stored. `to` is empty where anybody may take it."""

    number: int
    by: str
    to: str
    request: object


@dataclass(slots=True)
class Queue:
    """The messages of one channel that nobody has received yet."""

    sent: int = 0
    waiting: deque[Post] = field(default_factory=deque)
    made: set[str] = field(default_factory=set)
    """The keys of messages that another attempt of their sender's task would send again."""
    given: dict[str, Post] = field(default_factory=dict)
    """What was received under a key: another attempt of the task gets it again."""
    past: dict[At, Post] = field(default_factory=dict)
    """What was received in recorded steps, until they are asked for again."""

    def send(self, by: str, to: str, request: object) -> None:
        """Put a message at the end."""
        self.sent += 1
        self.waiting.append(Post(self.sent, by, to, request))

    def next_for(self, worker: str) -> Post | None:
        """The oldest message that a worker may take."""
        return next((post for post in self.waiting if post.to in ("", worker)), None)

    def post(self, number: int) -> Post:
        """A message that waits."""
        return next(post for post in self.waiting if post.number == number)

    def take(self, post: Post, key: str) -> Post:
        """Somebody receives a message, maybe not for the first time: `key` is what another attempt gets it again by."""
        if post in self.waiting:
            self.waiting.remove(post)
        if key:
            self.given[key] = post
        return post
