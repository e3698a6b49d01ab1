"""One file a library: the same LeNet trained epoch after epoch, as its own users would write it."""
