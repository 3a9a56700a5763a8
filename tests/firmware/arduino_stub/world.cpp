// Runs the sketch against a script on standard input, lines of "MILLISECONDS WORD ARGUMENT", and says what happened.
//
//   connect MTU · subscribe · write HEX · read (the info record) · disconnect · end
//   stall MS: the radio has no room for so long · stuck: it never has again
//   slow MS: the next access to the chip takes so long · battery MV · absent: there is no chip
#include "world.h"

#include <ucontext.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "ArduinoBLE.h"
#include "Wire.h"

void setup();
void loop();

namespace world {

// ------------------------------------------------------------------------------------------------------------- time

const uint64_t POWER_ON_US = (1ull << 32) - 4000000;  // micros() wraps in the fourth second

struct Task {
  ucontext_t context;
  uint64_t wake_us = 0;
  std::function<void()> run;
  std::vector<char> stack;
};
static std::vector<std::unique_ptr<Task>> tasks;
static size_t current = 0;
static uint64_t clock_us = 0, end_us = UINT64_MAX;

uint64_t now_us() { return clock_us; }

void end() {
  fflush(stdout);
  _Exit(0);
}

void wait_us(uint64_t us) {
  const size_t me = current;
  tasks[me]->wake_us = clock_us + us;
  size_t next = me;
  for (size_t i = 0; i < tasks.size(); i++)
    if (tasks[i]->wake_us <= tasks[next]->wake_us && i != me) next = i;
  if (tasks[next]->wake_us > clock_us) clock_us = tasks[next]->wake_us;
  if (clock_us >= end_us) end();
  if (next == me) return;
  current = next;
  swapcontext(&tasks[me]->context, &tasks[next]->context);
}

static void run_current() {
  tasks[current]->run();
  end();
}

void spawn(std::function<void()> task) {
  tasks.emplace_back(new Task);
  Task &one = *tasks.back();
  one.run = task;
  one.wake_us = clock_us;
  one.stack.resize(256 * 1024);
  getcontext(&one.context);
  one.context.uc_stack.ss_sp = one.stack.data();
  one.context.uc_stack.ss_size = one.stack.size();
  one.context.uc_link = nullptr;
  makecontext(&one.context, run_current, 0);
}

void say(const char *word, const std::string &rest) {
  printf("%llu %s %s\n", (unsigned long long)(clock_us / 1000), word, rest.c_str());
}

std::string hex(const uint8_t *bytes, size_t n) {
  std::string out;
  char two[3];
  for (size_t i = 0; i < n; i++) {
    snprintf(two, sizeof two, "%02x", bytes[i]);
    out += two;
  }
  return out;
}

// ------------------------------------------------------------------------------------------------------------- chip

const uint64_t UNSETTLED_US = 80000;
Chip chip;

int16_t saturated(double value) { return (int16_t)std::lrint(std::fmax(-32768, std::fmin(32767, value))); }

void Chip::run(double rate_hz, bool has_gyro) {
  rate_hz_ = rate_hz;
  has_gyro_ = has_gyro;
  begin_us_ = clock_us;
  last_ = -1;
}

void Chip::halt() { rate_hz_ = 0; }

int64_t Chip::newest() const {
  return rate_hz_ > 0 ? (int64_t)std::floor((double)(clock_us - begin_us_) * rate_hz_ / 1e6) - 1 : -1;
}

bool Chip::has_new() { return newest() > last_; }

Movement Chip::take() {
  const int64_t k = last_ = newest();
  const bool is_wild = clock_us - begin_us_ < UNSETTLED_US;
  Movement out = {{(double)(k % 300 - 150) / 250, (double)(k / 300) / 250, 1.0},
                  {(double)(k % 400 - 200), 10.0, -450.0}};
  if (!has_gyro_) out.gyr_dps[0] = out.gyr_dps[1] = out.gyr_dps[2] = 0;
  if (is_wild) out.gyr_dps[1] = 9999;
  return out;
}

void Chip::touch() {
  const bool is_slow = clock_us >= slow_from_us;
  if (is_slow) slow_from_us = UINT64_MAX;
  wait_us(is_slow ? slow_for_us : 150);
}

// ------------------------------------------------------------------------------------------------------------- pins

int battery_mv = 0;

void pin(int number, int level) {
  static int levels[2000];  // one more than the level that was set last
  if (levels[number] == level + 1) return;
  levels[number] = level + 1;
  say("pin", std::to_string(number) + " " + std::to_string(level));
}

// ----------------------------------------------------------------------------------------------------------- client

struct Event {
  uint64_t at_ms;
  std::string word, argument;
};
static std::deque<Event> script;
static std::vector<Attribute *> attributes;
static bool is_connected = false;
static int mtu = 23;
static uint64_t room_at_us = 0;

static Attribute *find(const std::string &beginning) {
  for (Attribute *one : attributes)
    if (one->uuid.compare(0, beginning.size(), beginning) == 0) return one;
  say("fault", "no characteristic " + beginning);
  end();
  return nullptr;
}

static BLECharacteristic handle(Attribute *attribute) {
  BLECharacteristic out("", 0, 0);
  delete out.attribute_;
  out.attribute_ = attribute;
  return out;
}

static void happen(const Event &event) {
  Attribute *control = attributes.empty() ? nullptr : find("44c20003");
  if (event.word == "connect") {
    is_connected = true;
    mtu = std::stoi(event.argument);
  } else if (event.word == "subscribe") {
    find("44c20002")->is_subscribed = true;
  } else if (event.word == "write") {
    control->value.clear();
    for (size_t i = 0; i + 1 < event.argument.size() && control->value.size() < control->size; i += 2)
      control->value.push_back((uint8_t)std::stoi(event.argument.substr(i, 2), nullptr, 16));
    if (control->handlers[BLEWritten]) control->handlers[BLEWritten](BLEDevice(), handle(control));
  } else if (event.word == "read") {
    Attribute *info = find("44c20004");
    const size_t length = info->value.size();
    if (info->handlers[BLERead]) info->handlers[BLERead](BLEDevice(), handle(info));
    say("info", hex(info->value.data(), length));
  } else if (event.word == "disconnect") {
    is_connected = false;
    mtu = 23;
    for (Attribute *one : attributes) one->is_subscribed = false;
    if (BLE.handlers[BLEDisconnected]) BLE.handlers[BLEDisconnected](BLEDevice());
  } else if (event.word == "stall") {
    room_at_us = clock_us + 1000 * std::stoull(event.argument);
  } else if (event.word == "stuck") {
    room_at_us = UINT64_MAX;
  } else if (event.word == "slow") {
    chip.slow_from_us = clock_us;
    chip.slow_for_us = 1000 * std::stoull(event.argument);
  } else if (event.word == "battery") {
    battery_mv = std::stoi(event.argument);
  } else if (event.word == "absent") {
    chip.is_absent = true;
  } else {
    say("fault", "no such event: " + event.word);
  }
}

void poll() {
  while (!script.empty() && script.front().at_ms * 1000 <= clock_us) {
    const Event event = script.front();
    script.pop_front();
    happen(event);
  }
}

int notify(const std::string &uuid, const uint8_t *bytes, int n) {
  while (clock_us < room_at_us) {
    wait_us(1000);
    poll();
  }
  if (!is_connected) return 0;
  const int sent = std::min(n, mtu - 3);
  say(uuid == "2A19" ? "battery" : "frame", hex(bytes, (size_t)sent));
  return sent;
}

static void read_script() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    Event event;
    if (!(words >> event.at_ms >> event.word)) continue;
    words >> event.argument;
    if (event.word == "end") {
      end_us = event.at_ms * 1000;
    } else {
      script.push_back(event);
    }
  }
}

}  // namespace world

