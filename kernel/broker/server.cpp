// SPDX-License-Identifier: Apache-2.0
#include "broker/server.hpp"

#include "base/ulid.hpp"
#include "contract/text.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace castra::broker {
namespace {

constexpr std::size_t control_line_bytes_max = 1 << 20;
constexpr std::int64_t channel_wait_ms_min = 100; // between attempts to reach a QEMU that let go; doubles
constexpr std::int64_t channel_wait_ms_max = 5000;
constexpr std::size_t rest_bytes_max = 2 * limits::frame_bytes_max; // of a guest that is held back: then it is not read

} // namespace

struct Server::Connection final : Outlet {
    std::shared_ptr<Link> link;
    FrameReader reader;
    Door door = Door::tcp;
    std::string vm; // of a channel
    Router::Id id = 0;
    std::int64_t tokens = 0; // frames it may still send in this second
    bool is_over = false;    // the router has forgotten it
    bool is_held = false;    // waits for the next second

    void send(std::string_view body) override {
        std::string frame;
        append_frame(frame, body.substr(0, limits::frame_bytes_max));
        link->send(frame);
    }
    std::size_t queued_bytes() const override { return link->queued_bytes(); }
    void close_when_sent() override {
        is_over = true;
        link->close_when_sent();
    }
};

Server::Server(const Executor& executor, Clock& clock, ServerWishes wishes, std::function<void()> on_end)
    : executor_(executor), clock_(clock), wishes_(std::move(wishes)), on_end_(std::move(on_end)), timer_(executor) {
    control_ = std::make_shared<Link>(executor_, std::move(wishes_.control));
    control_->start({[this](std::string_view bytes) {
                         control_rest_.append(bytes);
                         for (auto end = control_rest_.find('\n'); end != std::string::npos;
                              end = control_rest_.find('\n')) {
                             const auto line = control_rest_.substr(0, end);
                             control_rest_.erase(0, end + 1);
                             control_line(line);
                         }
                         if (control_rest_.size() > control_line_bytes_max) on_end_();
                     },
                     {},
                     [this](const std::string&) { on_end_(); }});
}

Server::~Server() {
    *alive_ = false;
    for (auto& [number, connection] : connections_)
        connection->link->close();
    control_->close();
}

void Server::control_line(std::string_view text) {
    const auto line = json::parse(text, nullptr, false);
    if (!line.is_object()) return;
    if (const auto at = line.find("settings"); at != line.end() && !router_) {
        Settings settings;
        settings.sessions_max = at->value("sessions_max", settings.sessions_max);
        settings.frames_per_second_max = at->value("frames_per_second_max", settings.frames_per_second_max);
        settings.queue_bytes_max = at->value("queue_bytes_max", settings.queue_bytes_max);
        settings.topic_bytes_max = at->value("topic_bytes_max", settings.topic_bytes_max);
        settings.topics_max = at->value("topics_max", settings.topics_max);
        begin(settings);
    }
    if (!router_) return;
    if (const auto at = line.find("attach"); at != line.end()) attach(*at);
    if (const auto at = line.find("detach"); at != line.end()) {
        const auto vm = at->value("vm", "");
        channels_.erase(vm);
        router_->detach(vm);
    }
    if (const auto at = line.find("shutdown"); at != line.end()) (void)router_->ask_shutdown(at->value("vm", ""));
}

void Server::begin(const Settings& settings) {
    std::vector<std::string> problems;
    auto store = TopicStore::open(std::filesystem::path(wishes_.state_dir) / "topics", settings, problems);
    if (!store) {
        report({{"failed", {{"detail", store.error().text}}}});
        return control_->close_when_sent();
    }
    UniqueFd tcp;
    if (wishes_.port != 0) {
        auto listening = listen_loopback(wishes_.port);
        if (!listening) {
            report({{"failed", {{"detail", listening.error().text}}}});
            return control_->close_when_sent();
        }
        tcp = std::move(*listening);
    }
    for (const auto& problem : problems)
        report({{"problem", {{"detail", problem}}}});
    archive_ = std::make_unique<ArchiveThread>(executor_, std::move(*store));
    router_ = std::make_unique<Router>(settings, *archive_, *this);
    frames_per_second_max_ = settings.frames_per_second_max;
    host_listener_ = std::make_unique<LinkListener>(
        executor_, std::move(wishes_.host_socket),
        [this](const std::shared_ptr<Link>& link) { accepted(Door::host_socket, link); });
    const auto port = port_of(tcp);
    if (tcp)
        tcp_listener_ = std::make_unique<LinkListener>(
            executor_, std::move(tcp), [this](const std::shared_ptr<Link>& link) { accepted(Door::tcp, link); });
    second();
    report({{"listening", {{"port", port}}}});
    if (wishes_.notify) (void)!::write(wishes_.notify.get(), "READY\n", 6);
    wishes_.notify.reset();
}

