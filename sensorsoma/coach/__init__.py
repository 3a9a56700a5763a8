"""Events into cues: the plan, where we are in it, and what is said."""
