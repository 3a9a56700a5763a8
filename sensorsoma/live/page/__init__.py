"""The session on a dark page in a browser: what it shows, who may see it, and how it speaks."""
