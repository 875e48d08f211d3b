// SPDX-License-Identifier: Apache-2.0
#include "contract/event.hpp"

namespace castra::contract {

Draft message(Severity severity, std::string text, std::string code) {
    Message event;
    event.text = text;
    if (!code.empty()) event.code = std::move(code);
    return draft(std::move(event), std::move(text)).at(severity);
}

} // namespace castra::contract
