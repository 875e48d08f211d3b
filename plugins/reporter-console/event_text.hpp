// SPDX-License-Identifier: Apache-2.0
// EventText: events as lines for a person. Pure: text in, text out; knows nothing of descriptors. Remembers what later
// lines need (width of the VM column, how to ssh into each VM). Everything it returns is printable, but its own
// colours.
#pragma once
#include "castra/sdk/json.hpp"

#include <map>
#include <string>
#include <string_view>

namespace castra::console {

struct EventStyle {
    bool color = false;
    bool verbose = false;
    bool quiet = false; // stronger than verbose
};

class EventText {
public:
    explicit EventText(EventStyle style = {}) : style_(style) {}

    // Zero or more whole lines, each with its line feed. Progress is worth lines only when verbose.
    std::string lines(const sdk::Json& event);
    // What later lines need; lines() does it itself.
    void remember(const sdk::Json& event);
    std::string painted(std::string_view text, std::string_view severity) const; // also "dim" and "good"
    bool is_verbose() const { return style_.verbose; }

private:
    std::string head(const sdk::Json& event);
    std::string details(const sdk::Json& event) const;
    std::string cause(const sdk::Json& event) const;
    std::string summary(const sdk::Json& event) const;

    EventStyle style_;
    std::size_t vm_columns_ = 0;
    std::map<std::string, std::string> ssh_; // command by VM
    std::string last_details_;               // said once where events follow from each other
};

} // namespace castra::console
