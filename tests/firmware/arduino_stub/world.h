// What surrounds the sketch in the tests: a clock that only moves when somebody waits, a chip that measures a known
// movement, and a client at the other end of a link. None of it is Arduino's; only names and signatures are.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace world {

// ---- time: one runs at a time, and goes on until it waits
uint64_t now_us();
void wait_us(uint64_t us);
void spawn(std::function<void()> task);
void end();

// ---- the line of what happened, read by the tests: milliseconds, a word, the rest
void say(const char *word, const std::string &rest = "");
std::string hex(const uint8_t *bytes, size_t n);

// ---- the chip: sample k of a run holds a movement that tells k
struct Movement {
  double acc_g[3];
  double gyr_dps[3];
};

class Chip {
 public:
  bool is_absent = false;
  void run(double rate_hz, bool has_gyro);
  void halt();
  bool is_running() const { return rate_hz_ > 0; }
  bool has_new();
  Movement take();  // the newest sample, and the flag is gone
  void touch();     // every access to the bus takes time, now and then very much

  uint64_t slow_from_us = UINT64_MAX, slow_for_us = 0;

 private:
  int64_t newest() const;
  double rate_hz_ = 0;
  bool has_gyro_ = false;
  uint64_t begin_us_ = 0;
  int64_t last_ = -1;
};
extern Chip chip;
int16_t saturated(double value);

// ---- pins
void pin(int number, int level);
extern int battery_mv;

// ---- the client
void poll();                                          // what it did until now reaches the sketch
int notify(const std::string &uuid, const uint8_t *bytes, int n);  // waits while the radio has no room

}  // namespace world
