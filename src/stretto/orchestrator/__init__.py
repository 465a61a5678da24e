"""Floor 3: plan, assign, schedule, review, re-plan, integrate."""
