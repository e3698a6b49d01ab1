"""One file a library: ResNet-50, with torchvision's names in all of them, so that they can share weights."""
