"""What would happen, before it does: scoring detection against planted truth. Replays on copies; never touches the live tables."""
