/*
 * soma_v1.h: frames of the soma_v1 profile, for the firmware of a motion sensor.
 *
 * The profile is described byte by byte in firmware_notes/soma_v1.md. This file needs a C99 or C++11 compiler and
 * nothing else: no malloc, no floating point, no operating system, no radio. All bytes are placed one by one, so
 * they are little-endian on any processor.
 *
 * What firmware does with it:
 *
 *     static soma_v1_stream stream;
 *
 *     a command was written    if (soma_v1_parse_command(bytes, length, &command) == SOMA_V1_START) ...
 *     it is one you can obey   soma_v1_begin(&stream, &settings, mtu - 3);
 *     the chip has a sample    soma_v1_push(&stream, now_us, acc_lsb, gyr_lsb);
 *     the chip had n samples that nobody read in time
 *                              soma_v1_lose(&stream, n);
 *     the radio has room       bytes = soma_v1_next(&stream, &length);
 *                              if (bytes) soma_v1_took(&stream, notify(bytes, length));
 *
 * Nothing here locks. If samples are taken in an interrupt or in another thread than the one that sends, guard
 * every call on the same stream.
 *
 * MIT licence, as the rest of SensorSoma.
 */
#ifndef SOMA_V1_H
#define SOMA_V1_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOMA_V1_SERVICE_UUID "44c20001-5008-481f-8c37-4a10ccfe3a41"
#define SOMA_V1_DATA_UUID "44c20002-5008-481f-8c37-4a10ccfe3a41"
#define SOMA_V1_CONTROL_UUID "44c20003-5008-481f-8c37-4a10ccfe3a41"
#define SOMA_V1_INFO_UUID "44c20004-5008-481f-8c37-4a10ccfe3a41"

/* The longest notification that is ever made: 244 bytes, what MTU 247 holds. */
#ifndef SOMA_V1_MAX_PAYLOAD
#define SOMA_V1_MAX_PAYLOAD 244
#endif

/* Frames that wait for the radio; with 50 ms in a frame 32 of them last 1.6 s. Memory: about 250 bytes each. */
#ifndef SOMA_V1_QUEUE_FRAMES
#define SOMA_V1_QUEUE_FRAMES 32
#endif

#if SOMA_V1_MAX_PAYLOAD < 20 || SOMA_V1_MAX_PAYLOAD > 512
#error "SOMA_V1_MAX_PAYLOAD must be from 20 (MTU 23) to 512, the longest value of a characteristic"
#endif
#if SOMA_V1_QUEUE_FRAMES < 1
#error "SOMA_V1_QUEUE_FRAMES must be at least 1"
#endif

enum {
    SOMA_V1_VERSION = 1,
    SOMA_V1_FLAG_ACC_ONLY = 0x08,
    SOMA_V1_FLAG_LONG = 0x10,
    SOMA_V1_FLAG_FIRST = 0x20,
    SOMA_V1_FLAG_LAST = 0x40,

    SOMA_V1_SHORT_HEADER = 8,
    SOMA_V1_LONG_HEADER = 12,
    SOMA_V1_SHORT_PAYLOAD = 20, /* MTU 23: no link holds less */
    SOMA_V1_BATCHES_PER_S = 20, /* a frame is full after about 50 ms when the client does not say otherwise */
    SOMA_V1_INFO_HEADER = 20
};

/* ------------------------------------------------------------------------------------------------ numbers, bytes */

static inline void soma_v1_put_u16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value & 0xffu);
    out[1] = (uint8_t)(value >> 8);
}

static inline void soma_v1_put_u32(uint8_t *out, uint32_t value)
{
    soma_v1_put_u16(out, (uint16_t)(value & 0xffffu));
    soma_v1_put_u16(out + 2, (uint16_t)(value >> 16));
}

static inline uint16_t soma_v1_get_u16(const uint8_t *in)
{
    return (uint16_t)(in[0] | (uint16_t)(in[1] << 8));
}

/* value * numerator / denominator, rounded, and held at the ends of the range: saturate, never wrap.
 * For a chip whose full scale is not the range on its box. denominator must be above 0. */
