"""Python: one module at a time becomes a small tree, and the trees together say what reads a flag."""