// ---------------------------------------------------------------------------------------------------------- Arduino

TwoWire Wire, Wire1;
static BLELocalDevice local;
BLELocalDevice &BLE = local;

unsigned long millis() { return (unsigned long)(world::now_us() / 1000); }
unsigned long micros() { return (uint32_t)(world::POWER_ON_US + world::now_us()); }
void delay(unsigned long ms) { world::wait_us(1000 * (uint64_t)ms); }
void pinMode(unsigned, PinMode) {}
void pinMode(PinName, PinMode) {}
void digitalWrite(unsigned number, int level) { world::pin((int)number, level); }
void digitalWrite(PinName number, int level) { world::pin((int)number, level); }
static int bits = 10;
static double full_scale_mv = 3300;
void analogReadResolution(int n) { bits = n; }
#if defined(ARDUINO_SEEED_XIAO_NRF52840_SENSE)
void analogReference(uint8_t mode) { full_scale_mv = mode == AR_INTERNAL2V4 ? 2400 : 3300; }
#endif
int analogRead(PinName) {
  return (int)(std::min(1.0, world::battery_mv * 510.0 / 1510.0 / full_scale_mv) * ((1 << bits) - 1));
}
void NVIC_SystemReset() {
  world::say("reset");
  world::end();
}

BLECharacteristic::BLECharacteristic(const char *uuid, uint16_t properties, int valueSize, bool)
    : attribute_(new Attribute) {
  attribute_->uuid = uuid;
  attribute_->properties = properties;
  attribute_->size = (size_t)valueSize;
}

int BLECharacteristic::writeValue(const uint8_t value[], int length) {
  const int n = std::min(length, (int)attribute_->size);
  attribute_->value.assign(value, value + n);
  if (!(attribute_->properties & BLENotify) || !attribute_->is_subscribed) {
    if (attribute_->uuid == "2A19") world::say("battery", world::hex(value, (size_t)n));
    return 1;
  }
  return world::notify(attribute_->uuid, value, n);
}

void BLELocalDevice::addService(BLEService &service) {
  for (Attribute *one : service.attributes) world::attributes.push_back(one);
  world::say("service", service.uuid);
}

int BLELocalDevice::advertise() {
  world::say("advertise", advertised_ + " " + name_);
  return 1;
}

int main() {
  world::tasks.emplace_back(new world::Task);
  world::read_script();
  while (!world::script.empty() && world::script.front().at_ms == 0) world::poll();
  setup();
  for (;;) loop();
}
