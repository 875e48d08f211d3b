// SPDX-License-Identifier: Apache-2.0
// The one include of a plugin, and its one macro:
//   CASTRA_PLUGIN(MyLauncher, MyReporter)
// Each class derives from one of Launcher, BrokerLauncher, BootstrapStep, Reporter, and is built from its config
// (`explicit MyReporter(const Json& config)`, or no argument). At most one class a kind; nothing runs before create.
// Everything C is made in detail/border.hpp: the table, the slots, decoding, and the barrier no exception passes.
#pragma once
#include "castra/sdk/bootstrap_step.hpp"
#include "castra/sdk/broker_launcher.hpp"
#include "castra/sdk/call.hpp"
#include "castra/sdk/detail/border.hpp"
#include "castra/sdk/host.hpp"
#include "castra/sdk/launcher.hpp"
#include "castra/sdk/refusal.hpp"
#include "castra/sdk/reporter.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

#ifndef CASTRA_PLUGIN_MANIFEST_SHA256
#error "build plugins with castra_add_plugin(), which puts the manifest and its hash into them"
#endif

namespace castra::sdk::detail {

// The slots of a kind in the order of its abi header.
template <>
struct KindTraits<Launcher> {
    static constexpr const char* id = CASTRA_LAUNCHER_V1;
    static constexpr castra_slot slots[CASTRA_LAUNCHER_SLOTS] = {slot<Launcher, &Launcher::requirements>,
                                                                 slot<Launcher, &Launcher::plan>,
                                                                 slot<Launcher, &Launcher::explain_exit>};
};
template <>
struct KindTraits<BrokerLauncher> {
    static constexpr const char* id = CASTRA_BROKER_LAUNCHER_V1;
    static constexpr castra_slot slots[CASTRA_BROKER_LAUNCHER_SLOTS] = {slot<BrokerLauncher, &BrokerLauncher::plan>};
};
template <>
struct KindTraits<BootstrapStep> {
    static constexpr const char* id = CASTRA_BOOTSTRAP_STEP_V1;
    static constexpr castra_slot slots[CASTRA_BOOTSTRAP_STEP_SLOTS] = {slot<BootstrapStep, &BootstrapStep::plan>,
                                                                       slot<BootstrapStep, &BootstrapStep::apply>,
                                                                       slot<BootstrapStep, &BootstrapStep::verify>};
};
template <>
struct KindTraits<Reporter> {
    static constexpr const char* id = CASTRA_REPORTER_V1;
    static constexpr castra_slot slots[CASTRA_REPORTER_SLOTS] = {
        slot<Reporter, &Reporter::open>, slot<Reporter, &Reporter::events>, slot<Reporter, &Reporter::flush>,
        slot<Reporter, &Reporter::close>};
};

// The class among Classes that derives from Kind, if any.
template <class Kind, class... Classes>
struct Provider {
    static constexpr int count = (0 + ... + (std::is_base_of_v<Kind, Classes> ? 1 : 0));
    static_assert(count <= 1, "CASTRA_PLUGIN: two classes of the same kind; make one of them another plugin");
};

template <class... Classes>
struct Plugin {
    static_assert(sizeof...(Classes) > 0, "CASTRA_PLUGIN needs at least one class");
    static_assert(((std::is_base_of_v<Launcher, Classes> || std::is_base_of_v<BrokerLauncher, Classes> ||
                    std::is_base_of_v<BootstrapStep, Classes> || std::is_base_of_v<Reporter, Classes>)&&...),
                  "CASTRA_PLUGIN: each class derives from Launcher, BrokerLauncher, BootstrapStep or Reporter");

    // Calls visit.operator()<Kind>() for each kind provided, until one answers true.
    template <class Visit>
    static bool any_kind(Visit visit) {
        return any_of<Launcher>(visit) || any_of<BrokerLauncher>(visit) || any_of<BootstrapStep>(visit) ||
               any_of<Reporter>(visit);
    }
    template <class Kind, class Visit>
    static bool any_of(Visit& visit) {
        if constexpr (Provider<Kind, Classes...>::count == 1)
            return visit.template operator()<Kind>();
        else
            return false;
    }

    static std::int32_t init(const castra_host* host) noexcept {
        host_table.store(host);
        return CASTRA_OK;
    }
    static const castra_interface* find_interface(const char* wanted) noexcept {
        const castra_interface* found = nullptr;
        if (wanted == nullptr) return found;
        any_kind([&]<class Kind>() {
            if (std::string_view(wanted) != KindTraits<Kind>::id) return false;
            found = &interface_of<Kind>;
            return true;
        });
        return found;
    }
    static std::int32_t create(const char* wanted, castra_bytes config, const castra_sink* error,
                               void** instance) noexcept {
        try {
            if (instance == nullptr || wanted == nullptr) throw std::invalid_argument("create: a null argument");
            *instance = nullptr;
            const auto known = any_kind([&]<class Kind>() {
                if (std::string_view(wanted) != KindTraits<Kind>::id) return false;
                *instance = static_cast<AnyInstance*>(
                    new KindInstance<Kind>(construct<Kind, Classes...>(parse_object(config, "config"))));
                return true;
            });
            if (known) return CASTRA_OK;
            return answer_error(error, CASTRA_UNSUPPORTED,
                                {.code = "unknown_interface", .title = "no interface " + std::string(wanted)});
        } catch (...) {
            return answer_exception(error);
        }
    }
    static void destroy(void* instance) noexcept { delete static_cast<AnyInstance*>(instance); }

    static constexpr castra_plugin table{.magic = CASTRA_ABI_MAGIC,
                                         .size = sizeof(castra_plugin),
                                         .abi_major = CASTRA_ABI_MAJOR,
                                         .abi_minor_min = CASTRA_ABI_MINOR,
                                         .manifest_sha256 = CASTRA_PLUGIN_MANIFEST_SHA256,
                                         .reserved = {},
                                         .init = init,
                                         .create = create,
                                         .destroy = destroy,
                                         .find_interface = find_interface};
};

} // namespace castra::sdk::detail

#define CASTRA_PLUGIN(...)                                                                                             \
    extern "C" CASTRA_EXPORT const castra_plugin* castra_plugin_entry_v1(void);                                        \
    extern "C" const castra_plugin* castra_plugin_entry_v1(void) {                                                     \
        return &::castra::sdk::detail::Plugin<__VA_ARGS__>::table;                                                     \
    }                                                                                                                  \
    static_assert(true, "so that a semicolon follows")
