// SPDX-License-Identifier: Apache-2.0
#include "plugin/wire.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace castra {
namespace {

constexpr std::uint32_t magic = 0x52545343; // "CSTR"
constexpr std::size_t sent_frame_bytes = 1024 * 1024;

struct Head {
    std::uint32_t magic;
    std::uint8_t kind, flags;
    std::uint16_t slot;
    std::uint32_t size;
    std::int32_t status;
    std::uint64_t id;
    std::int64_t deadline_ns;
};
static_assert(sizeof(Head) == 32);
constexpr std::uint8_t flag_more = 1, flag_over = 2;

Failure broken(const std::string& how) {
    return fail(ErrorCode::protocol, how);
}

Result<> send_all(int fd, std::string_view first, std::string_view second,
                  std::chrono::steady_clock::time_point deadline) {
    while (!first.empty() || !second.empty()) {
        iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                          {const_cast<char*>(second.data()), second.size()}};
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        const auto sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            const auto of_first = std::min(first.size(), static_cast<std::size_t>(sent));
            first.remove_prefix(of_first);
            second.remove_prefix(static_cast<std::size_t>(sent) - of_first);
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return fail_errno("write");
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        if (left <= 0) return fail(ErrorCode::timeout, "the other side reads nothing");
        pollfd ready{fd, POLLOUT, 0};
        ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX)));
    }
    return {};
}

} // namespace

Result<std::optional<WireMessage>> WireReader::next() {
    while (bytes_.size() - taken_ >= sizeof(Head)) {
        Head head;
        std::memcpy(&head, bytes_.data() + taken_, sizeof head);
        if (head.magic != magic) return broken("wrote something that is no frame");
        if (head.kind < static_cast<std::uint8_t>(WireKind::load) ||
            head.kind > static_cast<std::uint8_t>(WireKind::host_answer))
            return broken("sent a frame of unknown kind " + std::to_string(head.kind));
        if (head.size > wire_frame_bytes_max)
            return broken("announced a frame of " + std::to_string(head.size) + " bytes; at most " +
                          std::to_string(wire_frame_bytes_max) + " are taken");
        const auto before = partial_ ? partial_->body.size() : 0;
        if (head.size > message_bytes_max_ - before)
            return broken("sent a message of more than " + std::to_string(message_bytes_max_) + " bytes");
        if (bytes_.size() - taken_ - sizeof(Head) < head.size) break;
        if (partial_ && (static_cast<std::uint8_t>(partial_->kind) != head.kind || partial_->id != head.id))
            return broken("sent a frame in the middle of another message");
        if (!partial_)
            partial_ = WireMessage{static_cast<WireKind>(head.kind), head.slot, head.status, head.id, head.deadline_ns,
                                   (head.flags & flag_over) != 0,    {}};
        partial_->body.append(bytes_, taken_ + sizeof(Head), head.size);
        taken_ += sizeof(Head) + head.size;
        if (taken_ == bytes_.size() || taken_ > sent_frame_bytes) {
            bytes_.erase(0, taken_);
            taken_ = 0;
        }
        if ((head.flags & flag_more) == 0) return std::exchange(partial_, std::nullopt);
    }
    return std::optional<WireMessage>();
}

Result<> write_message(int fd, const WireMessage& message, std::chrono::steady_clock::time_point deadline) {
    std::string_view rest = message.body;
    do {
        const auto part = rest.substr(0, sent_frame_bytes);
        rest.remove_prefix(part.size());
        const Head head{magic,
                        static_cast<std::uint8_t>(message.kind),
                        static_cast<std::uint8_t>((rest.empty() ? 0 : flag_more) | (message.is_over ? flag_over : 0)),
                        message.slot,
                        static_cast<std::uint32_t>(part.size()),
                        message.status,
                        message.id,
                        message.deadline_ns};
        CASTRA_CHECK(send_all(fd, {reinterpret_cast<const char*>(&head), sizeof head}, part, deadline));
    } while (!rest.empty());
    return {};
}

} // namespace castra
