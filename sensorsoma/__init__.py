"""SensorSoma: a gentle bed practice, coached, counted, measured and recorded with a motion sensor on the thigh."""

__version__ = "0.1.0"
