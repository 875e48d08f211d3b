// SPDX-License-Identifier: Apache-2.0
#include "contract/sealer.hpp"

#include "contract/decode.hpp"
#include "contract/encode.hpp"
#include "contract/text.hpp"

namespace castra::contract {

bool Sealer::follow(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    const auto event = decode(line, ReaderMode::tolerant);
    if (!event || monitor_.admit(*event)) return false;
    envelope_ = event->envelope;
    ++counts_.of(envelope_.severity);
    if (!first_error_seq_ && envelope_.severity >= Severity::error) first_error_seq_ = envelope_.seq;
    if (const auto* summary = event->as<Summary>()) exit_code_ = static_cast<int>(summary->exit_code);
    return true;
}

std::string Sealer::seal(std::int64_t unix_us, int exit_code, const std::string& why) {
    Summary summary;
    summary.outcome = Outcome::aborted;
    summary.exit_code = exit_code;
    summary.vms = monitor_.owed(summary, why);
    std::string lines;
    auto event = draft(summary, why).at(Severity::warn).took(envelope_.elapsed_us / 1000);
    event.envelope.last = true;
    // A promised broker is concluded by a message of its own (rule 7).
    for (const auto& name : monitor_.owed_brokers())
        lines += add(broker_aborted(name, why), unix_us);
    auto& body = std::get<Summary>(event.body);
    body.events_emitted = envelope_.seq + 1;
    body.counts = counts_;
    ++body.counts.warn_events;
    body.first_error_seq = first_error_seq_;
    exit_code_ = exit_code;
    return lines + add(std::move(event), unix_us);
}

std::string Sealer::add(Event event, std::int64_t unix_us) {
    auto& envelope = event.envelope;
    envelope.run_id = envelope_.run_id;
    envelope.operation = envelope_.operation;
    envelope.project = envelope_.project;
    envelope.seq = envelope_.seq + 1;
    envelope.time = utc_text(unix_us);
    envelope.elapsed_us = envelope_.elapsed_us;
    envelope.source = "kernel";
    envelope.synthetic = true;
    std::string line;
    (void)encode(event, line);
    (void)monitor_.admit(event);
    envelope_ = envelope;
    ++counts_.of(envelope.severity);
    return line;
}

} // namespace castra::contract
