"""Request → plan → run → resume."""
