"""Can anybody get the face back? Attackers that learn, controls that void, and a verdict with an interval."""