void Server::attach(const json& what) {
    Guest guest{what.value("vm", ""), what.value("incarnation", ""), what.value("secret", "")};
    if (guest.vm.empty()) return;
    const auto vm = guest.vm;
    router_->attach(std::move(guest));
    const auto socket = what.value("socket", "");
    auto& channel = channels_[vm];
    if (channel.socket == socket && channel.connection != 0) return;
    channel = {socket, 0, 0, channel.attempt + 1};
    if (!socket.empty()) connect_channel(vm);
}

void Server::connect_channel(const std::string& vm) {
    auto& channel = channels_.at(vm);
    auto fd = connect_unix_now(channel.socket);
    if (!fd) return retry_channel(vm);
    const auto number = take(Door::vm_channel, vm, std::make_shared<Link>(executor_, std::move(*fd)));
    if (number == 0) return retry_channel(vm);
    channels_.at(vm).connection = number;
}

void Server::retry_channel(const std::string& vm) {
    auto& channel = channels_.at(vm);
    channel.wait_ms = std::clamp(channel.wait_ms * 2, channel_wait_ms_min, channel_wait_ms_max);
    const auto timer = std::make_shared<asio::steady_timer>(executor_, std::chrono::milliseconds(channel.wait_ms));
    timer->async_wait([this, alive = alive_, timer, vm, attempt = channel.attempt](const auto&) {
        if (!*alive) return;
        const auto found = channels_.find(vm);
        if (found != channels_.end() && found->second.attempt == attempt && found->second.connection == 0)
            connect_channel(vm);
    });
}

void Server::accepted(Door door, const std::shared_ptr<Link>& link) {
    if (door == Door::host_socket) {
        const auto user = link->peer_user();
        if (!user || (*user != wishes_.user && *user != 0)) {
            Decision decision;
            decision.session = new_session_id();
            decision.is_host = true;
            decision.reason = "the host's socket belongs to another user";
            decided(decision);
            return link->close();
        }
    }
    (void)take(door, "", link);
}

// 0: turned away.
std::uint64_t Server::take(Door door, const std::string& vm, const std::shared_ptr<Link>& link) {
    auto connection = std::make_shared<Connection>();
    const auto word = nonce();
    connection->link = link;
    connection->door = door;
    connection->vm = vm;
    connection->reader = FrameReader(std::string(sync_word) + word);
    connection->tokens = frames_per_second_max_;
    const auto id = router_->open(door, vm, *connection, link->remote_address(), now_ms());
    if (!id) {
        Decision decision;
        decision.session = new_session_id();
        decision.remote_addr = link->remote_address();
        decision.is_host = door == Door::host_socket;
        decision.reason = "too many connections without a session";
        decided(decision);
        link->close();
        return 0;
    }
    connection->id = *id;
    const auto number = ++last_number_;
    connections_.emplace(number, connection);
    std::string greeting = std::string(greeting_word) + word + "\n";
    append_frame(greeting, greeting_body());
    link->start({[this, number](std::string_view bytes) { arrived(number, bytes); },
                 [this, number] {
                     const auto found = connections_.find(number);
                     if (found == connections_.end()) return;
                     if (!found->second->is_over) router_->drained(found->second->id);
                 },
                 [this, number](const std::string& why) { ended(number, why); }});
    link->send(greeting);
    return number;
}

void Server::arrived(std::uint64_t number, std::string_view bytes) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    const auto connection = found->second; // kept while the router may end it
    const auto fed =
        connection->reader.feed(bytes, [&](std::string_view body) { return one_frame(*connection, body); });
    if (!fed && !connection->is_over) router_->violated(connection->id, fed.error().text);
    if (connection->is_over) return ended(number, "");
    if (connection->is_held || connection->reader.pending_bytes() > rest_bytes_max) connection->link->pause();
}

