"""Virtual sensors on a virtual Bluetooth link, seen by the real client."""
