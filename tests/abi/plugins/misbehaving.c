/* SPDX-License-Identifier: Apache-2.0
 * A plugin of every kind that works, until its config or a request says "SLOT:WHAT": then WHAT happens in that slot.
 * SLOT is create, destroy or a slot's name; WHAT is one of the words in misbehave(). */
#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/entry.h"
#include "castra/abi/host.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct instance {
    unsigned calls;
    char config[512];
};

static const castra_host* host;

static int32_t say(const castra_sink* sink, const char* text) {
    castra_bytes bytes = {text, strlen(text)};
    return sink ? sink->write(sink->self, bytes) : 0;
}

static int has(const char* text, size_t size, const char* word) {
    const size_t length = strlen(word);
    size_t i;
    for (i = 0; i + length <= size; ++i)
        if (memcmp(text + i, word, length) == 0) return 1;
    return 0;
}

static int32_t ignore_reply(void* self, castra_bytes chunk) {
    (void)self;
    (void)chunk;
    return 0;
}

static void log_line(const char* line) {
    char text[256];
    const castra_sink sink = {NULL, ignore_reply};
    const castra_call call = {sizeof(castra_call), 0, 0, 0, -1, 0};
    castra_bytes request;
    snprintf(text, sizeof text, "{\"level\":\"info\",\"text\":\"%s\"}", line);
    request.data = text;
    request.size = strlen(text);
    host->find_interface(host, CASTRA_HOST_V1)->slots[CASTRA_HOST_LOG](host->self, &call, request, &sink, &sink);
}

/* The socket to castra: what a plugin that wants to can find. */
static int socket_fd(void) {
    int fd;
    for (fd = 3; fd < 1024; ++fd) {
        int type = 0;
        socklen_t size = sizeof type;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM) return fd;
    }
    return -1;
}

static void sleep_for_ever(void) {
    for (;;)
        pause();
}

static void fork_sleeper(void) {
    const pid_t pid = fork();
    char text[64];
    if (pid == 0) sleep_for_ever();
    snprintf(text, sizeof text, "child %d", (int)pid);
    log_line(text);
}

static void ignore_signals(void) {
    sigset_t all;
    int number;
    for (number = 1; number < 65; ++number)
        signal(number, SIG_IGN);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
}

