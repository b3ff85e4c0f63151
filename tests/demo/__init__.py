"""The main job, told over HTTP by separate clients. `python -m tests.demo` runs it."""