static inline int16_t soma_v1_scaled(int16_t value, int32_t numerator, int32_t denominator)
{
    const int64_t product = (int64_t)value * numerator;
    const int64_t half = denominator / 2;
    const int64_t scaled = (product >= 0 ? product + half : product - half) / denominator;
    if (scaled > INT16_MAX) return INT16_MAX;
    if (scaled < INT16_MIN) return INT16_MIN;
    return (int16_t)scaled;
}

/* How many samples were missed between two that were read, by the clock: 0 when they are neighbours. Times may wrap. */
static inline uint32_t soma_v1_missed(uint32_t last_us, uint32_t now_us, uint32_t interval_us)
{
    const uint32_t steps = (uint32_t)(now_us - last_us + interval_us / 2u) / interval_us;
    return steps > 1u ? steps - 1u : 0u;
}

/* --------------------------------------------------------------------------------------------------------- frames */

typedef struct {
    uint8_t n;            /* samples in the frame; 1 in a short frame */
    uint16_t number;      /* number of the first sample since the start command, modulo 65536 */
    uint32_t first_us;    /* the sensor's clock at the first sample, modulo 2^32 */
    uint16_t interval_us; /* mean time between neighbouring samples; long frames only */
    uint16_t dropped;     /* samples dropped since the start command, modulo 65536; long frames only */
    uint8_t is_long;
    uint8_t is_acc_only;
    uint8_t is_first;
    uint8_t is_last;
} soma_v1_header;

/* Writes 8 bytes (short) or 12 (long) and returns how many. */
static inline size_t soma_v1_pack_header(uint8_t *out, const soma_v1_header *header)
{
    out[0] = (uint8_t)(SOMA_V1_VERSION | (header->is_acc_only ? SOMA_V1_FLAG_ACC_ONLY : 0) |
                       (header->is_long ? SOMA_V1_FLAG_LONG : 0) | (header->is_first ? SOMA_V1_FLAG_FIRST : 0) |
                       (header->is_last ? SOMA_V1_FLAG_LAST : 0));
    out[1] = header->n;
    soma_v1_put_u16(out + 2, header->number);
    soma_v1_put_u32(out + 4, header->first_us);
    if (!header->is_long) return SOMA_V1_SHORT_HEADER;
    soma_v1_put_u16(out + 8, header->interval_us);
    soma_v1_put_u16(out + 10, header->dropped);
    return SOMA_V1_LONG_HEADER;
}

/* Writes one sample, 12 bytes, or 6 when gyr_lsb is NULL (accelerometer only), and returns how many.
 * Full scale 32768 is the range: acceleration as specific force, +1 g on the axis that points up at rest;
 * angular rate right-handed about the same axes. */
static inline size_t soma_v1_pack_sample(uint8_t *out, const int16_t acc_lsb[3], const int16_t *gyr_lsb)
{
    int i;
    for (i = 0; i < 3; i++) soma_v1_put_u16(out + 2 * i, (uint16_t)acc_lsb[i]);
    if (gyr_lsb == NULL) return 6;
    for (i = 0; i < 3; i++) soma_v1_put_u16(out + 6 + 2 * i, (uint16_t)gyr_lsb[i]);
    return 12;
}

/* ------------------------------------------------------------------------------------------------------- commands */

typedef enum {
    SOMA_V1_REFUSED = 0, /* not a command: answer ATT error 0x13, change nothing */
    SOMA_V1_START = 1,
    SOMA_V1_STOP = 2,
    SOMA_V1_IDENTIFY = 3
} soma_v1_opcode;

typedef struct {
    uint16_t rate_hz; /* 0 in a command: your choice */
    uint8_t acc_range_g;
    uint16_t gyr_range_dps;
    uint8_t samples_per_frame; /* 0: your choice */
    uint8_t is_acc_only;
} soma_v1_settings;

typedef struct {
    soma_v1_opcode opcode;
    soma_v1_settings settings; /* of a start command */
    uint8_t seconds;           /* of an identify command */
} soma_v1_command;

