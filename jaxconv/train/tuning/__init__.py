"""What fine-tuning needs besides `fit`."""
