/*
 * A motion sensor for SensorSoma: Arduino Nano 33 BLE Sense Rev2 or Seeed Studio XIAO nRF52840 Sense.
 *
 * How to build it: README.md beside soma_v1.h. What goes over the air: firmware_notes/soma_v1.md.
 *
 * Two threads. One looks after the motion chip and nothing else, so that no sample is missed while the radio is busy.
 * loop() looks after the radio. Between them stands the stream: samples in, frames out, behind one lock.
 *
 * To use another board, write one more board_....h with the same two constants and eight functions.
 */
#if defined(ARDUINO_ARDUINO_NANO33BLE)
#include "board_nano33ble_sense_rev2.h"
#elif defined(ARDUINO_SEEED_XIAO_NRF52840_SENSE)
#include "board_xiao_nrf52840_sense.h"
#elif defined(ARDUINO_Seeed_XIAO_nRF52840_Sense)
#error "Choose the board from the package 'Seeed nRF52 mbed-enabled Boards': ArduinoBLE needs its mbed core."
#else
#error "Choose Arduino Nano 33 BLE (for a Sense Rev2) or Seeed XIAO nRF52840 Sense (mbed-enabled)."
#endif

#include <ArduinoBLE.h>
#include <mbed.h>
#include <rtos.h>

#include "soma_v1.h"

/* A name with the place in it is taken for that place without asking: "Soma right-thigh", "Soma left-thigh",
 * "Soma pelvis". 29 letters at most. */
#ifndef SOMA_NAME
#define SOMA_NAME "Soma"
#endif

const uint8_t FIRMWARE[3] = {1, 0, 0};
const uint16_t N_RATES = sizeof board::RATES_HZ / sizeof board::RATES_HZ[0];
const uint32_t SETTLE_MS = 100;        /* a gyroscope that was just switched on tells nonsense for some tens of ms */
const uint32_t SILENT_US = 1000000;    /* the chip gives nothing for so long: it is started again */
const uint32_t STUCK_MS = 6000;        /* loop() hangs for so long: the board is started again */
const uint32_t REPORT_MS = 1000;       /* frames that have no drop counter: it is told apart from them */
const uint32_t BATTERY_MS = 60000;
const uint32_t BLINK_MS = 125;
const int FRAMES_A_TURN = 4;           /* then commands are heard again */

struct Written {
  size_t length;
  uint8_t bytes[20];
};

enum Wish { WISH_NOTHING, WISH_START, WISH_STOP };

static BLEService somaService(SOMA_V1_SERVICE_UUID);
static BLECharacteristic somaData(SOMA_V1_DATA_UUID, BLENotify, SOMA_V1_MAX_PAYLOAD);
static BLECharacteristic somaControl(SOMA_V1_CONTROL_UUID, BLEWrite, sizeof Written::bytes);
static BLECharacteristic somaInfo(SOMA_V1_INFO_UUID, BLERead, SOMA_V1_INFO_HEADER + 2 * N_RATES);
static BLEService batteryService("180F");
static BLEUnsignedCharCharacteristic batteryLevel("2A19", BLERead | BLENotify);

/* Behind the lock: */
static rtos::Mutex streamLock;
static soma_v1_stream stream;
static bool isStreaming = false;
static Wish wish = WISH_NOTHING;
static soma_v1_settings inUse = {board::OWN_RATE_HZ, 8, 500, 0, 0};
static size_t maxPayload = SOMA_V1_MAX_PAYLOAD;

/* Of loop() alone: */
static Written written[4];
static size_t nWritten = 0;
static bool hasLeft = false;
static bool hasBattery = false;
static bool isBlinking = false;
static uint32_t blinkBeginMs = 0, blinkForMs = 0, reportedMs = 0, batteryReadMs = 0;

static volatile uint32_t loopSeenMs = 0;
static rtos::Thread sampler(osPriorityAboveNormal, 4096);

/* ------------------------------------------------------------------------------------------- the thread of the chip */

/* ArduinoBLE waits without end for a radio that has lost its link with packets under way
 * (https://github.com/arduino-libraries/ArduinoBLE/issues/45). Starting again takes a second. */
static void restartWhenStuck() {
  if ((uint32_t)millis() - loopSeenMs > STUCK_MS) NVIC_SystemReset();
}

static void discardFirstSamples() {
  int16_t acc_lsb[3], gyr_lsb[3];
  const uint32_t beginMs = millis();
  while ((uint32_t)millis() - beginMs < SETTLE_MS) {
    if (board::isReady()) board::read(acc_lsb, gyr_lsb);
    delay(1);
  }
}