/* Reads what was written to the control characteristic. Whether the chip can do it is yours to say. */
static inline soma_v1_opcode soma_v1_parse_command(const uint8_t *bytes, size_t length, soma_v1_command *command)
{
    memset(command, 0, sizeof *command);
    if (length == 8 && bytes[0] == SOMA_V1_START) {
        command->settings.rate_hz = soma_v1_get_u16(bytes + 1);
        command->settings.acc_range_g = bytes[3];
        command->settings.gyr_range_dps = soma_v1_get_u16(bytes + 4);
        command->settings.samples_per_frame = bytes[6];
        command->settings.is_acc_only = (uint8_t)(bytes[7] & 1u);
        command->opcode = SOMA_V1_START;
    } else if (length == 1 && bytes[0] == SOMA_V1_STOP) {
        command->opcode = SOMA_V1_STOP;
    } else if (length == 2 && bytes[0] == SOMA_V1_IDENTIFY) {
        command->seconds = bytes[1];
        command->opcode = SOMA_V1_IDENTIFY;
    }
    return command->opcode;
}

/* The rate of the chip that answers a request: `own` for 0, else the nearest one within 5 % (100 for 104, 26 for 25).
 * Returns 0 when there is none: refuse the command. */
static inline uint16_t soma_v1_pick_rate(uint16_t asked_hz, const uint16_t *rates_hz, size_t n, uint16_t own_hz)
{
    uint16_t best_hz = 0;
    uint32_t best_off = UINT32_MAX;
    size_t i;
    if (asked_hz == 0) return own_hz;
    for (i = 0; i < n; i++) {
        const uint32_t off = rates_hz[i] > asked_hz ? (uint32_t)rates_hz[i] - asked_hz : (uint32_t)asked_hz - rates_hz[i];
        if (off < best_off && off * 20u <= asked_hz) {
            best_off = off;
            best_hz = rates_hz[i];
        }
    }
    return best_hz;
}

/* ----------------------------------------------------------------------------------------------------------- info */

typedef struct {
    uint8_t firmware[3]; /* major, minor, patch */
    uint8_t is_streaming;
    uint8_t is_through; /* everything has been sent (a played file) */
    uint8_t has_gyroscope;
    uint16_t rate_chz; /* in use, 0.01 Hz */
    uint16_t acc_range_g;
    uint16_t gyr_range_dps;
    uint32_t sent;    /* samples since the start command */
    uint32_t dropped; /* samples since the start command */
    const uint16_t *rates_hz;
    uint8_t n_rates;
} soma_v1_info;

/* Writes the information record, 20 bytes and 2 for each rate, and returns how many; 0 when `size` is too small. */
static inline size_t soma_v1_pack_info(uint8_t *out, size_t size, const soma_v1_info *info)
{
    const size_t length = (size_t)SOMA_V1_INFO_HEADER + 2u * (size_t)info->n_rates;
    size_t i;
    if (size < length) return 0;
    out[0] = SOMA_V1_VERSION;
    out[1] = (uint8_t)((info->is_streaming ? 1 : 0) | (info->is_through ? 2 : 0) | (info->has_gyroscope ? 4 : 0));
    memcpy(out + 2, info->firmware, 3);
    soma_v1_put_u16(out + 5, info->rate_chz);
    soma_v1_put_u16(out + 7, info->acc_range_g);
    soma_v1_put_u16(out + 9, info->gyr_range_dps);
    soma_v1_put_u32(out + 11, info->sent);
    soma_v1_put_u32(out + 15, info->dropped);
    out[19] = info->n_rates;
    for (i = 0; i < info->n_rates; i++) soma_v1_put_u16(out + SOMA_V1_INFO_HEADER + 2 * i, info->rates_hz[i]);
    return length;
}

/* --------------------------------------------------------------------------------------------------------- stream */

typedef struct {
    uint16_t length;
    uint8_t bytes[SOMA_V1_MAX_PAYLOAD];
} soma_v1_frame;

/* Between a start command and the next: a batch that grows into a frame, and frames that wait for the radio. */
typedef struct {
    soma_v1_settings settings; /* in use */
    uint16_t max_payload;      /* what one notification holds */
    uint8_t is_short;          /* the link holds one sample without interval and drop counter */
    uint8_t n_per_frame;
    uint32_t interval_us; /* nominal */

    uint32_t taken;   /* samples that the chip has taken since the start command; the number of the next one */
    uint32_t sent;    /* samples handed to the radio */
    uint32_t dropped; /* samples thrown away, or never read */
    uint8_t is_first_out; /* a frame has gone out since the start command */

    soma_v1_frame batch; /* its bytes are the samples only; the header is put before them when it closes */
    uint8_t n_batch;
    uint32_t first_us, last_us; /* of the batch */

    soma_v1_frame queue[SOMA_V1_QUEUE_FRAMES];
    uint16_t head, n_queued;
} soma_v1_stream;

