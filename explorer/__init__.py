"""trace-explore: a terminal explorer for the traces of multi-agent LLM systems.

Four floors, each importing only from those below it: ``tui`` and ``cli`` show, ``store`` keeps and
queries, ``readers`` and ``reuse`` turn bytes into rows and rows into sharing, ``model`` names it all.
"""

__version__ = "0.1.0"
