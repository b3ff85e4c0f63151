"""What the pipeline is measured beside: other people's loops, each in a process of its own."""
