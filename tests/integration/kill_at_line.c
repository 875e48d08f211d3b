/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into castra by the tests of crashes: kills at a line of a stream, not at about the time of it.
 *
 * The file that CASTRA_TEST_KILL names holds one order, "LINE WHOM":
 *   5 supervisor      the supervisor, when the fifth line of a run's journal is written
 *   5 client          the command itself, when its fifth line is written to stdout
 *   5 some words      every child of the supervisor with these in its command line, at that line of the journal; where
 *                     there is none, the first that comes while the journal is held up for it
 * Nothing behind the line is written before the kill. An order is carried out once: whoever does it takes the file away
 * first, and writes the process ids of the killed to FILE.done. castra cleans the environment of a supervisor, so this
 * library goes with the exec that makes one; nobody else inherits it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { path_max = 4096, words_max = 256, env_max = 256, wait_ms_max = 1000 };

struct order {
    long line;
    char whom[words_max];
};

static ssize_t (*next_write)(int, const void*, size_t);
static int (*next_execve)(const char*, char* const*, char* const*);
static char preload[path_max + 16], order_variable[path_max + 32];
static const char* order_path;
static int is_supervisor;
static long stdout_lines;

/* Up to size - 1 bytes of a file, and a zero behind them. */
static size_t read_file(const char* path, char* text, size_t size) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);
    if (fd >= 0) close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static void command_line_of(const char* pid, char* text, size_t size) {
    char path[64];
    size_t length, i;
    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    length = read_file(path, text, size);
    for (i = 0; i < length; ++i)
        if (text[i] == '\0') text[i] = ' ';
}

__attribute__((constructor)) static void begin(void) {
    char words[words_max];
    const char* first_space;
    const char* self = getenv("LD_PRELOAD");
    const char* order = getenv("CASTRA_TEST_KILL");
    *(void**)&next_write = dlsym(RTLD_NEXT, "write");
    *(void**)&next_execve = dlsym(RTLD_NEXT, "execve");
    if (self == NULL || order == NULL) return;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", self);
    snprintf(order_variable, sizeof order_variable, "CASTRA_TEST_KILL=%s", order);
    order_path = order_variable + strlen("CASTRA_TEST_KILL=");
    unsetenv("LD_PRELOAD");
    command_line_of("self", words, sizeof words);
    first_space = strchr(words, ' ');
    is_supervisor = first_space != NULL && strncmp(first_space, " supervise ", 11) == 0;
}

/* Also called between vfork and exec, hence all of it on the stack. */
int execve(const char* program, char* const* argv, char* const* env) {
    char* more[env_max];
    size_t count = 0;
    if (order_path == NULL || argv[0] == NULL || argv[1] == NULL || strcmp(argv[1], "supervise") != 0)
        return next_execve(program, argv, env);
    while (env[count] != NULL && count < env_max - 3) {
        more[count] = env[count];
        ++count;
    }
    more[count] = preload;
    more[count + 1] = order_variable;
    more[count + 2] = NULL;
    return next_execve(program, argv, more);
}

static int read_order(struct order* order) {
    char text[words_max];
    char* rest;
    if (order_path == NULL || read_file(order_path, text, sizeof text) == 0) return 0;
    order->line = strtol(text, &rest, 10);
    rest += strspn(rest, " ");
    rest[strcspn(rest, "\n")] = '\0';
    snprintf(order->whom, sizeof order->whom, "%s", rest);
    return order->line > 0;
}

static long lines_in(const char* text, size_t size) {
    long count = 0;
    size_t i;
    for (i = 0; i < size; ++i)
        count += text[i] == '\n';
    return count;
}

/* The lines of the journal behind a descriptor, -1 when it is none. */
static long journal_lines(int fd) {
    char link[64], path[path_max];
    ssize_t size;
    long count = 0;
    int journal;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return -1;
    path[size] = '\0';
    if (strstr(path, "/journal/") == NULL || strstr(path, ".ndjson") == NULL) return -1;
    journal = open(path, O_RDONLY | O_CLOEXEC);
    if (journal < 0) return -1;
    while ((size = read(journal, path, sizeof path)) > 0)
        count += lines_in(path, (size_t)size);
    close(journal);
    return count;
}

static int is_stdout(int fd) {
    struct stat theirs, ours;
    return fstat(fd, &theirs) == 0 && fstat(STDOUT_FILENO, &ours) == 0 && theirs.st_dev == ours.st_dev &&
           theirs.st_ino == ours.st_ino;
}

static void note(int done, long pid) {
    char text[32];
    const int size = snprintf(text, sizeof text, "%ld\n", pid);
    if (next_write(done, text, (size_t)size) != size) abort();
}

/* Dead when this returns, and still there for whoever waits for it. */
static int kill_child(long pid, const char* words, int done) {
    char name[32], command[path_max];
    siginfo_t info;
    snprintf(name, sizeof name, "%ld", pid);
    command_line_of(name, command, sizeof command);
    if (strstr(command, words) == NULL || kill((pid_t)pid, SIGKILL) != 0) return 0;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    note(done, pid);
    return 1;
}

static int kill_children(const char* words, int done) {
    int killed = 0;
    DIR* threads = opendir("/proc/self/task");
    struct dirent* thread;
    while (threads != NULL && (thread = readdir(threads)) != NULL) {
        char path[300], pids[path_max];
        char* at = pids;
        char* end;
        long pid;
        if (thread->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/children", thread->d_name);
        read_file(path, pids, sizeof pids);
        while ((pid = strtol(at, &end, 10)) > 0) {
            at = end;
            killed += kill_child(pid, words, done);
        }
    }
    if (threads != NULL) closedir(threads);
    return killed;
}

static void carry_out(const struct order* order) {
    char done_path[path_max + 16];
    int done, waited_ms;
    snprintf(done_path, sizeof done_path, "%s.done", order_path);
    if (rename(order_path, done_path) != 0) return; /* somebody was quicker */
    done = open(done_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (done < 0) abort();
    if (strcmp(order->whom, "client") == 0 || strcmp(order->whom, "supervisor") == 0) {
        note(done, (long)getpid());
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    for (waited_ms = 0; kill_children(order->whom, done) == 0 && waited_ms < wait_ms_max; ++waited_ms)
        usleep(1000);
    close(done);
}

/* So many bytes as `lines` lines are, 0 when there are fewer. */
static size_t bytes_of(const char* text, size_t size, long lines) {
    size_t i;
    for (i = 0; i < size && lines > 0; ++i)
        if (text[i] == '\n' && --lines == 0) return i + 1;
    return 0;
}

ssize_t write(int fd, const void* data, size_t size) {
    struct order order;
    long before = -1;
    size_t due = 0;
    ssize_t written;
    const int counts_stdout = order_path != NULL && !is_supervisor && is_stdout(fd);
    if (counts_stdout) before = stdout_lines;
    if ((is_supervisor || counts_stdout) && read_order(&order) &&
        is_supervisor == (strcmp(order.whom, "client") != 0)) {
        if (is_supervisor) before = journal_lines(fd);
        if (before >= 0) due = bytes_of((const char*)data, size, order.line - before);
    }
    written = next_write(fd, data, due > 0 ? due : size); /* who calls goes on with the rest */
    if (counts_stdout && written > 0) stdout_lines += lines_in((const char*)data, (size_t)written);
    if (due > 0 && written == (ssize_t)due) carry_out(&order);
    return written;
}
