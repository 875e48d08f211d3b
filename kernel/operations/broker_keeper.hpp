// SPDX-License-Identifier: Apache-2.0
// Owns the broker process of a project: starts it by its launcher's plan, tells it the VMs, turns what it reports into
// events, starts it again when it dies, stops it. It lives no longer than this process: killed, castra takes it along,
// and its successor starts another.
// Order: plan, start, then attach. Events go to the bus of the run under way (join); between runs they are kept until
// the next one or until `on_news` makes a run for them. Thread: the kernel's. Owner: shared with its coroutines.
#pragma once
#include "bus/event_bus.hpp"
#include "config/project_config.hpp"
#include "host/host.hpp"
#include "host/link.hpp"
#include "lifecycle/guest_link.hpp"
#include "operations/broker_launcher.hpp"
#include "state/layout.hpp"

#include <functional>
#include <map>
#include <set>

namespace castra {

class BrokerKeeper final : public GuestLink, public std::enable_shared_from_this<BrokerKeeper> {
public:
    BrokerKeeper(Host& host, Layout layout);
    ~BrokerKeeper() override;

    // Asks the launcher. False: this project has none. Errors: plugin, busy (the port). Starts nothing.
    Result<bool> plan(const ProjectConfig& config, std::shared_ptr<BrokerLauncher> launcher);
    // Requires: a plan. broker.started is published when it is ready. Errors: launch, timeout, io.
    Task<Result<>> start();
    // broker.stopped when it has ended; at most a moment. Whether it ran.
    Task<bool> stop();
    void stop_now(); // the same without waiting for its end, for an end of castra's own
    bool runs() const { return process_ != nullptr; }
    bool is_pinned() const { return is_pinned_; } // up --broker-only: it stays without VMs
    void pin(bool is_wanted) { is_pinned_ = is_wanted; }

    void join(EventBus& bus); // of an accepted run; what was kept goes there first
    void leave() { bus_ = nullptr; }
    bool ran_before() const; // what a run that begins now has to declare: news of earlier moments belong to it
    std::vector<contract::Draft> take_news();
    // News wait and no run is open. Called a moment after the first.
    std::function<void()> on_news;
    struct GuestSession {
        std::string session;
        std::vector<std::string> capabilities;
    };
    bool knows(const std::string& vm) const { return guests_.contains(vm); } // its guest has a way in
    // The last one that the guest of this incarnation was granted.
    std::optional<GuestSession> session_of(const std::string& vm, const std::string& incarnation) const;
    // Returns when there is one. Ends early when the awaiting coroutine is cancelled.
    Task<> wait_session(std::string vm, std::string incarnation);

    bool is_open() const override { return runs() && is_ready_; }
    std::uint16_t port() const override { return port_; }
    void attach(GuestDoor door) override;
    void detach(const std::string& vm) override;
    Task<std::string> wait_ready(std::string vm, std::string incarnation) override;
    bool ask_shutdown(const std::string& vm) override;

    static constexpr std::size_t news_max = 512; // kept between runs; more are counted
    static constexpr int restarts_max = 10;      // in a row

private:
    struct Guest {
        GuestDoor door;
        std::shared_ptr<Gate> ready, greeted; // open: said, of this incarnation
        std::string facts;                    // what it said with ready: a JSON object
        std::set<std::string> sessions, able; // open ones; those that can shut down
        std::optional<GuestSession> last;
    };
    Result<SpawnRequest> spawn_request() const;
    Task<Result<>> spawn();
    void heard(std::string_view bytes);
    void heard_line(std::string_view line);
    void handshake(const nlohmann::json& what);
    void closed(const nlohmann::json& what);
    void say(const nlohmann::json& line);
    void tell_guest(const Guest& guest);
    void publish(contract::Draft event);
    void forget_sessions(const std::string& why);
    void stopped(bool is_unexpected);
    static Task<> watch(std::shared_ptr<BrokerKeeper> self);
    static Task<> bring_back(std::shared_ptr<BrokerKeeper> self);
    static Task<> tell_soon(std::shared_ptr<BrokerKeeper> self);

    Host& host_;
    const Layout layout_; // its own: coroutines may outlive the project
    sdk::BrokerPlan plan_;
    BrokerConfig config_;
    std::optional<PortLease> lease_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Process> process_;
    std::shared_ptr<Link> control_;
    std::string control_rest_, failure_;
    std::optional<Gate> began_, ended_; // of the process
    std::map<std::string, Guest> guests_;
    std::map<std::string, bool> sessions_; // open ones: whether it is the host's
    EventBus* bus_ = nullptr;
    std::vector<contract::Draft> news_;
    std::size_t news_lost_ = 0;
    std::int64_t ready_us_ = 0;
    int restarts_ = 0;
    bool is_ready_ = false, is_stopping_ = false, is_pinned_ = false, is_telling_ = false, is_gone_ = false;
};

} // namespace castra
