// SPDX-License-Identifier: Apache-2.0
// BrokerKeeper: what the broker reports, and what it is told.
#include "contract/text.hpp"
#include "operations/broker_keeper.hpp"

#include <algorithm>

namespace castra {

using contract::draft;
using contract::Severity;
using nlohmann::json;

namespace {

constexpr std::size_t line_bytes_max = 1 << 20;
constexpr Milliseconds news_wait{500}; // so that what belongs together becomes one run

std::optional<std::string> given(const json& what, const char* key) {
    auto text = what.value(key, "");
    if (text.empty()) return std::nullopt;
    return contract::clean_text(text, 1024, true);
}

} // namespace

void BrokerKeeper::heard(std::string_view bytes) {
    control_rest_.append(bytes);
    for (auto end = control_rest_.find('\n'); end != std::string::npos; end = control_rest_.find('\n')) {
        const auto line = control_rest_.substr(0, end);
        control_rest_.erase(0, end + 1);
        heard_line(line);
    }
    if (control_rest_.size() > line_bytes_max && control_) control_->close(); // it then ends, and is started again
}

void BrokerKeeper::heard_line(std::string_view text) {
    try {
        const auto line = json::parse(text);
        if (const auto at = line.find("handshake"); at != line.end()) handshake(*at);
        if (const auto at = line.find("closed"); at != line.end()) closed(*at);
        if (const auto at = line.find("failed"); at != line.end()) failure_ = at->value("detail", "");
        if (const auto at = line.find("problem"); at != line.end())
            publish(contract::message(Severity::warn, contract::clean_text(at->value("detail", ""), 1024, true),
                                      "broker_problem")
                        .cure("see " + layout_.broker_dir().string()));
        if (const auto at = line.find("ready"); at != line.end()) {
            const auto guest = guests_.find(at->value("vm", ""));
            if (guest != guests_.end() && guest->second.door.incarnation == at->value("incarnation", "")) {
                if (at->contains("facts")) guest->second.facts = (*at)["facts"].dump();
                guest->second.ready->open();
            }
        }
    } catch (const json::exception&) { // a broker of somebody else's making may say what we do not know
    }
}

void BrokerKeeper::handshake(const json& what) {
    contract::BrokerHandshake event;
    event.session = what.value("session", "");
    event.capabilities = what.value("capabilities", std::vector<std::string>());
    const bool is_host = what.value("kind", "guest") == "host";
    event.session_kind = is_host ? contract::SessionKind::host : contract::SessionKind::guest;
    const auto outcome = what.value("outcome", "denied");
    event.session_outcome = outcome == "granted"   ? contract::SessionOutcome::granted
                            : outcome == "timeout" ? contract::SessionOutcome::timeout
                                                   : contract::SessionOutcome::denied;
    event.reason = given(what, "reason");
    event.remote_addr = given(what, "remote_addr");
    const auto vm = what.value("vm", "");
    const bool is_granted = event.session_outcome == contract::SessionOutcome::granted;
    if (is_granted) sessions_[event.session] = is_host;
    const auto guest = guests_.find(vm);
    if (is_granted && guest != guests_.end() && guest->second.door.incarnation == what.value("incarnation", "")) {
        guest->second.sessions.insert(event.session);
        guest->second.last = GuestSession{event.session, event.capabilities};
        if (std::ranges::find(event.capabilities, "shutdown") != event.capabilities.end())
            guest->second.able.insert(event.session);
        guest->second.greeted->open();
    }
    const auto who = is_host ? std::string("the host") : vm.empty() ? std::string("a guest") : vm;
    auto told = draft(event, is_granted ? who + " has a session with the broker"
                                        : who + " was refused by the broker: " + event.reason.value_or("no reason"));
    if (guest != guests_.end()) told.envelope.vm = vm;
    if (is_granted) return publish(std::move(told));
    publish(std::move(told).at(Severity::warn).cure("if this was not yours, find out who connects: castra status"));
}

void BrokerKeeper::closed(const json& what) {
    contract::BrokerSessionClosed event;
    event.session = what.value("session", "");
    if (sessions_.erase(event.session) == 0) return;
    const bool is_host = what.value("kind", "guest") == "host";
    event.session_kind = is_host ? contract::SessionKind::host : contract::SessionKind::guest;
    event.reason = given(what, "reason");
    event.remote_addr = given(what, "remote_addr");
    const auto vm = what.value("vm", "");
    const auto guest = guests_.find(vm);
    if (guest != guests_.end()) {
        guest->second.sessions.erase(event.session);
        guest->second.able.erase(event.session);
    }
    auto told = draft(event, (is_host ? std::string("the host") : vm) +
                                 "'s session ended: " + event.reason.value_or("no reason"));
    if (guest != guests_.end()) told.envelope.vm = vm;
    publish(std::move(told));
}

void BrokerKeeper::forget_sessions(const std::string& why) {
    for (const auto& [name, is_host] : std::exchange(sessions_, {})) {
        contract::BrokerSessionClosed event;
        event.session = name;
        event.session_kind = is_host ? contract::SessionKind::host : contract::SessionKind::guest;
        event.reason = why;
        publish(draft(event, "a session ended: " + why));
    }
    for (auto& [vm, guest] : guests_) {
        guest.sessions.clear();
        guest.able.clear();
    }
}

void BrokerKeeper::publish(contract::Draft event) {
    if (event.is<contract::BrokerHandshake>() || event.is<contract::BrokerSessionClosed>())
        event.envelope.source = "broker";
    if (bus_ != nullptr && !bus_->is_sealed()) {
        bus_->publish(std::move(event));
        return;
    }
    if (news_.size() >= news_max) {
        ++news_lost_;
        return;
    }
    news_.push_back(std::move(event));
    if (is_telling_ || is_gone_) return;
    is_telling_ = true;
    asio::co_spawn(host_.executor(), tell_soon(shared_from_this()), asio::detached);
}

Task<> BrokerKeeper::tell_soon(std::shared_ptr<BrokerKeeper> self) {
    co_await self->host_.sleep_for(news_wait);
    self->is_telling_ = false;
    if (!self->news_.empty() && self->bus_ == nullptr && !self->is_gone_ && self->on_news) self->on_news();
}

void BrokerKeeper::join(EventBus& bus) {
    for (auto& event : take_news())
        bus.publish(std::move(event));
    bus_ = &bus;
}

bool BrokerKeeper::ran_before() const {
    return news_.empty() ? is_ready_ : !news_.front().is<contract::BrokerStarted>();
}

std::vector<contract::Draft> BrokerKeeper::take_news() {
    auto news = std::exchange(news_, {});
    if (const auto lost = std::exchange(news_lost_, 0); lost > 0)
        news.push_back(contract::message(Severity::warn,
                                         std::to_string(lost) + " events of the broker between runs were not kept",
                                         "broker_news_lost")
                           .cure("something connects and is closed again and again; see castra status"));
    return news;
}

void BrokerKeeper::say(const json& line) {
    if (control_) control_->send(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

void BrokerKeeper::tell_guest(const Guest& guest) {
    say({{"attach",
          {{"vm", guest.door.vm},
           {"incarnation", guest.door.incarnation},
           {"secret", guest.door.secret},
           {"socket", guest.door.socket}}}});
}

void BrokerKeeper::attach(GuestDoor door) {
    auto& guest = guests_[door.vm];
    if (guest.door.incarnation != door.incarnation) {
        guest = {};
        guest.ready = std::make_shared<Gate>(host_.executor());
        guest.greeted = std::make_shared<Gate>(host_.executor());
    }
    guest.door = std::move(door);
    tell_guest(guest);
}

void BrokerKeeper::detach(const std::string& vm) {
    if (guests_.erase(vm) > 0) say({{"detach", {{"vm", vm}}}});
}

std::optional<BrokerKeeper::GuestSession> BrokerKeeper::session_of(const std::string& vm,
                                                                   const std::string& incarnation) const {
    const auto guest = guests_.find(vm);
    if (guest == guests_.end() || guest->second.door.incarnation != incarnation) return std::nullopt;
    return guest->second.last;
}

namespace {

Task<> wait_for(std::shared_ptr<Gate> gate, Executor executor) {
    if (!gate) gate = std::make_shared<Gate>(executor); // nobody will ever open it
    co_await gate->wait();
}

} // namespace

Task<> BrokerKeeper::wait_session(std::string vm, std::string incarnation) {
    const auto guest = guests_.find(vm);
    const bool is_known = guest != guests_.end() && guest->second.door.incarnation == incarnation;
    std::shared_ptr<Gate> gate; // a conditional within co_await is destroyed twice by g++ 12
    if (is_known) gate = guest->second.greeted;
    co_await wait_for(std::move(gate), host_.executor());
}

Task<std::string> BrokerKeeper::wait_ready(std::string vm, std::string incarnation) {
    const auto guest = guests_.find(vm);
    const bool is_known = guest != guests_.end() && guest->second.door.incarnation == incarnation;
    std::shared_ptr<Gate> gate; // a conditional within co_await is destroyed twice by g++ 12
    if (is_known) gate = guest->second.ready;
    co_await wait_for(std::move(gate), host_.executor());
    const auto now = guests_.find(vm);
    co_return now == guests_.end() ? std::string() : now->second.facts;
}

bool BrokerKeeper::ask_shutdown(const std::string& vm) {
    const auto guest = guests_.find(vm);
    if (guest == guests_.end() || guest->second.able.empty()) return false;
    say({{"shutdown", {{"vm", vm}}}});
    return true;
}

} // namespace castra
