"""From the files that registries hold to the ONNX files that the engines run.

A conversion is a pure function of bytes, and its result is the same bytes on every machine:
arithmetic is element by element in numpy, and names, producer, IR version and opset are
pinned. That is what lets a manifest pin the digest of the result.
"""
