"""Entry points: translate what comes in, call one use case, say what came of it."""
