// SPDX-License-Identifier: Apache-2.0
#include "operations/event_filter.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace castra {

std::optional<contract::Severity> severity_of(std::string_view text) {
    const auto& names = contract::EnumText<contract::Severity>::values;
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) return {};
    return static_cast<contract::Severity>(found - names.begin());
}

bool EventFilter::admits(const contract::Json& event) const {
    const auto text = [&](const char* key) {
        const auto found = event.find(key);
        return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (!types.empty()) {
        const auto type = text("type");
        const auto fits = [&](const std::string& glob) { return ::fnmatch(glob.c_str(), type.c_str(), 0) == 0; };
        if (std::ranges::none_of(types, fits)) return false;
    }
    if (!vms.empty() && std::ranges::find(vms, text("vm")) == vms.end()) return false;
    if (!severity_min) return true;
    const auto severity = severity_of(text("severity"));
    return !severity || *severity >= *severity_min; // what we cannot judge is shown
}

} // namespace castra
