"""Command lines: thin doors over the rooms below."""
