"""First sentences of docstrings: text of one kind, that lies on every machine with Python."""

from __future__ import annotations

import ast
import importlib.util
import random
import re
import sysconfig
from pathlib import Path

KNOWN = ("numpy", "scipy", "matplotlib")
"""Packages whose docstrings are used beside the standard library's."""
UNSEEN = "networkx"
"""A package that is only tested with; torch brings it along."""
HELD_OUT = 1000


def first_sentences(root: Path) -> list[str]:
    """The first sentence of every docstring of a package, of 20 characters or more, each once."""
    found: dict[str, None] = {}
    for file in sorted(root.rglob("*.py")):
        if {"site-packages", "tests", "test", "idlelib"} & set(file.relative_to(root).parts):
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            paragraph = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
            sentence = re.split(r"(?<=[.!?]) (?=[A-Z`])", paragraph)[0]
            if len(sentence) >= 20:
                found[sentence] = None
    return list(found)


def docstrings(seed: int = 0) -> tuple[list[str], list[str], list[str]]:
    """Sentences to train with, held-out ones of the same packages, and those of a package never seen.

    No sentence is in two of them.
    """
    roots = [Path(sysconfig.get_paths()["stdlib"]), *map(_folder, KNOWN)]
    pool = list(dict.fromkeys(sentence for root in roots for sentence in first_sentences(root)))
    random.Random(seed).shuffle(pool)
    known = set(pool)
    unseen = [sentence for sentence in first_sentences(_folder(UNSEEN)) if sentence not in known]
    return pool[HELD_OUT:], pool[:HELD_OUT], unseen[:500]


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed; its docstrings are part of the text")
    return Path(spec.origin).parent


GENERAL = """\
The train to the coast leaves at seven every morning.
She has been learning the violin since she was six years old.
Heavy rain is expected in the north this weekend.
How do I renew my passport before it expires?
The soup needs a little more salt and some fresh parsley.
Scientists have found a new species of frog in the rainforest.
He forgot his umbrella and came home completely wet.
Interest rates were left unchanged by the central bank.
The museum is closed on Mondays and on public holidays.
What is the capital of Australia?
A cat was sleeping on the warm roof of the car.
The company plans to open three new shops next year.
My grandmother used to bake bread in a wood-fired oven.
The football match was decided by a late penalty.
Can you recommend a quiet restaurant near the station?
The novel tells the story of two brothers during the war.
Regular exercise lowers the risk of heart disease.
The children built a castle of sand on the beach.
Electric cars are becoming cheaper every year.
The meeting was moved to Thursday afternoon.
A man is playing the guitar in front of a small crowd.
Where can I buy tickets for the concert?
The bridge was built in the nineteenth century.
Bees are important for the pollination of many crops.
The doctor advised him to drink more water.
Their flight was delayed by almost five hours.
The painting was sold for a record price at the auction.
I would like to change the date of my reservation.
The river rose overnight and flooded several streets.
The new law protects tenants from sudden increases of rent.
""".splitlines()
"""Sentences of everyday English, written for this page."""
