"""What crosses rooms: rollout watch, doctor, score, the main job's check."""
