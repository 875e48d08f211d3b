// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"

namespace castra::nats {
namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string token_of(std::string_view text) {
    std::string token;
    for (const char c : text)
        token += is_plain(c) ? c : '_';
    return token.empty() ? "_" : token;
}

} // namespace

std::string subject_of(std::string_view prefix, std::string_view project, std::string_view type) {
    auto subject = std::string(prefix) + "." + token_of(project);
    while (true) {
        const auto dot = type.find('.');
        subject += "." + token_of(type.substr(0, dot));
        if (dot == type.npos) return subject;
        type.remove_prefix(dot + 1);
    }
}

} // namespace castra::nats
