"""The outbox: what other rooms and the outside must hear."""
