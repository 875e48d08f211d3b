/* SPDX-License-Identifier: Apache-2.0
 * Its constructor leaves a mark in the file CASTRA_TEST_MARK, and changes what CASTRA_TEST_DISTURB names. */
#include "castra/abi/entry.h"
#include "castra/abi/reporter.h"

#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static void* sleeper(void* nothing) {
    pause();
    return nothing;
}

static void disturb(const char* what) {
    if (strcmp(what, "signal") == 0) signal(SIGUSR1, SIG_IGN);
    if (strcmp(what, "mask") == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigprocmask(SIG_BLOCK, &set, NULL);
    }
    if (strcmp(what, "locale") == 0) setlocale(LC_ALL, "C.UTF-8");
    if (strcmp(what, "umask") == 0) umask(0);
    if (strcmp(what, "cwd") == 0 && chdir("/") != 0) abort();
    if (strcmp(what, "rounding") == 0) fesetround(FE_UPWARD);
#if defined(__x86_64__)
    if (strcmp(what, "fast-math") == 0) _mm_setcsr(_mm_getcsr() | 0x8040U); /* what crtfastmath.o does */
#else
    if (strcmp(what, "fast-math") == 0) fesetround(FE_UPWARD);
#endif
    if (strcmp(what, "environment") == 0) setenv("CASTRA_TEST_LEFT_BEHIND", "1", 1);
    if (strcmp(what, "thread") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, sleeper, NULL) == 0) pthread_detach(thread);
    }
}

__attribute__((constructor)) static void construct(void) {
    const char* mark = getenv("CASTRA_TEST_MARK");
    const char* what = getenv("CASTRA_TEST_DISTURB");
    FILE* file = mark ? fopen(mark, "w") : NULL;
    if (file) fclose(file);
    if (what) disturb(what);
#ifdef BAD_DISTURB
    disturb(BAD_DISTURB);
#endif
}

static int32_t nothing(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,
                       const castra_sink* error) {
    (void)instance;
    (void)call;
    (void)request;
    (void)reply;
    (void)error;
    return CASTRA_OK;
}

static const castra_slot slots[CASTRA_REPORTER_SLOTS] = {nothing, nothing, nothing, nothing};
static const castra_interface reporter = {sizeof(castra_interface), CASTRA_REPORTER_SLOTS, slots};

static int32_t init(const struct castra_host* host) {
    (void)host;
    return CASTRA_OK;
}
static int32_t create(const char* interface_id, castra_bytes config, const castra_sink* error, void** instance) {
    static int one;
    (void)config;
    (void)error;
    if (strcmp(interface_id, CASTRA_REPORTER_V1) != 0) return CASTRA_UNSUPPORTED;
    *instance = &one;
    return CASTRA_OK;
}
static void destroy(void* instance) {
    (void)instance;
}
static const castra_interface* find_interface(const char* id) {
    return strcmp(id, CASTRA_REPORTER_V1) == 0 ? &reporter : NULL;
}

static const castra_plugin table = {.magic = CASTRA_ABI_MAGIC,
                                    .size = sizeof(castra_plugin),
                                    .abi_major = CASTRA_ABI_MAJOR,
                                    .manifest_sha256 = CASTRA_PLUGIN_MANIFEST_SHA256,
                                    .init = init,
                                    .create = create,
                                    .destroy = destroy,
                                    .find_interface = find_interface};

CASTRA_EXPORT const castra_plugin* castra_plugin_entry_v1(void);
const castra_plugin* castra_plugin_entry_v1(void) {
    return &table;
}
