"""The rules for text: measures against plain Python, thresholds, and what others decide."""
