// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/port_query.hpp"

#include "lifecycle/control_channel.hpp"

#include <algorithm>
#include <charconv>
#include <regex>

namespace castra {
namespace {

std::optional<std::uint16_t> port_of(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

} // namespace

Result<std::vector<sdk::PortForward>> ports_in(const std::string& answer, const std::string& row) {
    std::vector<sdk::PortForward> ports;
    try {
        const std::regex expression(row, std::regex::ECMAScript | std::regex::optimize);
        if (expression.mark_count() != 4) return fail(ErrorCode::protocol, "the port query's row needs four groups");
        for (std::sregex_iterator at(answer.begin(), answer.end(), expression), end; at != end; ++at) {
            if (ports.size() == live_ports_max) break;
            const auto host = port_of((*at)[3].str()), guest = port_of((*at)[4].str());
            if (!host || !guest) continue;
            sdk::PortForward port{(*at)[2].str(), *host, *guest, (*at)[1].str()};
            std::ranges::transform(port.protocol, port.protocol.begin(),
                                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
            if (port.address == "*") port.address = "0.0.0.0";
            ports.push_back(std::move(port));
        }
    } catch (const std::regex_error& error) {
        return fail(ErrorCode::protocol, std::string("the port query's row: ") + error.what());
    }
    return ports;
}

Task<Result<std::optional<std::vector<sdk::PortForward>>>> live_ports(Host& host, const sdk::LaunchPlan& plan,
                                                                      Milliseconds deadline) {
    using Ports = std::optional<std::vector<sdk::PortForward>>;
    if (!plan.ports) co_return Ports();
    const auto answer = co_await ask_planned(host, plan, plan.ports->socket, plan.ports->exchanges, deadline);
    if (!answer) co_return Failure(answer.error());
    auto ports = ports_in(*answer, plan.ports->row);
    if (!ports) co_return Failure(ports.error());
    co_return Ports(std::move(*ports));
}

} // namespace castra
