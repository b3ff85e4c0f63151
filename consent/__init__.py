"""Who may use a likeness: grants, decisions, tokens, redemption, uses."""
