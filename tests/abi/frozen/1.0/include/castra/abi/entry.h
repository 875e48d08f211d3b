/* SPDX-License-Identifier: Apache-2.0
 * The border: one exported function, one constant table, one signature for every slot of every interface.
 * C11 only. No std:: type, no exception and no ownership of memory crosses it. A published interface is frozen;
 * growth is a new interface id ("castra.launcher/2").
 *
 * Shape:  requests and replies are JSON (UTF-8), under the schemas beside this header (sdk/schema/).
 * Owner:  what is passed in is borrowed for the call; what is passed out is written to a sink before returning.
 * Thread: an instance is called by one thread at a time, not always the same one. Tags as in [call & created].
 */
#ifndef CASTRA_ABI_ENTRY_H
#define CASTRA_ABI_ENTRY_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CASTRA_ABI_MAGIC UINT64_C(0x0131415254534143) /* "CASTRA1\x01", little endian */
#define CASTRA_ABI_MAJOR 1u
#define CASTRA_ABI_MINOR 0u
#define CASTRA_PLUGIN_ENTRY_SYMBOL "castra_plugin_entry_v1"
#define CASTRA_MANIFEST_NOTE_OWNER "castra" /* ELF note: owner, type, JSON text as descriptor */
#define CASTRA_MANIFEST_NOTE_TYPE 1u

/* Answers of a slot. Anything but CASTRA_OK comes with {code, title, detail?, field_path?, hint?} on the error sink. */
enum {
    CASTRA_OK = 0,
    CASTRA_FAILED = 1,          /* the plugin tried and could not */
    CASTRA_INVALID_REQUEST = 2, /* the request does not fit the schema */
    CASTRA_UNSUPPORTED = 3,     /* this interface has no such slot here */
    CASTRA_CANCELLED = 4,       /* the call's cancel_fd became readable, or its deadline passed */
    CASTRA_INTERNAL = 5         /* an exception reached the barrier */
};

typedef struct {
    const void* data;
    uint64_t size;
} castra_bytes; /* borrowed for the call */

typedef struct {
    void* self;
    int32_t (*write)(void* self, castra_bytes chunk); /* may be called many times; 0 or stop writing */
} castra_sink;

typedef struct {
    uint32_t size, flags;
    uint64_t call_id;
    int64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
    int32_t cancel_fd;   /* readable when the caller gave up; -1: none */
    int32_t reserved;
} castra_call;

typedef int32_t (*castra_slot)(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                               const castra_sink* error);

/* A table of slots. Slots that an interface defines but a plugin lacks are NULL. */
typedef struct {
    uint32_t size; /* sizeof of this struct where it was compiled */
    uint32_t slot_count;
    const castra_slot* slots;
} castra_interface;

struct castra_host; /* abi/host.h */

/* The constant table that castra_plugin_entry_v1 returns. */
typedef struct {
    uint64_t magic;
    uint32_t size;
    uint16_t abi_major, abi_minor_min; /* built for this major; needs at least this minor of the host */
    char manifest_sha256[65];          /* lower-case hex of the note's descriptor, NUL at the end */
    char reserved[7];
    int32_t (*init)(const struct castra_host* host);                      /* once, before any other  [load] */
    int32_t (*create)(const char* interface_id, castra_bytes config_json, /* checked against the manifest's schema */
                      const castra_sink* error, void** instance);         /*                          [call] */
    void (*destroy)(void* instance);                                      /*                [call & created] */
    const castra_interface* (*find_interface)(const char* interface_id);  /* NULL: unknown            [any] */
} castra_plugin;

typedef const castra_plugin* (*castra_plugin_entry)(void);

#if defined(__GNUC__)
#define CASTRA_EXPORT __attribute__((visibility("default")))
#else
#define CASTRA_EXPORT
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif
