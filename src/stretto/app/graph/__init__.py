"""Graphs of workers and runs: plain data, drawn as Mermaid or SVG."""
