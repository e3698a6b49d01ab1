"""Networks and runs as folders on disk."""
