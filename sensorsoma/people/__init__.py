"""The people who practise here: what is remembered of them between sessions, on this computer only."""
