"""Evidence: does a choice beat random at equal budget, and at equal total cost?"""
