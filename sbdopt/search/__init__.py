"""Ways to find placements; nothing here knows of files, the judge or the terminal."""