static inline size_t soma_v1_sample_size(const soma_v1_stream *stream)
{
    return stream->settings.is_acc_only ? 6u : 12u;
}

/* Shapes frames for what the link holds. */
static inline void soma_v1_shape(soma_v1_stream *stream, size_t max_payload)
{
    const size_t size = soma_v1_sample_size(stream);
    size_t wanted = stream->settings.samples_per_frame, fits = 1;
    if (max_payload > SOMA_V1_MAX_PAYLOAD) max_payload = SOMA_V1_MAX_PAYLOAD;
    if (max_payload < SOMA_V1_SHORT_PAYLOAD) max_payload = SOMA_V1_SHORT_PAYLOAD;
    stream->max_payload = (uint16_t)max_payload;
    stream->is_short = max_payload < SOMA_V1_LONG_HEADER + size;
    if (!stream->is_short) fits = (max_payload - SOMA_V1_LONG_HEADER) / size;
    if (wanted == 0) wanted = (stream->settings.rate_hz + SOMA_V1_BATCHES_PER_S / 2u) / SOMA_V1_BATCHES_PER_S;
    if (wanted > fits) wanted = fits;
    stream->n_per_frame = (uint8_t)(wanted < 1u ? 1u : wanted > 255u ? 255u : wanted);
}

/* Starts afresh: number, sent and dropped begin at 0. settings->rate_hz is the rate of the chip, above 0;
 * max_payload is the MTU minus 3. */
static inline void soma_v1_begin(soma_v1_stream *stream, const soma_v1_settings *settings, size_t max_payload)
{
    memset(stream, 0, sizeof *stream);
    stream->settings = *settings;
    stream->interval_us = (1000000u + settings->rate_hz / 2u) / settings->rate_hz;
    if (stream->interval_us > 0xffffu) stream->interval_us = 0xffffu; /* its field is no wider: 16 Hz and more */
    soma_v1_shape(stream, max_payload);
}

/* A place at the end of the queue; NULL when it is full. */
static inline soma_v1_frame *soma_v1_place(soma_v1_stream *stream)
{
    soma_v1_frame *frame;
    if (stream->n_queued >= SOMA_V1_QUEUE_FRAMES) return NULL;
    frame = &stream->queue[(stream->head + stream->n_queued) % SOMA_V1_QUEUE_FRAMES];
    stream->n_queued++;
    return frame;
}

/* Turns the batch into a frame that waits, or drops it when the queue is full; a new batch begins. */
static inline void soma_v1_close(soma_v1_stream *stream)
{
    const uint8_t n = stream->n_batch;
    uint32_t interval_us = stream->interval_us;
    soma_v1_header header;
    soma_v1_frame *frame;
    size_t begin;
    if (n == 0) return;
    stream->n_batch = 0;
    frame = soma_v1_place(stream);
    if (frame == NULL) {
        stream->dropped += n;
        return;
    }
    if (n > 1) {
        const uint32_t steps = (uint32_t)(n - 1);
        interval_us = (uint32_t)(stream->last_us - stream->first_us + steps / 2u) / steps;
    }
    memset(&header, 0, sizeof header);
    header.n = n;
    header.number = (uint16_t)((stream->taken - n) & 0xffffu);
    header.first_us = stream->first_us;
    header.interval_us = (uint16_t)(interval_us < 1u ? 1u : interval_us);
    header.dropped = (uint16_t)(stream->dropped & 0xffffu);
    header.is_long = !stream->is_short;
    header.is_acc_only = stream->settings.is_acc_only;
    begin = soma_v1_pack_header(frame->bytes, &header);
    memcpy(frame->bytes + begin, stream->batch.bytes, stream->batch.length);
    frame->length = (uint16_t)(begin + stream->batch.length);
}

/* Takes a sample in. now_us is your clock at the moment of sampling: it runs since power-on and may wrap.
 * gyr_lsb is not looked at in an accelerometer-only stream; a chip without gyroscope begins every stream as one. */
