"""One file a library: the same layers, loss and optimiser, as its own users would write them."""
