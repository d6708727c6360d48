"""Fill many arrays with rectangles of few sizes: patterns, and how often each is used."""
