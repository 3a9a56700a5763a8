"""Light and sound while practising."""
