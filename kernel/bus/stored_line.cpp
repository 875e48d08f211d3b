// SPDX-License-Identifier: Apache-2.0
#include "bus/stored_line.hpp"

#include "contract/decode.hpp"

namespace castra {

EncodedEvents stored_line(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    const auto whole = std::string(line) + '\n';
    EncodedEvent event;
    event.line = whole;
    const auto decoded = contract::decode(line, contract::ReaderMode::tolerant);
    if (decoded) {
        const auto& envelope = decoded->envelope;
        event.type = envelope.type;
        event.severity = contract::text_of(envelope.severity);
        if (envelope.vm) event.vm = *envelope.vm;
        event.seq = envelope.seq;
    }
    return EncodedEvents::of(event);
}

} // namespace castra
