/*
 * Seeed Studio XIAO nRF52840 Sense: LSM6DS3TR-C on the inner I2C bus. The library "Seeed Arduino LSM6DS3" switches the
 * chip on and carries registers to and fro; what is written into them is said here.
 */
#ifndef SOMA_BOARD_H
#define SOMA_BOARD_H

#include <LSM6DS3.h>
#include <Wire.h>

#include "soma_v1.h"

/* 0: never reads the battery, should reading it disturb something on your board. */
#ifndef SOMA_READ_BATTERY
#define SOMA_READ_BATTERY 1
#endif

namespace board {

const uint16_t RATES_HZ[] = {26, 52, 104, 208};
const uint16_t OWN_RATE_HZ = 104;

const uint8_t STATUS_ACC = 0x01; /* STATUS_REG: a new acceleration waits */
const uint8_t STATUS_GYR = 0x02; /* and a new angular rate */

static LSM6DS3Core chip(I2C_MODE, 0x6A);
static uint8_t readyBits = 0;

static bool accCode(const soma_v1_settings &use, uint8_t &code) {
  switch (use.rate_hz) {
    case 26: code = LSM6DS3_ACC_GYRO_ODR_XL_26Hz; break;
    case 52: code = LSM6DS3_ACC_GYRO_ODR_XL_52Hz; break;
    case 104: code = LSM6DS3_ACC_GYRO_ODR_XL_104Hz; break;
    case 208: code = LSM6DS3_ACC_GYRO_ODR_XL_208Hz; break;
    default: return false;
  }
  switch (use.acc_range_g) {
    case 2: code |= LSM6DS3_ACC_GYRO_FS_XL_2g; break;
    case 4: code |= LSM6DS3_ACC_GYRO_FS_XL_4g; break;
    case 8: code |= LSM6DS3_ACC_GYRO_FS_XL_8g; break;
    case 16: code |= LSM6DS3_ACC_GYRO_FS_XL_16g; break;
    default: return false;
  }
  return true;
}

static bool gyrCode(const soma_v1_settings &use, uint8_t &code) {
  switch (use.rate_hz) {
    case 26: code = LSM6DS3_ACC_GYRO_ODR_G_26Hz; break;
    case 52: code = LSM6DS3_ACC_GYRO_ODR_G_52Hz; break;
    case 104: code = LSM6DS3_ACC_GYRO_ODR_G_104Hz; break;
    case 208: code = LSM6DS3_ACC_GYRO_ODR_G_208Hz; break;
    default: return false;
  }
  switch (use.gyr_range_dps) {
    case 125: code |= LSM6DS3_ACC_GYRO_FS_125_ENABLED; break;
    case 250: code |= LSM6DS3_ACC_GYRO_FS_G_245dps; break; /* called 245 there, 8.75 mdps a step in the datasheet */
    case 500: code |= LSM6DS3_ACC_GYRO_FS_G_500dps; break;
    case 1000: code |= LSM6DS3_ACC_GYRO_FS_G_1000dps; break;
    case 2000: code |= LSM6DS3_ACC_GYRO_FS_G_2000dps; break;
    default: return false;
  }
  return true;
}

/* Whether the chip can do what is asked; the rate is one of RATES_HZ already. */
static bool canDo(const soma_v1_settings &use) {
  uint8_t code = 0;
  return accCode(use, code) && gyrCode(use, code);
}

/* Measures from now on. */
static bool start(const soma_v1_settings &use) {
  uint8_t acc = 0, gyr = 0;
  if (!accCode(use, acc) || !gyrCode(use, gyr)) return false;
  if (use.is_acc_only) gyr = LSM6DS3_ACC_GYRO_ODR_G_POWER_DOWN;
  readyBits = use.is_acc_only ? STATUS_ACC : STATUS_ACC | STATUS_GYR;
  /* both bytes of a number from one sample; a burst of bytes from one register to the next */
  const uint8_t ctrl3 = LSM6DS3_ACC_GYRO_BDU_BLOCK_UPDATE | LSM6DS3_ACC_GYRO_IF_INC_ENABLED;
  return chip.writeRegister(LSM6DS3_ACC_GYRO_CTRL3_C, ctrl3) == IMU_SUCCESS &&
         chip.writeRegister(LSM6DS3_ACC_GYRO_CTRL1_XL, acc) == IMU_SUCCESS &&
         chip.writeRegister(LSM6DS3_ACC_GYRO_CTRL2_G, gyr) == IMU_SUCCESS;
}

/* Sleeps. */
static void stop() {
  chip.writeRegister(LSM6DS3_ACC_GYRO_CTRL1_XL, LSM6DS3_ACC_GYRO_ODR_XL_POWER_DOWN);
  chip.writeRegister(LSM6DS3_ACC_GYRO_CTRL2_G, LSM6DS3_ACC_GYRO_ODR_G_POWER_DOWN);
}

/* Finds the chip. */
static bool begin() {
  pinMode(LEDB, OUTPUT);
  digitalWrite(LEDB, HIGH);
#if SOMA_READ_BATTERY
  /* P0.14 low connects the divider. It stays low: high, while the cell charges, P0.31 would see more than it stands. */
  pinMode(P0_14, OUTPUT);
  digitalWrite(P0_14, LOW);
  analogReadResolution(12);
  analogReference(AR_INTERNAL2V4);
#endif
  if (chip.beginCore() != IMU_SUCCESS) return false;
  Wire1.setClock(400000);
  stop();
  return true;
}

/* Whether a sample waits. */
static bool isReady() {
  uint8_t status = 0;
  return chip.readRegister(&status, LSM6DS3_ACC_GYRO_STATUS_REG) == IMU_SUCCESS && (status & readyBits) == readyBits;
}

/* A step of this gyroscope is 4.375 mdps at "125": full scale is 143.36 deg/s, and likewise 1.14688 times the name in
 * every range. 3584 / 3125 turns that into steps of range / 32768. The accelerometer's steps are that already. */
static bool read(int16_t acc_lsb[3], int16_t gyr_lsb[3]) {
  uint8_t raw[12];
  memset(raw, 0, sizeof raw);
  if (chip.readRegisterRegion(raw, LSM6DS3_ACC_GYRO_OUTX_L_G, sizeof raw) != IMU_SUCCESS) return false;
  for (int i = 0; i < 3; i++) {
    gyr_lsb[i] = soma_v1_scaled((int16_t)soma_v1_get_u16(raw + 2 * i), 3584, 3125);
    acc_lsb[i] = (int16_t)soma_v1_get_u16(raw + 6 + 2 * i);
  }
  return true;
}

/* Blue; lit when the pin is low. */
static void light(bool isOn) {
  digitalWrite(LEDB, isOn ? LOW : HIGH);
}

/* A rough reading of the cell's voltage: what is left of a lithium cell under this small load. -1: not known. */
static int batteryPercent() {
#if SOMA_READ_BATTERY
  static const long VOLTS[][2] = {{3300, 0}, {3600, 10}, {3700, 25}, {3800, 50}, {3900, 65}, {4000, 80}, {4180, 100}};
  const long raw = analogRead(P0_31);
  if (raw <= 0) return -1;
  const long mV = raw * 2400 / 4096 * 1510 / 510; /* 2.4 V full scale behind 1 MOhm and 510 kOhm */
  if (mV <= VOLTS[0][0]) return 0;
  for (size_t i = 1; i < sizeof VOLTS / sizeof VOLTS[0]; i++) {
    const long *low = VOLTS[i - 1], *high = VOLTS[i];
    if (mV < high[0]) return (int)(low[1] + (mV - low[0]) * (high[1] - low[1]) / (high[0] - low[0]));
  }
  return 100;
#else
  return -1;
#endif
}

}  // namespace board

#endif  // SOMA_BOARD_H
