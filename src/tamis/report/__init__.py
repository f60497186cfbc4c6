"""The page a person opens after a selection: `page.render` draws what `summary` counted."""
