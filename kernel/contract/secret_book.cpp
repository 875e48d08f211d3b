// SPDX-License-Identifier: Apache-2.0
#include "contract/secret_book.hpp"

#include <algorithm>

namespace castra::contract {
namespace {

bool replace_all(std::string& text, const std::string& secret) {
    bool found = false;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + Secret::mask.size())) {
        text.replace(at, secret.size(), Secret::mask);
        found = true;
    }
    return found;
}

// What names something must stay what it is; a secret in there is a violation, not a text to mend.
bool is_identity(std::string_view field) {
    constexpr std::array<std::string_view, 11> names{"type",      "contract",    "run_id",  "time",
                                                     "operation", "project",     "source",  "vm",
                                                     "span",      "parent_span", "redacted"};
    return std::ranges::find(names, field) != names.end();
}

} // namespace

Result<> SecretBook::add(const Secret& secret) {
    const auto& text = secret.reveal();
    if (text.size() < bytes_min)
        return fail(ErrorCode::usage, "a secret of fewer than " + std::to_string(bytes_min) + " bytes cannot be masked",
                    "use a longer one");
    if (std::ranges::find(secrets_, text) != secrets_.end()) return {};
    if (secrets_.size() >= secrets_max)
        return fail(ErrorCode::usage, "more than " + std::to_string(secrets_max) + " secrets");
    secrets_.push_back(text);
    std::ranges::stable_sort(secrets_, std::greater{}, &std::string::size);
    escaped_.clear();
    for (const auto& one : secrets_) {
        const auto quoted = Json(one).dump(-1, ' ', false, Json::error_handler_t::replace);
        escaped_.push_back(quoted.substr(1, quoted.size() - 2));
    }
    return {};
}

std::string SecretBook::masked(std::string_view text) const {
    std::string out(text);
    for (const auto* forms : {&secrets_, &escaped_})
        for (const auto& secret : *forms)
            replace_all(out, secret);
    return out;
}

void SecretBook::mask(Event& event) const {
    std::vector<std::string> redacted = event.envelope.redacted.value_or(std::vector<std::string>{});
    const auto visit_text = [this](auto&& self, auto& value) -> bool {
        using T = std::remove_cvref_t<decltype(value)>;
        bool found = false;
        if constexpr (std::is_same_v<T, std::string>) {
            for (const auto& secret : secrets_)
                found = replace_all(value, secret) || found;
        } else if constexpr (std::is_same_v<T, Json>) {
            if (value.is_string()) return self(self, value.template get_ref<std::string&>());
            if (value.is_structured())
                for (auto& member : value)
                    found = self(self, member) || found;
        } else if constexpr (is_vector<T>) {
            for (auto& item : value)
                found = self(self, item) || found;
        } else if constexpr (Unwrapped<T>::optional) {
            if (value) found = self(self, *value);
        } else if constexpr (Described<T>) {
            T::describe(
                [&](std::string_view, auto member, const Note&) { found = self(self, value.*member) || found; });
        }
        return found;
    };
    const auto mask_members = [&]<class T>(T& object) {
        T::describe([&](std::string_view name, auto member, const Note&) {
            if (is_identity(name) || !visit_text(visit_text, object.*member)) return;
            if (std::ranges::find(redacted, name) == redacted.end()) redacted.emplace_back(name);
        });
    };
    mask_members(event.envelope);
    std::visit(mask_members, event.body);
    if (!redacted.empty()) event.envelope.redacted = std::move(redacted);
}

bool SecretBook::reveals(std::string_view line) const {
    return std::ranges::any_of(escaped_, [line](const auto& secret) { return line.find(secret) != line.npos; });
}

} // namespace castra::contract
