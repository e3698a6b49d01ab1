"""What the documentation is made with; `docs/hooks.py` puts it together."""
