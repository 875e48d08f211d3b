// SPDX-License-Identifier: Apache-2.0
#include "operations/config_changes.hpp"

#include "contract/text.hpp"

namespace castra {
namespace {

const char* words_of(ChangeAnswer answer) {
    switch (answer) {
    case ChangeAnswer::refused:
        break;
    case ChangeAnswer::replaced:
        return " is replaced: ";
    case ChangeAnswer::would_be_replaced:
        return " would be replaced: ";
    }
    return " runs with another configuration: ";
}

} // namespace

contract::Draft config_changed(const std::string& vm, const std::vector<SpecChange>& changes, ChangeAnswer answer) {
    const bool is_refused = answer == ChangeAnswer::refused;
    const auto text = contract::clean_text(vm + words_of(answer) + to_string(changes), 2048, true);
    auto event =
        contract::message(is_refused ? contract::Severity::warn : contract::Severity::info, text, "config_changed")
            .on(vm)
            .cure(is_refused ? "castra up --replace, or put castra.toml back" : "");
    event.envelope.ext = contract::Json{{"changes", to_json(changes)}};
    return event;
}

} // namespace castra