static void misbehave(const char* what, const castra_call* call, const castra_sink* reply) {
    if (strcmp(what, "crash") == 0) {
        volatile int* nowhere = NULL;
        *nowhere = 1;
    }
    if (strcmp(what, "abort") == 0) abort();
    if (strcmp(what, "exit") == 0) exit(0);
    if (strcmp(what, "hang") == 0) sleep_for_ever();
    if (strcmp(what, "steal-signals-and-hang") == 0) {
        ignore_signals();
        sleep_for_ever();
    }
    if (strcmp(what, "fork-and-exit") == 0) {
        fork_sleeper();
        _exit(0);
    }
    if (strcmp(what, "fork") == 0) fork_sleeper();
    if (strcmp(what, "garbage") == 0) {
        if (write(socket_fd(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38) < 0) abort();
        sleep_for_ever();
    }
    if (strcmp(what, "flood") == 0) {
        static char block[65536];
        memset(block, 'x', sizeof block);
        while (write(socket_fd(), block, sizeof block) > 0) {
        }
        sleep_for_ever();
    }
    if (strcmp(what, "gib-frame") == 0) { /* as kernel/plugin/wire.cpp writes it: an answer of 1 GiB */
        unsigned char head[32] = {'C', 'S', 'T', 'R', 6, 0, 0, 0, 0, 0, 0, 0x40};
        if (write(socket_fd(), head, sizeof head) < 0) abort();
        sleep_for_ever();
    }
    if (strcmp(what, "gib-reply") == 0) {
        static char block[1 << 20];
        castra_bytes bytes = {block, sizeof block};
        int i;
        memset(block, ' ', sizeof block);
        for (i = 0; i < 1024; ++i)
            reply->write(reply->self, bytes); /* and never looks at the answer */
    }
    if (strcmp(what, "close") == 0) {
        const int fd = socket_fd();
        shutdown(fd, SHUT_RDWR);
        close(fd);
        ignore_signals();
        sleep_for_ever();
    }
    if (strcmp(what, "log-flood") == 0) {
        int i;
        for (i = 0; i < 20000; ++i)
            log_line("flood");
    }
    if (strcmp(what, "wait") == 0) { /* the good one: looks at its call */
        struct pollfd ask = {call->cancel_fd, POLLIN, 0};
        while (poll(&ask, 1, -1) < 0) {
        }
    }
    if (strcmp(what, "pid") == 0) {
        char text[64];
        snprintf(text, sizeof text, "{\"pid\":%d}", (int)getpid());
        say(reply, text);
    }
}

/* What happens here, if anything; the answer that follows from it. */
static int32_t act(struct instance* self, const char* slot, const castra_call* call, castra_bytes request,
                   const castra_sink* reply) {
    static const char* const words[] = {"crash",     "abort",         "exit",  "hang",  "steal-signals-and-hang",
                                        "garbage",   "fork-and-exit", "fork",  "flood", "gib-frame",
                                        "gib-reply", "log-flood",     "close", "wait",  "pid"};
    size_t i;
    for (i = 0; i < sizeof words / sizeof *words; ++i) {
        char word[64];
        snprintf(word, sizeof word, "%s:%s\"", slot, words[i]);
        if (!has(self->config, strlen(self->config), word) && !has((const char*)request.data, request.size, word))
            continue;
        misbehave(words[i], call, reply);
        if (strcmp(words[i], "wait") == 0) return CASTRA_CANCELLED;
        if (strcmp(words[i], "pid") == 0) return -1;
    }
    return CASTRA_OK;
}

#define SLOT(name, word, answer)                                                                                       \
    static int32_t name(void* instance, const castra_call* call, castra_bytes request, const castra_sink* reply,       \
                        const castra_sink* error) {                                                                    \
        const int32_t status = act((struct instance*)instance, word, call, request, reply);                            \
        (void)error;                                                                                                   \
        ++((struct instance*)instance)->calls;                                                                         \
        if (status == -1) return CASTRA_OK;                                                                            \
        if (status == CASTRA_OK) say(reply, answer);                                                                   \
        return status;                                                                                                 \
    }

SLOT(requirements, "requirements", "{}")
SLOT(launch_plan, "plan", "{\"argv\":[\"/bin/sleep\",\"1000\"]}")
SLOT(explain_exit, "explain_exit", "{\"hint\":\"it happens\"}")
SLOT(broker_plan, "plan", "{\"enabled\":false}")
SLOT(step_plan, "plan", "{\"action\":\"would_run\",\"reason\":\"test\"}")
SLOT(step_apply, "apply", "{\"status\":\"success\"}")
SLOT(step_verify, "verify", "{\"status\":\"success\"}")
SLOT(report_open, "open", "{}")
SLOT(report_events, "events", "{}")
SLOT(report_flush, "flush", "{}")
SLOT(report_close, "close", "{}")

static const castra_slot launcher_slots[] = {requirements, launch_plan, explain_exit};
static const castra_slot broker_slots[] = {broker_plan};
static const castra_slot step_slots[] = {step_plan, step_apply, step_verify};
static const castra_slot reporter_slots[] = {report_open, report_events, report_flush, report_close};
static const castra_interface launcher = {sizeof(castra_interface), CASTRA_LAUNCHER_SLOTS, launcher_slots};
static const castra_interface broker = {sizeof(castra_interface), CASTRA_BROKER_LAUNCHER_SLOTS, broker_slots};
static const castra_interface step = {sizeof(castra_interface), CASTRA_BOOTSTRAP_STEP_SLOTS, step_slots};
static const castra_interface reporter = {sizeof(castra_interface), CASTRA_REPORTER_SLOTS, reporter_slots};

static int32_t init(const castra_host* table) {
    const char* what = getenv("CASTRA_TEST_INIT");
    host = table;
    if (what) misbehave(what, NULL, NULL);
    return CASTRA_OK;
}

static int32_t create(const char* interface_id, castra_bytes config, const castra_sink* error, void** instance) {
    struct instance* self = (struct instance*)calloc(1, sizeof(struct instance));
    (void)interface_id;
    (void)error;
    if (!self) return CASTRA_INTERNAL;
    memcpy(self->config, config.data, config.size < sizeof self->config ? config.size : sizeof self->config - 1);
    act(self, "create", NULL, config, NULL);
    *instance = self;
    return CASTRA_OK;
}

static void destroy(void* instance) {
    const castra_bytes none = {"", 0};
    act((struct instance*)instance, "destroy", NULL, none, NULL);
    free(instance);
}

static const castra_interface* find_interface(const char* id) {
    if (strcmp(id, CASTRA_LAUNCHER_V1) == 0) return &launcher;
    if (strcmp(id, CASTRA_BROKER_LAUNCHER_V1) == 0) return &broker;
    if (strcmp(id, CASTRA_BOOTSTRAP_STEP_V1) == 0) return &step;
    if (strcmp(id, CASTRA_REPORTER_V1) == 0) return &reporter;
    return NULL;
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
