"""What is to be known of a set of crops before training on it: faults, a contact sheet, numbers, duplicates."""
