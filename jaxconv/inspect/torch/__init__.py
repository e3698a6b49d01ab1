"""Weights from PyTorch and to PyTorch: files, names and layouts, and the order of what is flattened."""
