"""What the networks and metrics are fed: packed crops, annotated photo folders, drawn faces."""

SPLITS = ("train", "val")  # of every data set: to learn from, and held out
