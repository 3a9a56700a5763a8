// Stand-in: a thread is a task of the world, a lock only checks that it is used as one.
#pragma once
#include "mbed.h"

enum osPriority { osPriorityNormal = 24, osPriorityAboveNormal = 32 };

namespace rtos {

class Mutex {
 public:
  void lock() {
    while (held_) world::wait_us(10);
    held_ = true;
  }
  void unlock() {
    if (!held_) world::say("fault", "unlocked what was not locked");
    held_ = false;
  }

 private:
  bool held_ = false;
};

class Thread {
 public:
  explicit Thread(osPriority = osPriorityNormal, uint32_t = 4096, unsigned char * = nullptr, const char * = nullptr) {}
  int start(mbed::Callback<void()> task) {
    world::spawn(task);
    return 0;
  }
};

}  // namespace rtos
