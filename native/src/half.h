/* half.h: one binary16 value from float32, rounded to nearest even; subnormals, infinities and NaN included. */
#ifndef GATUN_HALF_H
#define GATUN_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint16_t half_from_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u | (bits >> 13 & 0x3ffu));
    }
    if (bits >= 0x477ff000u) { /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (bits < 0x38800000u) { /* below 2^-14: an addition whose unit in the last place is 2^-24 rounds for us */
        float magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        magnitude += 0.5f;
        memcpy(&bits, &magnitude, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000u));
    }
    bits += 0xc8000fffu + (bits >> 13 & 1u); /* exponent from 127 to 15, then half a unit */
    return (uint16_t)(sign | bits >> 13);
}

#endif
