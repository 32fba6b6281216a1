"""What the networks and metrics are fed: packed crops, annotated photo folders, drawn faces."""