static inline void soma_v1_push(soma_v1_stream *stream, uint32_t now_us, const int16_t acc_lsb[3],
                                const int16_t *gyr_lsb)
{
    const uint32_t step_us = (uint32_t)(now_us - stream->last_us);
    /* one mean interval of 16 bits cannot tell of a hole in time, so a frame ends before it */
    if (stream->n_batch > 0 && (step_us > stream->interval_us / 2u * 5u || step_us > 0xffffu)) soma_v1_close(stream);
    if (stream->n_batch == 0) {
        stream->batch.length = 0;
        stream->first_us = now_us;
    }
    stream->batch.length = (uint16_t)(stream->batch.length +
        soma_v1_pack_sample(stream->batch.bytes + stream->batch.length, acc_lsb,
                            stream->settings.is_acc_only ? NULL : gyr_lsb));
    stream->last_us = now_us;
    stream->n_batch++;
    stream->taken++;
    if (stream->n_batch >= stream->n_per_frame) soma_v1_close(stream);
}

/* Tells of samples that the chip has taken and nobody has read: their numbers are used up, and they count as dropped. */
static inline void soma_v1_lose(soma_v1_stream *stream, uint32_t n)
{
    if (n == 0) return;
    soma_v1_close(stream);
    stream->taken += n;
    stream->dropped += n;
}

/* A frame without samples that carries the drop counter. A sensor on a short link sends one each second. */
static inline void soma_v1_report(soma_v1_stream *stream, uint32_t now_us, int is_last)
{
    soma_v1_header header;
    soma_v1_frame *frame;
    soma_v1_close(stream);
    frame = soma_v1_place(stream);
    if (frame == NULL) return;
    memset(&header, 0, sizeof header);
    header.number = (uint16_t)(stream->taken & 0xffffu);
    header.first_us = now_us;
    header.interval_us = (uint16_t)stream->interval_us;
    header.dropped = (uint16_t)(stream->dropped & 0xffffu);
    header.is_long = 1;
    header.is_acc_only = stream->settings.is_acc_only;
    header.is_last = is_last != 0;
    frame->length = (uint16_t)soma_v1_pack_header(frame->bytes, &header);
}

/* The frame that goes out next, NULL when none waits. Say afterwards with soma_v1_took what became of it. */
static inline const uint8_t *soma_v1_next(soma_v1_stream *stream, size_t *length)
{
    soma_v1_frame *frame = &stream->queue[stream->head];
    if (stream->n_queued == 0) return NULL;
    /* the first frame that goes out carries the mark, also when frames before it were dropped */
    if (!stream->is_first_out) frame->bytes[0] = (uint8_t)(frame->bytes[0] | SOMA_V1_FLAG_FIRST);
    *length = frame->length;
    return frame->bytes;
}

/* Removes the frame of soma_v1_next from the queue and counts its samples: as sent, or as dropped. */
static inline void soma_v1_took(soma_v1_stream *stream, int is_sent)
{
    const uint8_t n = stream->queue[stream->head].bytes[1];
    if (stream->n_queued == 0) return;
    if (is_sent) {
        stream->sent += n;
        stream->is_first_out = 1;
    } else {
        stream->dropped += n;
    }
    stream->head = (uint16_t)((stream->head + 1u) % SOMA_V1_QUEUE_FRAMES);
    stream->n_queued--;
}

/* The link turns out to hold less than was thought. Frames from now on fit it; waiting ones that do not are dropped. */
static inline void soma_v1_fit(soma_v1_stream *stream, size_t max_payload)
{
    uint16_t i, kept = 0;
    soma_v1_close(stream);
    soma_v1_shape(stream, max_payload);
    for (i = 0; i < stream->n_queued; i++) {
        const soma_v1_frame *frame = &stream->queue[(stream->head + i) % SOMA_V1_QUEUE_FRAMES];
        if (frame->length > stream->max_payload) {
            stream->dropped += frame->bytes[1];
        } else {
            if (kept != i) stream->queue[(stream->head + kept) % SOMA_V1_QUEUE_FRAMES] = *frame;
            kept++;
        }
    }
    stream->n_queued = kept;
}

#ifdef __cplusplus
}
#endif

#endif /* SOMA_V1_H */