// False: no more of this connection for now.
bool Server::one_frame(Connection& connection, std::string_view body) {
    if (connection.is_over) return false;
    const bool goes_on = router_->frame(connection.id, body, now_ms());
    if (!goes_on) connection.is_over = true;
    if (connection.door != Door::host_socket && --connection.tokens <= 0) connection.is_held = true;
    return goes_on && !connection.is_held;
}

// The link has ended, or the router has: what is left of a connection goes. A channel is connected anew.
void Server::ended(std::uint64_t number, const std::string& why) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    const auto connection = found->second;
    connections_.erase(found);
    if (!connection->is_over) {
        connection->is_over = true;
        router_->gone(connection->id, why);
        connection->link->close();
    }
    // The link refers to callbacks only, the router to nothing: the outlet may go when this returns.
    asio::post(executor_, [connection] {});
    if (connection->door != Door::vm_channel) return;
    const auto channel = channels_.find(connection->vm);
    if (channel == channels_.end() || channel->second.connection != number) return;
    channel->second.connection = 0;
    retry_channel(connection->vm);
}

// Once a second: what is silent ends, who was held back goes on.
void Server::second() {
    router_->tick(now_ms());
    std::vector<std::uint64_t> over;
    std::vector<std::uint64_t> held;
    for (auto& [number, connection] : connections_) {
        connection->tokens = frames_per_second_max_;
        if (connection->is_over)
            over.push_back(number);
        else if (std::exchange(connection->is_held, false))
            held.push_back(number);
    }
    for (const auto number : over)
        ended(number, "");
    for (const auto number : held) {
        arrived(number, {});
        const auto found = connections_.find(number);
        if (found != connections_.end() && !found->second->is_held) found->second->link->resume();
    }
    tell_suppressed();
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([this, alive = alive_](const auto& error) {
        if (!error && *alive) second();
    });
}

void Server::report(const json& line) {
    control_->send(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

// Refusals can be had for nothing by whoever wants to flood: beyond some a second they are counted.
void Server::decided(const Decision& decision) {
    const bool is_granted = decision.outcome == Decision::Outcome::granted;
    if (!is_granted && decisions_told_ >= limits::decisions_per_second_max) {
        ++decisions_suppressed_;
        last_reason_ = decision.reason;
        return;
    }
    if (!is_granted) ++decisions_told_;
    if (is_granted && decision.vm != "")
        if (const auto channel = channels_.find(decision.vm); channel != channels_.end()) channel->second.wait_ms = 0;
    const char* outcomes[] = {"granted", "denied", "timeout"};
    report({{"handshake",
             {{"session", decision.session},
              {"vm", decision.vm},
              {"incarnation", decision.incarnation},
              {"outcome", outcomes[static_cast<int>(decision.outcome)]},
              {"reason", contract::clean_text(decision.reason, 512, true)},
              {"kind", decision.is_host ? "host" : "guest"},
              {"capabilities", decision.capabilities},
              {"remote_addr", decision.remote_addr}}}});
}

void Server::tell_suppressed() {
    decisions_told_ = 0;
    if (decisions_suppressed_ == 0) return;
    Decision decision;
    decision.session = new_session_id();
    decision.reason =
        std::to_string(decisions_suppressed_) + " more refused within a second, the last: " + last_reason_;
    decisions_suppressed_ = 0;
    decided(decision);
}

void Server::closed(const Closed& closed) {
    report({{"closed",
             {{"session", closed.session},
              {"vm", closed.vm},
              {"reason", contract::clean_text(closed.reason, 512, true)},
              {"kind", closed.is_host ? "host" : "guest"},
              {"remote_addr", closed.remote_addr}}}});
}

void Server::ready(const std::string& vm, const std::string& incarnation, const json& facts) {
    report({{"ready", {{"vm", vm}, {"incarnation", incarnation}, {"facts", facts}}}});
}

std::string Server::new_session_id() {
    return make_ulid(static_cast<std::uint64_t>(clock_.unix_us() / 1000), clock_.entropy());
}

std::string Server::nonce() {
    return new_session_id();
}

} // namespace castra::broker
