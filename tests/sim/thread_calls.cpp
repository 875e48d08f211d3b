// SPDX-License-Identifier: Apache-2.0
// Threads, locks and clocks of the kernel, as its C++ library calls them: fibers and the simulated clock.
#include "world.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

using namespace castra::sim;

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int __real_pthread_join(pthread_t, void**);
int __real_pthread_detach(pthread_t);
int __real_pthread_setname_np(pthread_t, const char*);
int __real_pthread_sigmask(int, const sigset_t*, sigset_t*);
int __real_pthread_mutex_lock(pthread_mutex_t*);
int __real_pthread_mutex_unlock(pthread_mutex_t*);
int __real_pthread_cond_wait(pthread_cond_t*, pthread_mutex_t*);
int __real_pthread_cond_timedwait(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
int __real_pthread_cond_clockwait(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
int __real_pthread_cond_signal(pthread_cond_t*);
int __real_pthread_cond_broadcast(pthread_cond_t*);
int __real_clock_gettime(clockid_t, struct timespec*);
int __real_gettimeofday(struct timeval*, void*);
pid_t __real_getpid();
}

namespace {

// What is not of the kernel (the harness itself, programs' ends) has the real ones.
bool simulated() {
    return world && world->current;
}

std::int64_t us_of(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1000000 + (time.tv_nsec + 999) / 1000;
}

int wait_for(pthread_cond_t* condition, pthread_mutex_t* mutex, std::optional<std::int64_t> deadline_us) {
    __real_pthread_mutex_unlock(mutex);
    world->fibers.wake(mutex, false);
    const bool woken = world->fibers.wait(condition, deadline_us);
    while (pthread_mutex_trylock(mutex) == EBUSY)
        world->fibers.wait(mutex, std::nullopt);
    return woken || !deadline_us ? 0 : ETIMEDOUT;
}

} // namespace

extern "C" {

int __wrap_pthread_create(pthread_t* id, const pthread_attr_t* attributes, void* (*work)(void*), void* argument) {
    if (!simulated()) return __real_pthread_create(id, attributes, work, argument);
    *id = static_cast<pthread_t>(world->fibers.start([work, argument] { work(argument); }));
    return 0;
}

int __wrap_pthread_join(pthread_t id, void** result) {
    if (!simulated()) return __real_pthread_join(id, result);
    world->fibers.join(static_cast<Fibers::Id>(id));
    return 0;
}

int __wrap_pthread_detach(pthread_t id) {
    return simulated() ? 0 : __real_pthread_detach(id);
}

int __wrap_pthread_setname_np(pthread_t id, const char* name) {
    return simulated() ? 0 : __real_pthread_setname_np(id, name);
}

int __wrap_pthread_sigmask(int how, const sigset_t* set, sigset_t* before) {
    return simulated() ? 0 : __real_pthread_sigmask(how, set, before);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
    if (!simulated()) return __real_pthread_mutex_lock(mutex);
    int error = 0;
    while ((error = pthread_mutex_trylock(mutex)) == EBUSY)
        world->fibers.wait(mutex, std::nullopt);
    return error;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t* mutex) {
    const int error = __real_pthread_mutex_unlock(mutex);
    if (!simulated()) return error;
    world->fibers.wake(mutex, false);
    world->fibers.maybe_yield();
    return error;
}

int __wrap_pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    return simulated() ? wait_for(condition, mutex, std::nullopt) : __real_pthread_cond_wait(condition, mutex);
}

int __wrap_pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                  const struct timespec* until) {
    if (!simulated()) return __real_pthread_cond_clockwait(condition, mutex, clock, until);
    const auto deadline = us_of(*until) - (clock == CLOCK_REALTIME ? world->unix_us() - world->now_us : 0);
    return wait_for(condition, mutex, deadline);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const struct timespec* until) {
    if (!simulated()) return __real_pthread_cond_timedwait(condition, mutex, until);
    return __wrap_pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, until);
}

int __wrap_pthread_cond_signal(pthread_cond_t* condition) {
    if (!simulated()) return __real_pthread_cond_signal(condition);
    world->fibers.wake(condition, false);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t* condition) {
    if (!simulated()) return __real_pthread_cond_broadcast(condition);
    world->fibers.wake(condition, true);
    return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec* time) {
    if (!simulated()) return __real_clock_gettime(clock, time);
    const auto us = clock == CLOCK_REALTIME ? world->unix_us() : world->now_us;
    time->tv_sec = us / 1000000;
    time->tv_nsec = us % 1000000 * 1000;
    return 0;
}

int __wrap_gettimeofday(struct timeval* time, void* zone) {
    if (!simulated()) return __real_gettimeofday(time, zone);
    time->tv_sec = world->unix_us() / 1000000;
    time->tv_usec = world->unix_us() % 1000000;
    return 0;
}

pid_t __wrap_getpid() {
    return simulated() ? world->current->pid : __real_getpid();
}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
