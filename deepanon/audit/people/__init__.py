"""Photos of known people, cut into samples around one face each, and who of them is known and who is sought."""
