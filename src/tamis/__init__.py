"""Tamis decides what a model learns from."""
