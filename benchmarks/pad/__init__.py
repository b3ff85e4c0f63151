"""Evaluation of presentation attack detection: `python -m benchmarks.pad` (docs/evaluation).

The instruments are built from what liveness.md says attacks are, without a look at how any
signal measures them. All of them are synthetic and are injected as files.
"""
