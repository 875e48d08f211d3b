// SPDX-License-Identifier: Apache-2.0
// ServedPlugin: the one plugin of this process, called as the messages of castra say. The main thread runs the plugin;
// a thread of its own reads the socket, so that a cancellation, an answer to a host call or the end of castra arrive
// while the plugin works, and so that castra's death is this process's death, whatever the plugin is doing.
// Errors: none; what goes wrong with castra itself ends the process.
#pragma once
#include "base/unique_fd.hpp"
#include "plugin/host_services.hpp"
#include "plugin/library.hpp"
#include "plugin/wire.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

namespace castra {

class ServedPlugin final : public HostServices {
public:
    // `socket` leads to castra, whose process is `parent`.
    ServedPlugin(UniqueFd socket, UniqueFd parent);
    // Until castra closes the socket; never returns.
    [[noreturn]] void serve();

    // What the plugin asks goes to castra, and the call waits for its answer. Any thread.
    void log(std::string_view plugin, PluginLogLevel level, std::string_view text) override;
    Result<> emit(std::string_view plugin, const nlohmann::json& event) override;
    PluginHostTime now() override;
    bool cancelled() override;
    Result<Secret> secret(std::string_view plugin, const std::string& name) override;

private:
    void listen();
    void hear(WireMessage message);
    void send(const WireMessage& message);
    WireMessage ask_castra(std::uint16_t slot, const nlohmann::json& request);
    static Failure refusal(const WireMessage& answer, const char* otherwise);

    WireMessage answer(const WireMessage& message);
    WireMessage load(const WireMessage& message);
    WireMessage create(const WireMessage& message);
    WireMessage call(const WireMessage& message);

    UniqueFd socket_, parent_, cancel_;
    std::unique_ptr<PluginLibrary> library_; // of the main thread
    const castra_interface* interface_ = nullptr;
    void* instance_ = nullptr;

    std::mutex writing_;
    std::mutex mutex_; // what follows
    std::condition_variable changed_;
    std::deque<WireMessage> work_;
    std::uint64_t running_ = 0, cancelled_id_ = 0, next_host_call_ = 1;
    std::map<std::uint64_t, WireMessage> host_answers_;
};

} // namespace castra
