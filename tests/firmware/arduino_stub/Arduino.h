// Stand-in: names and signatures of the Arduino mbed core that the sketch uses.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum { LOW = 0, HIGH = 1 };
enum PinMode { INPUT, OUTPUT, INPUT_PULLUP };
enum PinName { P0_14 = 1014, P0_31 = 1031 };

#if defined(ARDUINO_SEEED_XIAO_NRF52840_SENSE)
#define LEDB (13u)
enum _AnalogReferenceMode { AR_VDD, AR_INTERNAL, AR_INTERNAL1V2, AR_INTERNAL2V4 };
void analogReference(uint8_t mode);
#else
#define LED_BUILTIN (13u)
#define LED_PWR (25u)
#endif

unsigned long millis();
unsigned long micros();
void delay(unsigned long ms);
void pinMode(unsigned pin, PinMode mode);
void digitalWrite(unsigned pin, int level);
void pinMode(PinName pin, PinMode mode);
void digitalWrite(PinName pin, int level);
int analogRead(PinName pin);
void analogReadResolution(int bits);
void NVIC_SystemReset();
