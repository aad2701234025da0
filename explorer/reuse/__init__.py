"""Who reused whose prompt blocks: pure functions over block runs, no I/O."""
