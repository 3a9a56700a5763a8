// Stand-in: registers of the LSM6DS3TR-C, behaving as its datasheet says; names as in "Seeed Arduino LSM6DS3".
#pragma once
#include "Arduino.h"

#define I2C_MODE 0

typedef enum { IMU_SUCCESS, IMU_HW_ERROR } status_t;

#define LSM6DS3_ACC_GYRO_CTRL1_XL 0X10
#define LSM6DS3_ACC_GYRO_CTRL2_G 0X11
#define LSM6DS3_ACC_GYRO_CTRL3_C 0X12
#define LSM6DS3_ACC_GYRO_STATUS_REG 0X1E
#define LSM6DS3_ACC_GYRO_OUTX_L_G 0X22

typedef enum {
  LSM6DS3_ACC_GYRO_FS_XL_2g = 0x00, LSM6DS3_ACC_GYRO_FS_XL_16g = 0x04,
  LSM6DS3_ACC_GYRO_FS_XL_4g = 0x08, LSM6DS3_ACC_GYRO_FS_XL_8g = 0x0C,
} LSM6DS3_ACC_GYRO_FS_XL_t;
typedef enum {
  LSM6DS3_ACC_GYRO_ODR_XL_POWER_DOWN = 0x00, LSM6DS3_ACC_GYRO_ODR_XL_26Hz = 0x20, LSM6DS3_ACC_GYRO_ODR_XL_52Hz = 0x30,
  LSM6DS3_ACC_GYRO_ODR_XL_104Hz = 0x40, LSM6DS3_ACC_GYRO_ODR_XL_208Hz = 0x50,
} LSM6DS3_ACC_GYRO_ODR_XL_t;
typedef enum { LSM6DS3_ACC_GYRO_FS_125_ENABLED = 0x02 } LSM6DS3_ACC_GYRO_FS_125_t;
typedef enum {
  LSM6DS3_ACC_GYRO_FS_G_245dps = 0x00, LSM6DS3_ACC_GYRO_FS_G_500dps = 0x04,
  LSM6DS3_ACC_GYRO_FS_G_1000dps = 0x08, LSM6DS3_ACC_GYRO_FS_G_2000dps = 0x0C,
} LSM6DS3_ACC_GYRO_FS_G_t;
typedef enum {
  LSM6DS3_ACC_GYRO_ODR_G_POWER_DOWN = 0x00, LSM6DS3_ACC_GYRO_ODR_G_26Hz = 0x20, LSM6DS3_ACC_GYRO_ODR_G_52Hz = 0x30,
  LSM6DS3_ACC_GYRO_ODR_G_104Hz = 0x40, LSM6DS3_ACC_GYRO_ODR_G_208Hz = 0x50,
} LSM6DS3_ACC_GYRO_ODR_G_t;
typedef enum { LSM6DS3_ACC_GYRO_IF_INC_ENABLED = 0x04 } LSM6DS3_ACC_GYRO_IF_INC_t;
typedef enum { LSM6DS3_ACC_GYRO_BDU_BLOCK_UPDATE = 0x40 } LSM6DS3_ACC_GYRO_BDU_t;

class LSM6DS3Core {
 public:
  LSM6DS3Core(uint8_t busType, uint8_t address) : is_here_(busType == I2C_MODE && address == 0x6A) {}

  status_t beginCore() { return is_here_ && !world::chip.is_absent ? IMU_SUCCESS : IMU_HW_ERROR; }

  status_t writeRegister(uint8_t offset, uint8_t value) {
    world::chip.touch();
    registers_[offset] = value;
    const bool is_rate = offset == LSM6DS3_ACC_GYRO_CTRL1_XL || offset == LSM6DS3_ACC_GYRO_CTRL2_G;
    if (is_rate) restart();
    return IMU_SUCCESS;
  }

  status_t readRegister(uint8_t *out, uint8_t offset) {
    world::chip.touch();
    *out = registers_[offset];
    if (offset == LSM6DS3_ACC_GYRO_STATUS_REG) *out = !world::chip.has_new() ? 0 : gyr_rate() > 0 ? 0x03 : 0x01;
    return IMU_SUCCESS;
  }

  status_t readRegisterRegion(uint8_t *out, uint8_t offset, uint8_t length) {
    world::chip.touch();
    if (offset != LSM6DS3_ACC_GYRO_OUTX_L_G || length != 12 || registers_[LSM6DS3_ACC_GYRO_CTRL3_C] != 0x44)
      world::say("fault", "read of registers that no sample is in");
    static const double acc_mg[] = {0.061, 0.488, 0.122, 0.244};    // a step, by FS_XL
    static const double gyr_mdps[] = {8.75, 17.50, 35.00, 70.00};  // a step, by FS_G
    const double acc_step = acc_mg[registers_[LSM6DS3_ACC_GYRO_CTRL1_XL] >> 2 & 3] / 1000;
    const uint8_t ctrl2 = registers_[LSM6DS3_ACC_GYRO_CTRL2_G];
    const double gyr_step = (ctrl2 & 0x02 ? 4.375 : gyr_mdps[ctrl2 >> 2 & 3]) / 1000;
    const world::Movement movement = world::chip.take();
    for (int i = 0; i < 3; i++) {
      put(out + 2 * i, world::saturated(movement.gyr_dps[i] / gyr_step));
      put(out + 6 + 2 * i, world::saturated(movement.acc_g[i] / acc_step));
    }
    return IMU_SUCCESS;
  }

 private:
  static double rate(uint8_t ctrl) {
    static const double rates[] = {0, 12.5, 26, 52, 104, 208};
    return ctrl >> 4 < 6 ? rates[ctrl >> 4] : -1;
  }
  double gyr_rate() const { return rate(registers_[LSM6DS3_ACC_GYRO_CTRL2_G]); }
  void restart() {
    const double acc = rate(registers_[LSM6DS3_ACC_GYRO_CTRL1_XL]);
    if (acc > 0) {
      world::chip.run(acc, gyr_rate() > 0);
    } else {
      world::chip.halt();
    }
  }
  static void put(uint8_t *out, int16_t value) {
    out[0] = (uint8_t)(value & 0xff);
    out[1] = (uint8_t)((uint16_t)value >> 8);
  }

  bool is_here_;
  uint8_t registers_[256] = {};
};
