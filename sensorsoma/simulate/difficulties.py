"""What makes real recordings harder than ideal ones; each difficulty has its own switch."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Difficulties:
    """Which difficulties a simulated person and their sensors have; sizes are drawn from the seed."""

    mounting: bool = True
    """Thigh sensors strapped on in any rotation; pelvis and belly by their mark, up to 20° wrong about each axis."""
    leg_roll: bool = True
    """A relaxed straight leg rolls outward by 10-40°, differently on each side."""
    axis_tilt: bool = True
    """The hip-foot line is 5-20° off level (the hip lies above the mattress)."""
    gyro_bias: bool = True
    """Up to ±3 °/s on each axis: ordinary for an uncorrected consumer gyroscope."""
    acc_error: bool = True
    """Accelerometer offset up to ±25 mg and gain up to ±1.5 % on each axis."""
    noise: bool = True
    """Sensor noise and int16 steps as in consumer inertial sensors."""
    wobble: bool = True
    """While moving, the more the faster: the sensor turns on the skin, and the movement is not quite smooth."""
    fidgets: bool = True
    """Small movements while resting."""
    cough: bool = True
    """One cough."""
    partial_rep: bool = True
    """One repetition that only reaches 25-45 % of the range; in the truth it is marked partial."""
    irregular_tempo: bool = True
    """Repetitions of 2-8 s with pauses of random length; without it 4 s each, 1 s apart."""
    clock_drift: bool = True
    """The device clock runs up to 50 ppm fast or slow."""
    packet_loss: bool = True
    """0-3 % of whole packets are lost."""
    gyro_error: bool = False
    """Gain, cross-axis error, and an offset that follows gravity and warmth; see `hardest`."""
    acc_worse: bool = False
    """With `acc_error`: up to ±40 mg and ±3 %, and axes up to 0.3° off right angles: cheaper accelerometers."""

    @classmethod
    def all(cls) -> Difficulties:
        """Everything that recordings of earlier seeds have."""
        return cls()

    @classmethod
    def hardest(cls) -> Difficulties:
        """With what was added later, and is off by default so that known seeds keep their samples."""
        return cls(gyro_error=True)

    @classmethod
    def none(cls) -> Difficulties:
        """An ideal person with ideal sensors."""
        return cls(**{field.name: False for field in fields(cls)})
