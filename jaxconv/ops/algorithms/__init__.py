"""Ways to compute a convolution, one file each; `einsum` is the definition that all others must equal."""
