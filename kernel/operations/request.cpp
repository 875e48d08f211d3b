// SPDX-License-Identifier: Apache-2.0
#include "operations/request.hpp"

#include <algorithm>
#include <array>

namespace castra {
namespace {
constexpr std::array<std::string_view, 7> operation_names{"up",    "down",      "status", "supervise",
                                                          "clean", "bootstrap", "plan"};
}

std::string_view to_string(Operation operation) {
    return operation_names[static_cast<std::size_t>(operation)];
}

std::string to_line(const Request& request) {
    contract::Json json{{"protocol", socket_protocol}, {"operation", to_string(request.operation)},
                        {"argv", request.argv},        {"config", request.config},
                        {"vms", request.vms},          {"keep_going", request.keep_going},
                        {"replace", request.replace},  {"bootstrap", request.bootstrap},
                        {"force", request.force},      {"strict", request.strict},
                        {"grease", request.grease},    {"broker_only", request.broker_only}};
    if (request.timeout) json["timeout_ms"] = request.timeout->count();
    return json.dump(-1, ' ', false, contract::Json::error_handler_t::replace) + "\n";
}

Result<Request> parse_request(const std::string& line) {
    try {
        const auto json = contract::Json::parse(line);
        if (json.at("protocol") != socket_protocol)
            return fail(ErrorCode::protocol,
                        "this supervisor speaks protocol " + std::to_string(socket_protocol) + ", not " +
                            json.at("protocol").dump(),
                        "run castra down with the castra that started it, then try again");
        Request request;
        const auto name = json.at("operation").get<std::string>();
        const auto found = std::ranges::find(operation_names, name);
        if (found == operation_names.end()) return fail(ErrorCode::protocol, "unknown operation " + name);
        request.operation = static_cast<Operation>(found - operation_names.begin());
        request.argv = json.at("argv").get<std::vector<std::string>>();
        request.config = json.at("config").get<std::string>();
        request.vms = json.at("vms").get<std::vector<std::string>>();
        request.keep_going = json.at("keep_going").get<bool>();
        request.replace = json.value("replace", false);
        request.bootstrap = json.value("bootstrap", BootstrapModes());
        request.force = json.value("force", false);
        if (json.contains("timeout_ms")) request.timeout = Milliseconds(json.at("timeout_ms").get<std::int64_t>());
        request.broker_only = json.value("broker_only", false);
        request.strict = json.at("strict").get<bool>();
        request.grease = json.value("grease", false);
        return request;
    } catch (const contract::Json::exception& error) {
        return fail(ErrorCode::protocol, std::string("the request is damaged: ") + error.what());
    }
}

} // namespace castra
