"""Routes classified answers and survey requests: plans effects, delivers each once, records outcomes."""
