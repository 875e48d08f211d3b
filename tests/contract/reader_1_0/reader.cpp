// SPDX-License-Identifier: Apache-2.0
// A reader as somebody could have written it on the day 1.0 came out: it knows the fields of 1.0 and the duties of
// readers, and nothing of castra's source. Reads a stream from stdin and prints as JSON what it made of it: the state
// of each VM, what it told a person about events that it did not know, and how the run ended. Frozen with 1.0: newer
// castras must still be read. Exit codes: 0 the stream is read to its end, 3 another major, 4 a line breaks 1.0, 5 it
// has no end.
#include <array>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace {

using Json = nlohmann::json;

struct Field {
    std::string_view place, name, type;
    bool required;
    std::string_view closed; // a|b|c
};
constexpr Field fields[]{
#include "contract_1_0.inc"
};

bool knows_type(std::string_view type) {
    for (const auto& field : fields)
        if (!field.place.empty() && field.place == type) return true;
    return false;
}

std::string_view json_type(const Json& value) {
    return value.is_boolean()          ? "boolean"
           : value.is_number_integer() ? "integer"
           : value.is_string()         ? "string"
           : value.is_array()          ? "array"
           : value.is_object()         ? "object"
                                       : "other";
}

bool allows(std::string_view closed, const std::string& value) {
    return ("|" + std::string(closed) + "|").find("|" + value + "|") != std::string::npos;
}

// What is wrong with the fields of one place that 1.0 knows; unknown fields are ignored. Empty: nothing.
std::string complaint(const Json& event, std::string_view place) {
    for (const auto& field : fields) {
        if (field.place != place || field.name.empty()) continue;
        const auto found = event.find(std::string(field.name));
        if (found == event.end()) {
            if (field.required) return std::string(field.name) + " is missing";
            continue;
        }
        if (json_type(*found) != field.type) return std::string(field.name) + " is no " + std::string(field.type);
        if (!field.closed.empty() && !allows(field.closed, found->get<std::string>()))
            return std::string(field.name) + " has the unknown value " + found->dump();
    }
    return {};
}

class Reader {
public:
    // An exit code; 0: go on.
    int read(const std::string& line) {
        const auto event = Json::parse(line, nullptr, false);
        if (!event.is_object()) return complain("a line is no JSON object");
        const auto contract = event.value("contract", "");
        if (contract.substr(0, contract.find('.')) != "1") {
            std::cerr << "contract " << contract << " is not for me\n";
            return 3;
        }
        if (const auto bad = complaint(event, ""); !bad.empty()) return complain(bad);
        const std::string type = event["type"];
        if (!knows_type(type)) {
            shown_.push_back(event["severity"].get<std::string>() + ": " + event["message"].get<std::string>());
            return 0;
        }
        if (const auto bad = complaint(event, type); !bad.empty()) return complain(type + ": " + bad);
        follow(event, type);
        return 0;
    }

    int finish() const {
        std::cout << Json{{"vms", vms_}, {"shown", shown_}, {"end", end_}}.dump() << "\n";
        return end_.is_null() ? 5 : 0;
    }

private:
    static int complain(const std::string& why) {
        std::cerr << why << "\n";
        return 4;
    }
    void follow(const Json& event, const std::string& type) {
        const auto vm = event.value("vm", "");
        if (type == "vm.launch") vms_[vm] = "launched";
        if (type == "vm.ready") vms_[vm] = "ready";
        if (type == "vm.exited") vms_[vm] = event["expected"] == true ? "gone" : "lost";
        if (type == "vm.shutdown_complete") vms_[vm] = "down";
        if (type == "summary") end_ = {{"outcome", event["outcome"]}, {"exit_code", event["exit_code"]}};
    }

    std::map<std::string, std::string> vms_;
    Json shown_ = Json::array();
    Json end_;
};

} // namespace

int main() {
    Reader reader;
    for (std::string line; std::getline(std::cin, line);)
        if (const int code = reader.read(line); code != 0) return code;
    return reader.finish();
}