/* Obeys the last wish; true while the chip measures. */
static bool fulfilWish(bool isMeasuring, uint32_t &lastUs) {
  streamLock.lock();
  const Wish now = wish;
  const soma_v1_settings use = inUse;
  wish = WISH_NOTHING;
  streamLock.unlock();
  if (now == WISH_NOTHING) return isMeasuring;
  if (now == WISH_STOP) {
    board::stop();
    return false;
  }
  if (!board::start(use)) return false;
  discardFirstSamples();
  lastUs = micros();
  streamLock.lock();
  if (wish == WISH_NOTHING) {  // nobody has changed their mind meanwhile
    soma_v1_begin(&stream, &use, maxPayload);
    isStreaming = true;
  }
  streamLock.unlock();
  return true;
}

/* Reads the sample that waits; false when it is left out. The chip numbers nothing, so samples that it overwrote are counted by the clock. That is
 * exact only from one fresh sample to another: the first one after a delay may be nearly an interval old already, so it
 * is left out and counted with those before it. */
static bool takeIn(uint32_t &lastUs) {
  static bool wasLate = false;
  int16_t acc_lsb[3], gyr_lsb[3];
  if (!board::read(acc_lsb, gyr_lsb)) return false;
  const uint32_t nowUs = micros();
  streamLock.lock();
  const uint32_t missed = stream.taken > 0 ? soma_v1_missed(lastUs, nowUs, stream.interval_us) : 0;
  wasLate = isStreaming && missed > 0 && !wasLate;
  if (!wasLate) {
    if (isStreaming) {
      soma_v1_lose(&stream, missed);
      soma_v1_push(&stream, nowUs, acc_lsb, gyr_lsb);
    }
    lastUs = nowUs;
  }
  streamLock.unlock();
  return !wasLate;
}

static void sampleForever() {
  bool isMeasuring = false;
  uint32_t lastUs = 0;
  for (;;) {
    restartWhenStuck();
    isMeasuring = fulfilWish(isMeasuring, lastUs);
    if (!isMeasuring) {
      delay(10);
    } else if (board::isReady()) {
      const uint32_t intervalMs = 1000u / inUse.rate_hz;
      const bool hasTime = takeIn(lastUs) && intervalMs > 3;
      delay(hasTime ? intervalMs - 2 : 1);  // then every millisecond, so that samples are stamped in time
    } else {
      if ((uint32_t)micros() - lastUs > SILENT_US) {
        board::start(inUse);
        delay(SETTLE_MS);
      }
      delay(1);
    }
  }
}

/* ------------------------------------------------------------------------------------------- the thread of the radio */

static void makeWish(Wish next) {
  streamLock.lock();
  isStreaming = false;
  wish = next;
  streamLock.unlock();
}

static void tellInfo() {
  uint8_t bytes[SOMA_V1_INFO_HEADER + 2 * N_RATES];
  soma_v1_info info;
  memset(&info, 0, sizeof info);
  memcpy(info.firmware, FIRMWARE, sizeof FIRMWARE);
  streamLock.lock();
  info.is_streaming = isStreaming || wish == WISH_START;
  info.rate_chz = (uint16_t)(inUse.rate_hz * 100u);
  info.acc_range_g = inUse.acc_range_g;
  info.gyr_range_dps = inUse.gyr_range_dps;
  info.sent = wish == WISH_START ? 0 : stream.sent;
  info.dropped = wish == WISH_START ? 0 : stream.dropped;
  streamLock.unlock();
  info.has_gyroscope = 1;
  info.rates_hz = board::RATES_HZ;
  info.n_rates = N_RATES;
  somaInfo.writeValue(bytes, (int)soma_v1_pack_info(bytes, sizeof bytes, &info));
}

/* What the chip cannot do changes nothing. ArduinoBLE has acknowledged the write already, so the only answer left is
 * that nothing comes; the client sees it within two seconds. */
static void startAs(soma_v1_settings asked) {
  asked.rate_hz = soma_v1_pick_rate(asked.rate_hz, board::RATES_HZ, N_RATES, board::OWN_RATE_HZ);
  if (asked.rate_hz == 0 || !board::canDo(asked)) return;
  streamLock.lock();
  inUse = asked;
  streamLock.unlock();
  makeWish(WISH_START);
}

static void identify(uint8_t seconds) {
  blinkBeginMs = millis();
  blinkForMs = 1000u * seconds;
  isBlinking = true;
}

