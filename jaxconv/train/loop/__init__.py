"""What `fit` runs: steps, where their batches come from, and what happens in between."""
