// SPDX-License-Identifier: Apache-2.0
// PluginProcess: one castra-plugin-host with one plugin in it, and the thread that hears it. Whatever the plugin does
// there - dies, hangs, floods, writes garbage, forks - ends as an error of the call under way and, if it was the
// plugin's doing, as a fault: told to HostServices and put into quarantine.
// Order:  start; then asks, one at a time; end. After a fault every ask fails with its reason.
// Limits: each ask has a deadline. Then: cancel, grace, SIGTERM, grace, SIGKILL, reaped.
// Thread: any; asks wait for each other. Owner: an IsolatedPlugin, then the instance made in it.
#pragma once
#include "host/blocking_child.hpp"
#include "plugin/host_services.hpp"
#include "plugin/isolation.hpp"
#include "plugin/manifest.hpp"
#include "plugin/quarantine.hpp"
#include "plugin/wire.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

namespace castra {

// What every process of one plugin is started from.
struct PluginOrigin {
    std::filesystem::path file;
    std::string sha256; // of the file
    Manifest manifest;
    ContractVersion contract;
};

class PluginProcess {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Starts it and loads the plugin. Errors: plugin, in the same words as a load in-process.
    static Result<std::unique_ptr<PluginProcess>> start(const PluginOrigin& origin, const PluginPolicy& policy,
                                                        HostServices& services);
    PluginProcess(const PluginProcess&) = delete;
    PluginProcess& operator=(const PluginProcess&) = delete;
    ~PluginProcess(); // ends it

    struct Reply {
        std::int32_t status = 0;
        bool is_over = false;
        std::string body;
    };
    // `doing` is for people: "events". Errors: plugin; the call got no answer.
    Result<Reply> ask(WireMessage message, std::string_view doing, Time deadline, int cancel_fd = -1);
    // {interface id: [whether slot 0 is there, ...]}, as the loaded code has them.
    const nlohmann::json& interfaces() const { return interfaces_; }
    bool is_alive() const;
    // Politely, then not. No fault.
    void end();

private:
    PluginProcess(const PluginOrigin& origin, const PluginPolicy& policy, HostServices& services);
    Result<> load();

    // The listening thread.
    void listen();
    void hear(WireMessage message);
    WireMessage serve(const WireMessage& call);
    bool may_serve(std::uint16_t slot);
    // Reads what has come. False: nothing more will come.
    bool read_some();

    // It misbehaved: ended, told, locked up. The first reason counts.
    void fault(const std::string& reason, bool lock_up = true);
    Failure gone() const;
    std::optional<Reply> take_reply();
    void wake_caller();

    const PluginOrigin& origin_;
    const PluginPolicy& policy_;
    HostServices& services_;
    HostTable host_;
    nlohmann::json interfaces_;

    UniqueFd socket_, answered_, stop_; // eventfds: an answer or the end is there; listen() shall return
    std::unique_ptr<BlockingChild> child_;
    std::thread listener_;
    WireReader reader_; // of the listening thread

    std::mutex asking_, writing_, faulting_;
    mutable std::mutex mutex_; // what follows
    std::uint64_t next_id_ = 1, waiting_for_ = 0;
    std::string doing_;
    std::optional<Reply> reply_;
    std::optional<std::string> gone_; // why
    bool is_ending_ = false;

    std::chrono::steady_clock::time_point window_began_; // of the listening thread, for may_serve
    int window_calls_ = 0;
    std::int64_t dropped_ = 0;
};

} // namespace castra
