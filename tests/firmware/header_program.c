/* Does to soma_v1.h what a line on standard input says and answers with one line; a dot is answered at once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "soma_v1.h"

static soma_v1_stream stream;

static long long numbers[9 + 6 * 255];
static int read_numbers(const char *text)
{
    int n = 0, used;
    while (n < (int)(sizeof numbers / sizeof numbers[0]) && sscanf(text, "%lld%n", &numbers[n], &used) == 1) {
        text += used;
        n++;
    }
    return n;
}

static void say_hex(const uint8_t *bytes, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) printf("%02x", (unsigned)bytes[i]);
    printf("\n");
}

static void sample(const long long *from, int16_t *to)
{
    int i;
    for (i = 0; i < 6; i++) to[i] = (int16_t)from[i];
}

static void pack(int n_numbers)
{
    static uint8_t out[SOMA_V1_LONG_HEADER + 255 * 12];
    soma_v1_header header;
    size_t length;
    int i;
    int16_t one[6];
    memset(&header, 0, sizeof header);
    header.n = (uint8_t)numbers[0];
    header.number = (uint16_t)numbers[1];
    header.first_us = (uint32_t)numbers[2];
    header.interval_us = (uint16_t)numbers[3];
    header.dropped = (uint16_t)numbers[4];
    header.is_long = (uint8_t)numbers[5];
    header.is_acc_only = (uint8_t)numbers[6];
    header.is_first = (uint8_t)numbers[7];
    header.is_last = (uint8_t)numbers[8];
    length = soma_v1_pack_header(out, &header);
    for (i = 9; i + 6 <= n_numbers; i += 6) {
        sample(numbers + i, one);
        length += soma_v1_pack_sample(out + length, one, header.is_acc_only ? NULL : one + 3);
    }
    say_hex(out, length);
}

static void info(int n_numbers)
{
    uint8_t out[SOMA_V1_INFO_HEADER + 2 * 64];
    uint16_t rates[64];
    soma_v1_info what;
    int i;
    memset(&what, 0, sizeof what);
    for (i = 0; i < 3; i++) what.firmware[i] = (uint8_t)numbers[i];
    what.is_streaming = (uint8_t)numbers[3];
    what.is_through = (uint8_t)numbers[4];
    what.has_gyroscope = (uint8_t)numbers[5];
    what.rate_chz = (uint16_t)numbers[6];
    what.acc_range_g = (uint16_t)numbers[7];
    what.gyr_range_dps = (uint16_t)numbers[8];
    what.sent = (uint32_t)numbers[9];
    what.dropped = (uint32_t)numbers[10];
    for (i = 11; i < n_numbers; i++) rates[i - 11] = (uint16_t)numbers[i];
    what.rates_hz = rates;
    what.n_rates = (uint8_t)(n_numbers - 11);
    if (soma_v1_pack_info(out, SOMA_V1_INFO_HEADER + 2u * what.n_rates - 1u, &what) != 0) printf("too small: ");
    say_hex(out, soma_v1_pack_info(out, sizeof out, &what));
}

static void parse(const char *hex)
{
    uint8_t bytes[64];
    size_t n = 0;
    unsigned value;
    soma_v1_command command;
    while (n < sizeof bytes && sscanf(hex + 2 * n, "%2x", &value) == 1) bytes[n++] = (uint8_t)value;
    soma_v1_parse_command(bytes, n, &command);
    printf("%d %d %d %d %d %d %d\n", (int)command.opcode, command.settings.rate_hz, command.settings.acc_range_g,
           command.settings.gyr_range_dps, command.settings.samples_per_frame, command.settings.is_acc_only,
           command.seconds);
}

static void stream_verb(char verb, int n_numbers)
{
    soma_v1_settings settings;
    int16_t one[6];
    size_t length = 0;
    const uint8_t *bytes;
    switch (verb) {
    case 'b':
        memset(&settings, 0, sizeof settings);
        settings.rate_hz = (uint16_t)numbers[0];
        settings.samples_per_frame = (uint8_t)numbers[1];
        settings.is_acc_only = (uint8_t)numbers[2];
        soma_v1_begin(&stream, &settings, (size_t)numbers[3]);
        break;
    case 'p':
        sample(numbers + 1, one);
        soma_v1_push(&stream, (uint32_t)numbers[0], one, n_numbers > 4 ? one + 3 : NULL);
        break;
    case 'l': soma_v1_lose(&stream, (uint32_t)numbers[0]); break;
    case 'r': soma_v1_report(&stream, (uint32_t)numbers[0], (int)numbers[1]); break;
    case 'f': soma_v1_fit(&stream, (size_t)numbers[0]); break;
    case 't': soma_v1_took(&stream, (int)numbers[0]); break;
    case 'n':
        bytes = soma_v1_next(&stream, &length);
        if (bytes != NULL) {
            say_hex(bytes, length);
            return;
        }
        break;
    case 'c':
        printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %d %d\n", stream.taken, stream.sent, stream.dropped,
               stream.n_per_frame, stream.is_short);
        return;
    default: break;
    }
    printf("-\n");
}

int main(void)
{
    static char line[16384];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const int n = line[0] == 'x' || line[0] == '.' ? 0 : read_numbers(line + 1);
        uint16_t rates[64];
        int i;
        switch (line[0]) {
        case 'P': pack(n); break;
        case 'I': info(n); break;
        case 'x': parse(line + 2); break;
        case 's': printf("%d\n", soma_v1_scaled((int16_t)numbers[0], (int32_t)numbers[1], (int32_t)numbers[2])); break;
        case 'm':
            printf("%" PRIu32 "\n",
                   soma_v1_missed((uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2]));
            break;
        case 'k':
            for (i = 2; i < n; i++) rates[i - 2] = (uint16_t)numbers[i];
            printf("%d\n", soma_v1_pick_rate((uint16_t)numbers[0], rates, (size_t)(n - 2), (uint16_t)numbers[1]));
            break;
        case '.':
            printf(".\n");
            fflush(stdout);
            break;
        default: stream_verb(line[0], n); break;
        }
    }
    return 0;
}
