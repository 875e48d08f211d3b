// SPDX-License-Identifier: Apache-2.0
// Descriptors that a child inherits under names: "{fd:NAME}" in argv and env becomes the number that it has there.
// Owner: keeps ours open until the child has its copies.
#pragma once
#include "host/process.hpp"

#include <map>

namespace castra {

class ChildFds {
public:
    void add(SpawnRequest& request, const std::string& name, UniqueFd fd) {
        numbers_[name] = next_;
        request.fds.push_back({fd.get(), next_++});
        ours_.push_back(std::move(fd));
    }
    // One that stays somebody else's, and has no name.
    void lend(SpawnRequest& request, const UniqueFd& fd) { request.fds.push_back({fd.get(), next_++}); }

    // After the last add.
    void fill_in(SpawnRequest& request) const {
        for (const auto& [name, number] : numbers_) {
            const auto place = "{fd:" + name + "}";
            for (auto& argument : request.argv)
                replace(argument, place, std::to_string(number));
            for (auto& variable : request.env)
                replace(variable, place, std::to_string(number));
        }
    }

private:
    static void replace(std::string& text, const std::string& what, const std::string& by) {
        for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
            text.replace(at, what.size(), by);
    }
    int next_ = 3; // beyond stdin, stdout and stderr
    std::map<std::string, int> numbers_;
    std::vector<UniqueFd> ours_;
};

} // namespace castra
