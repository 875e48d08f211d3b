// SPDX-License-Identifier: Apache-2.0
// The family message: something for a person, or for a program that knows the `code`.
#pragma once
#include "contract/events/about.hpp"

namespace castra::contract {

struct Message {
    static constexpr About about{"message", Family::message, Severity::info, {}, "Something to tell a person."};
    std::string text;
    std::optional<std::string> code, path, help, rule;
    std::optional<std::int64_t> offending_seq;
    std::optional<std::string> offending, offender;
    static void describe(auto&& visit) {
        using E = Message;
        visit("text", &E::text, Note{"Same as message", {}, "\"falling back to TCG\""});
        visit("code", &E::code,
              Note{"Stable word for programs",
                   {},
                   "\"accelerator_fallback\"",
                   {"accelerator_fallback", "readiness_unknown", "contract_violation", "journal_failed",
                    "sink_detached", "unchanged", "adopted", "image_build", "status"}});
        visit("path", &E::path, Note{"File concerned", {}, "\"/p/castra.toml\""});
        visit("help", &E::help, Note{"Where to read more", {}, "\"docs/CONFIG.md\""});
        visit("rule", &E::rule, Note{"contract_violation: the rule that was broken", {}, "\"8\""});
        visit("offending_seq", &E::offending_seq,
              Note{"contract_violation: earlier event it clashes with", Unit::count, "4"});
        visit("offending", &E::offending, Note{"contract_violation: the refused event, clipped", {}, "\"{}\""});
        visit("offender", &E::offender, Note{"contract_violation: who emitted it", {}, "\"plugin:x\""});
    }
};

} // namespace castra::contract
