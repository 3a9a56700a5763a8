"""Small web servers at home: who may come in, over which wire, and how they are put away."""
