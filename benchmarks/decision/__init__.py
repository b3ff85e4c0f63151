"""What a decision costs, beside its peers, in one run: docs/evaluation/decision-speed.md."""
