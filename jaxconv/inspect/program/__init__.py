"""What a model does, step by step, read from its program without computing anything."""
