"""From a folder of photos to packed crops."""
