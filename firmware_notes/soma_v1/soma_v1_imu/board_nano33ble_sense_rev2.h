/*
 * Arduino Nano 33 BLE Sense Rev2: BMI270 on the inner I2C bus, through the library Arduino_BMI270_BMM150.
 *
 * The library sets +-4 g and +-2000 deg/s, and its readAcceleration() exchanges two axes, which leaves a left-handed
 * triple. So the chip is set up and read here with the functions of Bosch that the library brings along: the ranges
 * that the client asks for, raw numbers, the chip's own right-handed axes.
 */
#ifndef SOMA_BOARD_H
#define SOMA_BOARD_H

#include <Arduino_BMI270_BMM150.h>

#include "soma_v1.h"

namespace board {

const uint16_t RATES_HZ[] = {25, 50, 100, 200};
const uint16_t OWN_RATE_HZ = 100;

class Chip : public BoschSensorClass {
 public:
  explicit Chip(TwoWire &wire) : BoschSensorClass(wire) {}
  bmi2_dev *dev = nullptr;

 protected:
  using BoschSensorClass::configure_sensor;
  int8_t configure_sensor(struct bmi2_dev *found) override {
    dev = found;  // start() configures it, for each start command anew
    return BMI2_OK;
  }
};

static Chip chip(Wire1);
static uint8_t readyBits = 0;

static bool accCodes(const soma_v1_settings &use, uint8_t &odr, uint8_t &range) {
  switch (use.rate_hz) {
    case 25: odr = BMI2_ACC_ODR_25HZ; break;
    case 50: odr = BMI2_ACC_ODR_50HZ; break;
    case 100: odr = BMI2_ACC_ODR_100HZ; break;
    case 200: odr = BMI2_ACC_ODR_200HZ; break;
    default: return false;
  }
  switch (use.acc_range_g) {
    case 2: range = BMI2_ACC_RANGE_2G; break;
    case 4: range = BMI2_ACC_RANGE_4G; break;
    case 8: range = BMI2_ACC_RANGE_8G; break;
    case 16: range = BMI2_ACC_RANGE_16G; break;
    default: return false;
  }
  return true;
}

static bool gyrCodes(const soma_v1_settings &use, uint8_t &odr, uint8_t &range) {
  switch (use.rate_hz) {
    case 25: odr = BMI2_GYR_ODR_25HZ; break;
    case 50: odr = BMI2_GYR_ODR_50HZ; break;
    case 100: odr = BMI2_GYR_ODR_100HZ; break;
    case 200: odr = BMI2_GYR_ODR_200HZ; break;
    default: return false;
  }
  switch (use.gyr_range_dps) {
    case 125: range = BMI2_GYR_RANGE_125; break;
    case 250: range = BMI2_GYR_RANGE_250; break;
    case 500: range = BMI2_GYR_RANGE_500; break;
    case 1000: range = BMI2_GYR_RANGE_1000; break;
    case 2000: range = BMI2_GYR_RANGE_2000; break;
    default: return false;
  }
  return true;
}

/* Whether the chip can do what is asked; the rate is one of RATES_HZ already. */
static bool canDo(const soma_v1_settings &use) {
  uint8_t odr, range;
  return accCodes(use, odr, range) && gyrCodes(use, odr, range);
}

/* Measures from now on. Full scale 32768 is the range for both, so raw numbers are ready to be sent. */
static bool start(const soma_v1_settings &use) {
  uint8_t both[] = {BMI2_ACCEL, BMI2_GYRO};
  uint8_t accOdr, accRange, gyrOdr, gyrRange;
  if (!accCodes(use, accOdr, accRange) || !gyrCodes(use, gyrOdr, gyrRange)) return false;

  struct bmi2_sens_config config[2];
  config[0].type = BMI2_ACCEL;
  config[1].type = BMI2_GYRO;
  if (bmi2_get_sensor_config(config, 2, chip.dev) != BMI2_OK) return false;
  config[0].cfg.acc.odr = accOdr;
  config[0].cfg.acc.range = accRange;
  config[0].cfg.acc.bwp = BMI2_ACC_NORMAL_AVG4;  // lets pass what lies below 40 Hz at 100 Hz
  config[0].cfg.acc.filter_perf = BMI2_PERF_OPT_MODE;
  config[1].cfg.gyr.odr = gyrOdr;
  config[1].cfg.gyr.range = gyrRange;
  config[1].cfg.gyr.bwp = BMI2_GYR_NORMAL_MODE;
  config[1].cfg.gyr.noise_perf = BMI2_PERF_OPT_MODE;
  config[1].cfg.gyr.filter_perf = BMI2_PERF_OPT_MODE;
  if (bmi2_set_sensor_config(config, 2, chip.dev) != BMI2_OK) return false;

  if (bmi2_sensor_disable(both, 2, chip.dev) != BMI2_OK) return false;
  readyBits = use.is_acc_only ? BMI2_DRDY_ACC : BMI2_DRDY_ACC | BMI2_DRDY_GYR;
  return bmi2_sensor_enable(both, use.is_acc_only ? 1 : 2, chip.dev) == BMI2_OK;
}

/* Sleeps. */
static void stop() {
  uint8_t both[] = {BMI2_ACCEL, BMI2_GYRO};
  bmi2_sensor_disable(both, 2, chip.dev);
}

/* Finds the chip. */
static bool begin() {
  pinMode(LED_BUILTIN, OUTPUT);
  pinMode(LED_PWR, OUTPUT);
  digitalWrite(LED_PWR, LOW);  // the green light that is always on: a bedroom is dark
  chip.begin();
  Wire1.setClock(400000);
  const soma_v1_settings usual = {OWN_RATE_HZ, 8, 500, 0, 0};
  if (chip.dev == nullptr || !start(usual)) return false;
  stop();
  return true;
}

/* Whether a sample waits. Asked before reading, because reading takes the flag away. */
static bool isReady() {
  uint8_t status = 0;
  return bmi2_get_status(&status, chip.dev) == BMI2_OK && (status & readyBits) == readyBits;
}

static bool read(int16_t acc_lsb[3], int16_t gyr_lsb[3]) {
  struct bmi2_sens_data data;
  memset(&data, 0, sizeof data);
  if (bmi2_get_sensor_data(&data, chip.dev) != BMI2_OK) return false;
  acc_lsb[0] = data.acc.x;
  acc_lsb[1] = data.acc.y;
  acc_lsb[2] = data.acc.z;
  gyr_lsb[0] = data.gyr.x;
  gyr_lsb[1] = data.gyr.y;
  gyr_lsb[2] = data.gyr.z;
  return true;
}

static void light(bool isOn) {
  digitalWrite(LED_BUILTIN, isOn ? HIGH : LOW);
}

/* This board cannot see what it is fed from. */
static int batteryPercent() {
  return -1;
}

}  // namespace board

#endif  // SOMA_BOARD_H
