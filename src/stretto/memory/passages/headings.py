"""The path of headings above a line."""


class Headings:
    """Follows the headings of a document downwards."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> None:
        """Open a heading; those of its level and deeper end."""
        self._open = [(other, name) for other, name in self._open if other < level]
        self._open.append((level, title))

    def leave(self, level: int) -> None:
        """End the headings of this level and deeper."""
        self._open = [(other, name) for other, name in self._open if other < level]

    @property
    def path(self) -> tuple[str, ...]:
        """The open headings, outermost first."""
        return tuple(title for _, title in self._open)
