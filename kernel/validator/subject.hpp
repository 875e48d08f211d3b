// SPDX-License-Identifier: Apache-2.0
// Subject: the plugin under examination, loaded here and called slot by slot, with the requests that castra would send.
// Nothing that it answers is believed; what it answers is kept as it came.
// Thread: any, one at a time.
#pragma once
#include "plugin/host_services.hpp"
#include "plugin/instance.hpp"
#include "plugin/library.hpp"

#include <filesystem>
#include <memory>
#include <optional>

namespace castra {

// A host that keeps nothing; it can refuse events.
class MuteHost final : public HostServices {
public:
    explicit MuteHost(bool refuses = false) : refuses_(refuses) {}
    void log(std::string_view, PluginLogLevel, std::string_view) override {}
    Result<> emit(std::string_view, const nlohmann::json&) override {
        if (refuses_) return fail(ErrorCode::protocol, "this host refuses every event", "go on without");
        return {};
    }
    PluginHostTime now() override { return {1, 1}; }
    bool cancelled() override { return false; }

private:
    bool refuses_;
};

struct SlotAnswer {
    std::int32_t status = 0;
    std::string reply, error;
    std::int64_t duration_ms = 0;
    bool has_written = false; // something to the reply's sink
};

struct SlotRequest {
    std::uint32_t slot = 0;
    std::string name;
    nlohmann::json request;
    bool is_pure = false; // same request, same reply
};

class Subject {
public:
    Subject(std::filesystem::path file, std::filesystem::path scratch, bool host_refuses = false);
    // Errors: as PluginLibrary::load.
    Result<> load();

    const Manifest& manifest() const { return manifest_; }
    const std::shared_ptr<PluginLibrary>& library() const { return library_; }
    const castra_plugin* table() const; // the plugin's own, for questions that castra never asks

    // Configs to try: the defaults, then each example; with defaults filled in.
    std::vector<nlohmann::json> configs() const;
    // As the plugin's create. The instance is destroyed unless `keep` takes it.
    SlotAnswer create(const std::string& kind, std::string_view config, void** keep = nullptr) const;
    // With the first config that makes one. Null: none does; `why` says so.
    void* make(const std::string& kind, std::string* why = nullptr) const;
    std::int64_t destroy(void* instance) const; // how many milliseconds it took
    SlotAnswer call(const std::string& kind, void* instance, std::uint32_t slot, std::string_view request,
                    const CallOptions& options = {}, bool takes_reply = true) const;
    bool has_slot(const std::string& kind, std::uint32_t slot) const;

    // What castra says to an instance of this kind, in order.
    std::vector<SlotRequest> conversation(const std::string& kind) const;

private:
    std::filesystem::path file_, scratch_;
    MuteHost host_;
    Manifest manifest_;
    std::shared_ptr<PluginLibrary> library_;
};

// What is wrong with an answer that is no success; empty: nothing.
std::string problem_of_error(const SlotAnswer& answer);
// What is wrong with a reply of this kind and slot; empty: nothing.
std::string problem_of_reply(const std::string& kind, std::uint32_t slot, const std::string& reply);

} // namespace castra
