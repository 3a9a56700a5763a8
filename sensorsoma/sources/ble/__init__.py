"""Bluetooth LE sensors: found, held and heard. Only bleak's public interface is used."""
