"""One file per named method, nothing but its mathematics. Every module here is imported by the registry."""
