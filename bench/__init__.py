"""rankgrad beside its peers: time, memory and accuracy. `python -m bench.report` measures all of it."""