static void obeyCommands() {
  soma_v1_command command;
  for (size_t i = 0; i < nWritten; i++) {
    switch (soma_v1_parse_command(written[i].bytes, written[i].length, &command)) {
      case SOMA_V1_START: startAs(command.settings); break;
      case SOMA_V1_STOP: makeWish(WISH_STOP); break;
      case SOMA_V1_IDENTIFY: identify(command.seconds); break;
      case SOMA_V1_REFUSED: break;
    }
  }
  nWritten = 0;
}

/* Sends one waiting frame; false when there is none. */
static bool sendFrame() {
  uint8_t bytes[SOMA_V1_MAX_PAYLOAD];
  size_t length = 0;
  streamLock.lock();
  const uint8_t *next = isStreaming ? soma_v1_next(&stream, &length) : NULL;
  if (next != NULL) memcpy(bytes, next, length);
  streamLock.unlock();
  if (next == NULL || !somaData.subscribed()) return false;

  const int n = somaData.writeValue(bytes, (int)length);  // waits until the radio has room
  const bool isCut = n >= SOMA_V1_SHORT_PAYLOAD && (size_t)n < length;
  streamLock.lock();
  soma_v1_took(&stream, n > 0 && !isCut);
  if (isCut) {  // the library cuts what the link does not hold, and says so: the MTU is n + 3
    maxPayload = (size_t)n;
    soma_v1_fit(&stream, maxPayload);
  }
  streamLock.unlock();
  return true;
}

static void sendFrames() {
  for (int i = 0; i < FRAMES_A_TURN && sendFrame(); i++) {
  }
  if ((uint32_t)millis() - reportedMs < REPORT_MS) return;
  reportedMs = millis();
  streamLock.lock();
  if (isStreaming && stream.is_short) soma_v1_report(&stream, micros(), 0);
  streamLock.unlock();
}

static void blink() {
  if (!isBlinking) return;
  const uint32_t ms = (uint32_t)millis() - blinkBeginMs;
  isBlinking = ms < blinkForMs;
  board::light(isBlinking && ms / BLINK_MS % 2 == 0);
}

static void tellBattery() {
  if (!hasBattery || (uint32_t)millis() - batteryReadMs < BATTERY_MS) return;
  batteryReadMs = millis();
  const int percent = board::batteryPercent();
  if (percent >= 0) batteryLevel.writeValue((uint8_t)percent);
}

/* These are called from inside ArduinoBLE, so they only note down. */

static void onControlWritten(BLEDevice, BLECharacteristic from) {
  if (nWritten >= sizeof written / sizeof written[0]) return;
  Written &to = written[nWritten++];
  to.length = (size_t)from.valueLength();
  if (to.length > sizeof to.bytes) to.length = sizeof to.bytes;
  memcpy(to.bytes, from.value(), to.length);
}

static void onInfoRead(BLEDevice, BLECharacteristic) {
  tellInfo();
}

static void onDisconnected(BLEDevice) {
  hasLeft = true;
  nWritten = 0;
}

static void blinkForever() {
  for (;;) {
    board::light(true);
    delay(60);
    board::light(false);
    delay(240);
  }
}

void setup() {
  if (!board::begin()) blinkForever();
  if (!BLE.begin()) blinkForever();
  BLE.setLocalName(SOMA_NAME);
  BLE.setDeviceName(SOMA_NAME);
  BLE.setAdvertisedService(somaService);
  BLE.setConnectionInterval(12, 24);  // 15 to 30 ms
  BLE.setEventHandler(BLEDisconnected, onDisconnected);
  somaControl.setEventHandler(BLEWritten, onControlWritten);
  somaInfo.setEventHandler(BLERead, onInfoRead);
  somaService.addCharacteristic(somaData);
  somaService.addCharacteristic(somaControl);
  somaService.addCharacteristic(somaInfo);
  BLE.addService(somaService);
  const int percent = board::batteryPercent();
  hasBattery = percent >= 0;
  if (hasBattery) {
    batteryService.addCharacteristic(batteryLevel);
    BLE.addService(batteryService);
    batteryLevel.writeValue((uint8_t)percent);
  }
  tellInfo();
  BLE.advertise();
  loopSeenMs = millis();
  sampler.start(sampleForever);
}

void loop() {
  loopSeenMs = millis();
  BLE.poll();
  if (hasLeft) {  // the library advertises again by itself
    hasLeft = false;
    maxPayload = SOMA_V1_MAX_PAYLOAD;
    makeWish(WISH_STOP);
  }
  obeyCommands();
  sendFrames();
  blink();
  tellBattery();
  delay(1);
}
