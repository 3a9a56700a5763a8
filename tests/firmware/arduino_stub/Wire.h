// Stand-in: the bus itself is inside the stand-ins of the chips.
#pragma once
#include "Arduino.h"

class TwoWire {
 public:
  void begin() {}
  void setClock(uint32_t) {}
};
extern TwoWire Wire, Wire1;
