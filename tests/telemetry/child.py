"""A tool for a child process, which has to find it in a module."""

from stretto import tool, traceparent


@tool(process=True)
def where_am_i() -> str:
    """Which trace this is part of."""
    return traceparent()
