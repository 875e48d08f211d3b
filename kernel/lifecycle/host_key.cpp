// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/host_key.hpp"

#include <algorithm>

namespace castra {
namespace {

constexpr std::uint16_t ssh_port = 22;
constexpr std::size_t key_bytes_max = 2048;

bool is_word(std::string_view text, std::string_view more) {
    return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
        return std::isalnum(c) != 0 || more.find(static_cast<char>(c)) != more.npos;
    });
}

} // namespace

std::optional<std::string> host_key_in(std::string_view marker_line) {
    const auto begin = marker_line.find('{');
    if (begin == marker_line.npos) return std::nullopt;
    const auto told = nlohmann::json::parse(marker_line.substr(begin), nullptr, false);
    if (!told.is_object() || !told.contains("ssh_host_key") || !told["ssh_host_key"].is_string()) return std::nullopt;
    auto key = told["ssh_host_key"].get<std::string>();
    // Type and base64: a guest does not get to write lines of its own into a file of ours.
    const auto space = key.find(' ');
    if (key.size() > key_bytes_max || space == key.npos) return std::nullopt;
    if (!is_word(key.substr(0, space), "-@.") || !is_word(key.substr(space + 1), "+/=")) return std::nullopt;
    return key;
}

std::string known_hosts_lines(const std::string& key, const std::vector<sdk::PortForward>& forwards) {
    std::string lines;
    for (const auto& forward : forwards) {
        if (forward.guest != ssh_port || forward.protocol != "tcp") continue;
        const auto address = forward.address == "0.0.0.0" ? std::string("127.0.0.1") : forward.address;
        const auto place = forward.host == ssh_port ? address : "[" + address + "]:" + std::to_string(forward.host);
        lines += place + " " + key + "\n";
    }
    return lines;
}

} // namespace castra
