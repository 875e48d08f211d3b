/* SPDX-License-Identifier: Apache-2.0
 * What the host offers a plugin, by the same uniform slot: `instance` is the host's own `self`.
 * Every slot may be called from any thread, from init until the last destroy returned. A host that lacks an interface
 * answers NULL for its id: hosts before castra.secrets/1 do. */
#ifndef CASTRA_ABI_HOST_H
#define CASTRA_ABI_HOST_H
#include "castra/abi/entry.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CASTRA_HOST_V1 "castra.host/1"
enum {
    CASTRA_HOST_LOG = 0,  /* {level: debug|info|warn|error, text} -> {}        diagnostic log, no event   [any] */
    CASTRA_HOST_EMIT = 1, /* {type, severity?, message, vm?, fields?, ext?} -> {}  through the bus's rules [any] */
    CASTRA_HOST_NOW = 2,  /* {} -> {unix_us, monotonic_ns}                                                [any] */
    CASTRA_HOST_CANCELLED =
        3, /* {} -> {cancelled}                            whether the run is being cancelled [any] */
    CASTRA_HOST_SLOTS = 4
};

#define CASTRA_SECRETS_V1 "castra.secrets/1"
enum {
    CASTRA_SECRETS_READ = 0, /* {name} -> {value}   of [[secrets]] in castra.toml, if it names the plugin [any] */
    CASTRA_SECRETS_SLOTS = 1
};

typedef struct castra_host {
    uint32_t size;
    uint16_t abi_major, abi_minor;
    void* self;
    const castra_interface* (*find_interface)(const struct castra_host* host, const char* interface_id);
} castra_host;

#ifdef __cplusplus
}
#endif
#endif
