"""The figures that a run is read by: printed at its end, JSON lines to $KEYWARD_FIGURES."""
import json
import os

collected = []
gaps = []


def report(name, **values):
    """Keeps one line of figures, such as report("restart", kills=10, max_ms=412)."""
    line = {"figure": name, **values}
    collected.append(line)
    path = os.environ.get("KEYWARD_FIGURES")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def gap(words):
    """Says loudly, at the end of the run, what was not tried and why."""
    if words not in gaps:
        gaps.append(words)
