// Stand-in: the part of Arduino_BMI270_BMM150, and of Bosch's driver inside it, that the sketch uses.
#pragma once
#include "Wire.h"

enum { BMI2_OK = 0, BMI2_E_COM_FAIL = -2, BMI2_E_ACC_GYR_INVALID_CFG = -7 };
enum { BMI2_ACCEL = 0, BMI2_GYRO = 1 };
enum { BMI2_DRDY_ACC = 0x80, BMI2_DRDY_GYR = 0x40 };
enum { BMI2_ACC_ODR_25HZ = 0x06, BMI2_ACC_ODR_50HZ, BMI2_ACC_ODR_100HZ, BMI2_ACC_ODR_200HZ };
enum { BMI2_GYR_ODR_25HZ = 0x06, BMI2_GYR_ODR_50HZ, BMI2_GYR_ODR_100HZ, BMI2_GYR_ODR_200HZ };
enum { BMI2_ACC_RANGE_2G = 0, BMI2_ACC_RANGE_4G, BMI2_ACC_RANGE_8G, BMI2_ACC_RANGE_16G };
enum { BMI2_GYR_RANGE_2000 = 0, BMI2_GYR_RANGE_1000, BMI2_GYR_RANGE_500, BMI2_GYR_RANGE_250, BMI2_GYR_RANGE_125 };
enum { BMI2_ACC_NORMAL_AVG4 = 2, BMI2_GYR_NORMAL_MODE = 2, BMI2_PERF_OPT_MODE = 1 };

struct bmi2_accel_config { uint8_t odr, bwp, filter_perf, range; };
struct bmi2_gyro_config { uint8_t odr, bwp, filter_perf, ois_range, range, noise_perf; };
struct bmi2_sens_config {
  uint8_t type;
  union { bmi2_accel_config acc; bmi2_gyro_config gyr; } cfg;
};
struct bmi2_sens_axes_data { int16_t x, y, z; };
struct bmi2_sens_data {
  bmi2_sens_axes_data acc, gyr;
  uint32_t sens_time;
  uint8_t status;
};
struct bmi2_dev {
  bmi2_accel_config acc;
  bmi2_gyro_config gyr;
  bool has_acc, has_gyr;
};
struct bmm150_dev {};

inline int8_t bmi2_get_sensor_config(bmi2_sens_config *config, uint8_t n, bmi2_dev *dev) {
  if (world::chip.is_absent) return BMI2_E_COM_FAIL;
  for (int i = 0; i < n; i++) {
    if (config[i].type == BMI2_ACCEL) config[i].cfg.acc = dev->acc;
    if (config[i].type == BMI2_GYRO) config[i].cfg.gyr = dev->gyr;
  }
  return BMI2_OK;
}
inline int8_t bmi2_set_sensor_config(bmi2_sens_config *config, uint8_t n, bmi2_dev *dev) {
  if (world::chip.is_absent) return BMI2_E_COM_FAIL;
  for (int i = 0; i < n; i++) {
    if (config[i].type == BMI2_ACCEL) dev->acc = config[i].cfg.acc;
    if (config[i].type == BMI2_GYRO) dev->gyr = config[i].cfg.gyr;
  }
  return BMI2_OK;
}
inline void bmi2_switch(const uint8_t *list, uint8_t n, bmi2_dev *dev, bool is_on) {
  for (int i = 0; i < n; i++) (list[i] == BMI2_ACCEL ? dev->has_acc : dev->has_gyr) = is_on;
  if (dev->has_acc) {
    world::chip.run(25.0 * (1 << (dev->acc.odr - BMI2_ACC_ODR_25HZ)), dev->has_gyr);
  } else {
    world::chip.halt();
  }
}
inline int8_t bmi2_sensor_enable(const uint8_t *list, uint8_t n, bmi2_dev *dev) {
  if (dev->acc.odr != dev->gyr.odr) world::say("fault", "two rates");
  bmi2_switch(list, n, dev, true);
  return BMI2_OK;
}
inline int8_t bmi2_sensor_disable(const uint8_t *list, uint8_t n, bmi2_dev *dev) {
  bmi2_switch(list, n, dev, false);
  return BMI2_OK;
}
inline int8_t bmi2_get_status(uint8_t *status, bmi2_dev *dev) {
  world::chip.touch();
  *status = !world::chip.has_new() ? 0 : dev->has_gyr ? BMI2_DRDY_ACC | BMI2_DRDY_GYR : BMI2_DRDY_ACC;
  return BMI2_OK;
}
inline int8_t bmi2_get_sensor_data(bmi2_sens_data *data, bmi2_dev *dev) {
  world::chip.touch();
  const world::Movement movement = world::chip.take();
  const double acc = 32768.0 / (2 << dev->acc.range), gyr = 32768.0 / (2000 >> dev->gyr.range);
  data->acc = {world::saturated(movement.acc_g[0] * acc), world::saturated(movement.acc_g[1] * acc),
               world::saturated(movement.acc_g[2] * acc)};
  data->gyr = {world::saturated(movement.gyr_dps[0] * gyr), world::saturated(movement.gyr_dps[1] * gyr),
               world::saturated(movement.gyr_dps[2] * gyr)};
  return BMI2_OK;
}

class BoschSensorClass {
 public:
  explicit BoschSensorClass(TwoWire &) {}
  virtual ~BoschSensorClass() {}
  int begin() { return configure_sensor(&bmi2) == BMI2_OK && configure_sensor(&bmm1) == BMI2_OK; }

 protected:
  virtual int8_t configure_sensor(struct bmm150_dev *) { return BMI2_OK; }
  virtual int8_t configure_sensor(struct bmi2_dev *) { return BMI2_OK; }

 private:
  bmi2_dev bmi2 = {};
  bmm150_dev bmm1 = {};
};
