// Stand-in: the part of ArduinoBLE that the sketch uses, with what its source says about return values and handlers:
// a notification is cut to what the link holds and the cut length returned; 1 when nobody has subscribed; written
// values are cut to the size of the characteristic; handlers are called from inside poll() and writeValue().
#pragma once

#include <string>
#include <vector>

#include "Arduino.h"

enum BLEProperty { BLERead = 0x02, BLEWrite = 0x08, BLENotify = 0x10 };
enum BLEDeviceEvent { BLEConnected = 0, BLEDisconnected = 1 };
enum BLECharacteristicEvent { BLESubscribed = 0, BLEUnsubscribed = 1, BLEWritten = 3 };

class BLEDevice {};
class BLECharacteristic;
typedef void (*BLEDeviceEventHandler)(BLEDevice device);
typedef void (*BLECharacteristicEventHandler)(BLEDevice device, BLECharacteristic characteristic);

struct Attribute {
  std::string uuid;
  unsigned properties;
  size_t size;
  std::vector<uint8_t> value;
  bool is_subscribed = false;
  BLECharacteristicEventHandler handlers[4] = {};
};

class BLECharacteristic {
 public:
  BLECharacteristic(const char *uuid, uint16_t properties, int valueSize, bool fixedLength = false);
  int writeValue(const uint8_t value[], int length);
  bool subscribed() { return attribute_->is_subscribed; }
  const uint8_t *value() const { return attribute_->value.data(); }
  int valueLength() const { return (int)attribute_->value.size(); }
  void setEventHandler(int event, BLECharacteristicEventHandler handler) { attribute_->handlers[event] = handler; }
  Attribute *attribute_;
};

class BLEUnsignedCharCharacteristic : public BLECharacteristic {
 public:
  BLEUnsignedCharCharacteristic(const char *uuid, unsigned properties) : BLECharacteristic(uuid, properties, 1) {}
  int writeValue(uint8_t value) { return BLECharacteristic::writeValue(&value, 1); }
};

class BLEService {
 public:
  explicit BLEService(const char *uuid) : uuid(uuid) {}
  void addCharacteristic(BLECharacteristic &one) { attributes.push_back(one.attribute_); }
  std::string uuid;
  std::vector<Attribute *> attributes;
};

class BLELocalDevice {
 public:
  int begin() { return 1; }
  void poll() { world::poll(); }
  void setLocalName(const char *name) { name_ = name; }
  void setDeviceName(const char *) {}
  void setAdvertisedService(const BLEService &service) { advertised_ = service.uuid; }
  void setConnectionInterval(uint16_t, uint16_t) {}
  void setEventHandler(BLEDeviceEvent event, BLEDeviceEventHandler handler) { handlers[event] = handler; }
  void addService(BLEService &service);
  int advertise();
  BLEDeviceEventHandler handlers[2] = {};

 private:
  std::string name_, advertised_;
};
extern BLELocalDevice &BLE;
