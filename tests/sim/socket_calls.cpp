// SPDX-License-Identifier: Apache-2.0
// epoll, sockets and their like, as Boost.Asio calls them: on descriptors of the simulation.
#include "world.hpp"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

using namespace castra::sim;
using Kind = OpenFile::Kind;

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
int __real_epoll_create1(int);
int __real_epoll_ctl(int, int, int, struct epoll_event*);
int __real_epoll_wait(int, struct epoll_event*, int, int);
int __real_eventfd(unsigned, int);
int __real_timerfd_create(int, int);
int __real_ioctl(int, unsigned long, ...);
ssize_t __real_recv(int, void*, size_t, int);
ssize_t __real_recvmsg(int, struct msghdr*, int);
ssize_t __real_send(int, const void*, size_t, int);
ssize_t __real_sendmsg(int, const struct msghdr*, int);
int __real_shutdown(int, int);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_setsockopt(int, int, int, const void*, socklen_t);
int __real_poll(struct pollfd*, nfds_t, int);
int __real_inotify_init1(int);
}

namespace {

bool simulated(int fd) {
    return world && World::is_ours(fd);
}

int answer(int error) {
    if (error == 0) return 0;
    errno = error;
    return -1;
}

bool has_input(const OpenFile& file) {
    return file.kind == Kind::event ? file.count > 0 : !file.inbox.empty() || file.peer_closed;
}

ssize_t receive(int fd, void* into, size_t size) {
    const auto file = world->file_of(fd);
    if (!file || file->kind != Kind::socket) return answer(EBADF);
    if (file->inbox.empty()) return file->peer_closed ? 0 : answer(EAGAIN);
    // Streams come in pieces of any size.
    auto count = std::min(size, file->inbox.size());
    if (count > 1 && world->random.percent(25))
        count = static_cast<std::size_t>(world->random.between(1, static_cast<std::int64_t>(count)));
    std::memcpy(into, file->inbox.data(), count);
    file->inbox.erase(0, count);
    return static_cast<ssize_t>(count);
}

ssize_t deliver(int fd, std::string_view bytes) {
    const auto file = world->file_of(fd);
    if (!file || file->kind != Kind::socket) return answer(EBADF);
    const auto peer = file->peer.lock();
    if (!peer || file->peer_closed) return answer(EPIPE);
    peer->inbox += bytes;
    world->wake(*peer);
    return static_cast<ssize_t>(bytes.size());
}

} // namespace

extern "C" {

int __wrap_epoll_create1(int flags) {
    if (!world || !world->current) return __real_epoll_create1(flags);
    auto file = std::make_shared<OpenFile>();
    file->kind = Kind::epoll;
    return world->open_fd(std::move(file));
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event* event) {
    if (!simulated(epoll)) return __real_epoll_ctl(epoll, operation, fd, event);
    const auto watcher = world->file_of(epoll);
    const auto file = world->file_of(fd);
    if (!watcher || !file) return answer(EBADF);
    if (operation == EPOLL_CTL_DEL) {
        file->watcher.reset();
        return 0;
    }
    if (file->kind == Kind::file || file->kind == Kind::directory) return answer(EPERM);
    file->watcher = watcher;
    file->cookie = event->data.ptr;
    if (has_input(*file) || file->kind == Kind::socket) world->wake(*file);
    return 0;
}

int __wrap_epoll_wait(int epoll, struct epoll_event* events, int count, int timeout_ms) {
    if (!simulated(epoll)) return __real_epoll_wait(epoll, events, count, timeout_ms);
    const auto watcher = world->file_of(epoll);
    if (!watcher) return 0;
    auto ready = std::exchange(watcher->ready, {});
    for (std::size_t i = ready.size(); i > 1; --i) // in any order
        std::swap(ready[i - 1], ready[static_cast<std::size_t>(world->random.below(static_cast<std::int64_t>(i)))]);
    int found = 0;
    for (auto& one : ready) {
        const auto file = one.lock();
        if (!file || file->watcher.lock() != watcher) continue;
        if (found == count) {
            watcher->ready.push_back(one);
            continue;
        }
        file->is_queued = false;
        events[found].events = EPOLLOUT | (has_input(*file) ? EPOLLIN : 0U) | (file->peer_closed ? EPOLLHUP : 0U);
        events[found++].data.ptr = file->cookie;
    }
    return found;
}

int __wrap_eventfd(unsigned initial, int flags) {
    if (!world || !world->current) return __real_eventfd(initial, flags);
    auto file = std::make_shared<OpenFile>();
    file->kind = Kind::event;
    file->count = initial;
    return world->open_fd(std::move(file));
}

// The simulated machine cannot watch directories; castra has to do without.
int __wrap_inotify_init1(int flags) {
    return world && world->current ? answer(EMFILE) : __real_inotify_init1(flags);
}

// Without one Asio looks at the clock, which is ours.
int __wrap_timerfd_create(int clock, int flags) {
    return world && world->current ? answer(EMFILE) : __real_timerfd_create(clock, flags);
}

int __wrap_ioctl(int fd, unsigned long request, void* argument) {
    return simulated(fd) ? 0 : __real_ioctl(fd, request, argument);
}

ssize_t __wrap_recv(int fd, void* into, size_t size, int flags) {
    return simulated(fd) ? receive(fd, into, size) : __real_recv(fd, into, size, flags);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr* message, int flags) {
    if (!simulated(fd)) return __real_recvmsg(fd, message, flags);
    return message->msg_iovlen == 0 ? 0 : receive(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
}

ssize_t __wrap_send(int fd, const void* from, size_t size, int flags) {
    return simulated(fd) ? deliver(fd, {static_cast<const char*>(from), size}) : __real_send(fd, from, size, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr* message, int flags) {
    if (!simulated(fd)) return __real_sendmsg(fd, message, flags);
    if (message->msg_iovlen == 0) return 0;
    return deliver(fd, {static_cast<const char*>(message->msg_iov[0].iov_base), message->msg_iov[0].iov_len});
}

int __wrap_shutdown(int fd, int how) {
    if (!simulated(fd)) return __real_shutdown(fd, how);
    if (const auto file = world->file_of(fd))
        if (const auto peer = file->peer.lock()) {
            peer->peer_closed = true;
            world->wake(*peer);
        }
    return 0;
}

int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
    if (!simulated(fd)) return __real_getsockopt(fd, level, name, value, size);
    std::memset(value, 0, *size);
    return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
    return simulated(fd) ? 0 : __real_setsockopt(fd, level, name, value, size);
}

int __wrap_poll(struct pollfd* fds, nfds_t count, int timeout_ms) {
    if (count == 0 || !simulated(fds[0].fd)) return __real_poll(fds, count, timeout_ms);
    int ready = 0;
    for (nfds_t i = 0; i < count; ++i) {
        const auto file = world->file_of(fds[i].fd);
        fds[i].revents = file && (file->node || has_input(*file)) ? fds[i].events : static_cast<short>(0);
        ready += fds[i].revents != 0;
    }
    return ready;
}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
