"""Event rules: ENTERED and EXITED from scores.

Read `rule` (what a rule is) first, then `state` (the state machine that decides on events) and `engine` (all rules of a
stream). `explanations` observes states and decides nothing; `replay` runs the engine over recorded scores.
"""
