/* The store's canonical bytes (docs/FORMAT.md), as far as the floor writes them. */
#ifndef ENCODING_H
#define ENCODING_H

#include "sha256.h"
#include <stdio.h>
#include <stdlib.h>

/* Grows as needed and is kept: every buffer is static, and used by one thread. */
typedef struct {
    size_t count, room;
    unsigned char *bytes;
} buffer;

static inline void put_raw(buffer *out, const void *bytes, size_t count) {
    if (count > out->room - out->count) {
        out->room = 2 * (out->count + count) + 1024;
        out->bytes = realloc(out->bytes, out->room);
        if (!out->bytes) {
            fputs("floor: out of memory\n", stderr);
            exit(1);
        }
    }
    if (count) memcpy(out->bytes + out->count, bytes, count);
    out->count += count;
}

static inline void put_byte(buffer *out, unsigned char byte) { put_raw(out, &byte, 1); }

static inline void put_number(buffer *out, uint64_t number) {
    for (; number >= 0x80; number >>= 7) put_byte(out, (unsigned char)(number | 0x80));
    put_byte(out, (unsigned char)number);
}

static inline void put_signed(buffer *out, int64_t number) {
    put_number(out, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

static inline void put_fixed(buffer *out, uint64_t number) {
    number = __builtin_bswap64(number);
    put_raw(out, &number, 8);
}

static inline void put_blob(buffer *out, const void *bytes, size_t count) {
    put_number(out, count);
    put_raw(out, bytes, count);
}

enum tag { TAG_NULL, TAG_INTEGER, TAG_REAL, TAG_TEXT, TAG_BYTES, TAG_UUID, TAG_TIMESTAMP };

static inline void put_tag(buffer *out, int field, enum tag tag) {
    put_byte(out, (unsigned char)field);
    put_byte(out, (unsigned char)tag);
}

static inline void field_integer(buffer *out, int field, int64_t number) {
    put_tag(out, field, TAG_INTEGER);
    put_signed(out, number);
}

static inline void field_time(buffer *out, int field, int64_t time) {
    put_tag(out, field, TAG_TIMESTAMP);
    put_fixed(out, (uint64_t)time);
}

static inline void field_blob(buffer *out, int field, enum tag tag, const void *bytes, size_t count) {
    put_tag(out, field, tag);
    put_blob(out, bytes, count);
}

typedef unsigned __int128 row_hash;

/* The first 128 bits of SHA-256(kind, key, fields). */
static inline row_hash hash_row(unsigned char kind, const char *key, const buffer *fields) {
    static buffer head;
    head.count = 0;
    put_byte(&head, kind);
    put_blob(&head, key, strlen(key));
    sha256 hash;
    unsigned char digest[32];
    sha256_begin(&hash);
    sha256_add(&hash, head.bytes, head.count);
    sha256_add(&hash, fields->bytes, fields->count);
    sha256_end(&hash, digest);
    row_hash sum = 0;
    for (int i = 0; i < 16; i++) sum = sum << 8 | digest[i];
    return sum;
}

#endif
