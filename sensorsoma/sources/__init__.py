"""The world into inputs: Bluetooth, phones, recordings."""
