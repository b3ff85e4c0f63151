"""Beginning a capture, taking its clip, and what an owner does with a cameo."""
