// SPDX-License-Identifier: Apache-2.0
#include "operations/workshop.hpp"

#include "contract/decode.hpp"
#include "contract/registry.hpp"
#include "contract/text.hpp"
#include "state/plugin_state.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>

namespace castra {

// Calls come from any thread of any plugin; what they ask is posted to the kernel's.
class Workshop::Services final : public HostServices {
public:
    Services(Host& host, const Log& log) : host_(host), log_(log) {}

    Result<Secret> secret(std::string_view plugin, const std::string& name) override {
        return secrets_.read(plugin, name);
    }

    void log(std::string_view plugin, PluginLogLevel level, std::string_view text) override {
        constexpr std::array<std::string_view, 4> names{"debug", "info", "warn", "error"};
        asio::post(host_.executor(),
                   [this, level = names[static_cast<std::size_t>(level)],
                    line = "plugin " + std::string(plugin) + ": " + secrets_.masked(text)] { log_(level, line); });
    }

    Result<> emit(std::string_view plugin, const nlohmann::json& event) override {
        auto made = draft_of(plugin, event);
        if (!made) return Failure(made.error());
        asio::post(host_.executor(), [this, draft = std::move(*made)]() mutable {
            if (bus_) bus_->publish(std::move(draft));
        });
        return {};
    }

    PluginHostTime now() override { return {host_.clock().unix_us(), host_.clock().monotonic_us() * 1000}; }
    bool cancelled() override { return cancelled_; }

    void fault(std::string_view plugin, std::string_view what) override {
        const auto text = secrets_.masked("plugin " + std::string(plugin) + " " + std::string(what));
        asio::post(host_.executor(), [this, text] {
            log_("error", text);
            if (bus_)
                bus_->publish(
                    contract::message(contract::Severity::warn, contract::clean_text(text, 1024, true), "plugin_fault")
                        .cure("this is a bug of the plugin; it is not started again until it is rebuilt"));
        });
    }

    void attach(EventBus* bus) {
        bus_ = bus;
        secrets_.attach(bus);
        cancelled_ = false;
    }
    void cancel_run() { cancelled_ = true; }
    SecretStore& secrets() { return secrets_; }

private:
    // Only the frame is read here; whether the event is any good is the bus's to say.
    static Result<contract::Draft> draft_of(std::string_view plugin, const nlohmann::json& event) {
        contract::Draft draft;
        auto& envelope = draft.envelope;
        try {
            envelope.type = event.at("type").get<std::string>();
            envelope.message = contract::clean_text(event.at("message").get<std::string>(), 4096, true);
            if (const auto* spec = contract::registry().find_type(envelope.type)) envelope.family = spec->about.family;
            const auto severity = event.value("severity", "info");
            const auto& names = contract::EnumText<contract::Severity>::values;
            const auto found = std::ranges::find(names, severity);
            if (found == names.end() || severity == "blocker")
                return fail(ErrorCode::plugin, "severity " + severity + " is not a plugin's to give");
            envelope.severity = static_cast<contract::Severity>(found - names.begin());
            if (event.contains("vm")) envelope.vm = event["vm"].get<std::string>();
            if (event.contains("span")) envelope.span = event["span"].get<std::string>();
            if (event.contains("ext")) envelope.ext = contract::Json::parse(event["ext"].dump());
            if (event.contains("remediation")) envelope.remediation = event["remediation"].get<std::string>();
            if (event.contains("progress")) {
                const auto& progress = event["progress"];
                envelope.progress.emplace();
                envelope.progress->current = progress.at("current").get<std::int64_t>();
                if (progress.contains("total")) envelope.progress->total = progress["total"].get<std::int64_t>();
                envelope.progress->unit = progress.at("unit").get<std::string>();
            }
            auto fields = contract::Json::object();
            if (event.contains("fields")) fields = contract::Json::parse(event["fields"].dump());
            if (envelope.type == "message") fields["text"] = envelope.message;
            auto body = contract::decode_fields(envelope.type, fields);
            if (!body) return fail(ErrorCode::plugin, "event " + envelope.type + ": " + body.error().text);
            draft.body = std::move(*body);
        } catch (const nlohmann::json::exception& error) {
            return fail(ErrorCode::plugin, std::string("an event needs type and message: ") + error.what());
        }
        envelope.source = "plugin:" + std::string(plugin);
        return draft;
    }

    Host& host_;
    const Log& log_;
    SecretStore secrets_;
    EventBus* bus_ = nullptr; // of the kernel's thread only
    std::atomic<bool> cancelled_{false};
};

namespace {

PluginPolicy policy_of(const Installation& installation, PluginHome plugins) {
    PluginPolicy policy;
    policy.host_program = installation.program.parent_path() / "castra-plugin-host";
    policy.first_party_dir = installation.plugin_dir;
    policy.isolates_all = plugins == PluginHome::own_process;
    policy.quarantine_dir = plugin_quarantine_dir(installation.environment);
    return policy;
}

} // namespace

Workshop::Workshop(Installation installation, Host& host, Log log, PluginHome plugins)
    : installation_(std::move(installation)), host_(host), log_(std::move(log)),
      services_(std::make_unique<Services>(host_, log_)),
      registry_(std::make_unique<PluginRegistry>(*services_, policy_of(installation_, plugins))) {}

Workshop::~Workshop() = default;

void Workshop::attach(EventBus* bus) {
    services_->attach(bus);
}

SecretStore& Workshop::secrets() {
    return services_->secrets();
}

void Workshop::cancel_run() {
    services_->cancel_run();
}

} // namespace castra
